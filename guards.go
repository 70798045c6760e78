package kqueue

// The changes that a kernel would accept and get wrong. The package refuses them
// with EINVAL in the place of the kernel, which does not check them. Those of all
// systems stand in this file, so that every host can test them. kqueue_<os>.go
// chooses its own by the name kernelMishandles; the linker leaves out the others.

const (
	timerUnits   = 0xf  // FreeBSD's NoteSeconds|NoteMseconds|NoteUseconds|NoteNseconds
	timerAbstime = 0x10 // NoteAbstime of FreeBSD and NetBSD
)

// darwinMishandles refuses FilterAIO. A program has no use for it, because its
// results are in fields that struct kevent lacks (bsd/kern/kern_aio.c), and what
// kernels make of it changes from release to release.
func darwinMishandles(change *Event) bool { return change.Filter == FilterAIO }

// dragonflyMishandles refuses timers with a negative period, which the kernel takes
// for the shortest one (sys/kern/kern_event.c, filt_timerreset).
func dragonflyMishandles(change *Event) bool { return isNewTimer(change) && change.Data < 0 }

// freebsdMishandles refuses filter 0, which the kernel skips without an error
// (sys/kern/kern_event.c, kqueue_kevent), and timers whose fields it checks only
// when it adds them: an event that exists has FlagError from then on
// (filt_timertouch).
func freebsdMishandles(change *Event) bool {
	if change.Filter == 0 {
		return true
	}
	unit := change.Fflags & timerUnits
	return isNewTimer(change) &&
		(change.Data < 0 || unit&(unit-1) != 0 || change.Fflags&^(timerUnits|timerAbstime) != 0)
}

// netbsdMishandles refuses what the kernel gets wrong on 10.99:
//
//   - A queue that watches itself (sys/kern/kern_event.c, knote_activate).
//   - A timer with a negative period (sys/kern/subr_time_arith.c, tstohz).
//   - A timer with a period of 0, which the kernel refuses, but if the timer
//     exists it ends (sys/kern/kern_event.c, filt_timertouch).
func netbsdMishandles(queue int, change *Event) bool {
	if change.Filter == FilterRead {
		return change.Ident == uintptr(queue)
	}
	return isNewTimer(change) &&
		(change.Data < 0 || change.Data == 0 && change.Fflags&timerAbstime == 0)
}

// openbsdMishandles refuses timers with a negative period, which the kernel takes
// for one clock tick (sys/kern/kern_event.c, filt_timeradd).
func openbsdMishandles(change *Event) bool { return isNewTimer(change) && change.Data < 0 }

// isNewTimer reports whether change sets the period of a timer.
func isNewTimer(change *Event) bool { return change.Filter == FilterTimer && change.Flags&FlagAdd != 0 }
