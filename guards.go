package kqueue

import (
	"math"
	"time"
)

// The refused changes: those that a kernel would accept and get wrong. The package
// refuses them with EINVAL in the place of the kernel, which does not check them.
// Those of all systems stand in this file, so that every host can test them.
// kqueue_<os>.go chooses its own by the name kernelMishandles; the linker leaves
// out the others.

const (
	timerUnits   = 0xf  // FreeBSD's NoteSeconds|NoteMseconds|NoteUseconds|NoteNseconds
	timerAbstime = 0x10 // NoteAbstime of FreeBSD and NetBSD

	// The longest periods of timers, for TimerEvent and for raw changes.
	//
	// FreeBSD adds the period to the time since boot. A timer for which the sum
	// reaches 68 years fires at once, over and over (sys/kern/kern_event.c,
	// filt_timerstart).
	freebsdLongestTimer = 1 << 30 * time.Second

	// DragonFly counts a period in clock ticks. At 100 Hz, one just below 1<<31 of
	// them overflows, and the timer fires at once (sys/kern/kern_clock.c,
	// tvtohz_high).
	dragonflyLongestTimer = 248 * 24 * time.Hour
)

// darwinMishandles refuses FilterAIO. A program has no use for it, because its
// results are in fields that struct kevent lacks (bsd/kern/kern_aio.c), and what
// kernels make of it changes from release to release.
func darwinMishandles(change *Event) bool { return change.Filter == FilterAIO }

// dragonflyMishandles refuses timers with a negative period, which the kernel takes
// for the shortest one, with or without FlagAdd (sys/kern/kern_event.c,
// filt_timerreset), and those with one that is too long. It also refuses a
// descriptor above 32 bits: the kernel cuts it when it looks it up, and compares it
// whole when it is closed (kqueue_register, knote_fdclose). -1 is left to the
// kernel, which answers EBADF.
func dragonflyMishandles(change *Event) bool {
	switch change.Filter {
	case FilterTimer:
		return (change.Data < 0 || change.Data > int64(dragonflyLongestTimer/time.Millisecond)) &&
			change.Flags&FlagDelete == 0
	case FilterRead, FilterWrite, FilterVnode, dragonflyExcept:
		return uint64(change.Ident) > math.MaxInt32 && int32(change.Ident) >= 0
	}
	return false
}

// dragonflyExcept is the number of DragonFly's FilterExcept, -8. On NetBSD, the type
// has no sign.
const dragonflyExcept = ^Filter(7)

// freebsdMishandles refuses filter 0, which the kernel skips without an error
// (sys/kern/kern_event.c, kqueue_kevent), timers whose fields it checks only
// when it adds them: an event that exists has FlagError from then on
// (filt_timertouch), and periods that are too long.
func freebsdMishandles(change *Event) bool {
	return change.Filter == 0 || isNewTimer(change) && freebsdMishandlesTimer(change)
}

//go:noinline
func freebsdMishandlesTimer(change *Event) bool {
	unit := freebsdTimerUnits[change.Fflags&timerUnits]
	return change.Data < 0 || unit == 0 || change.Fflags&^(timerUnits|timerAbstime) != 0 ||
		change.Data > int64(freebsdLongestTimer/unit) && change.Fflags&timerAbstime == 0
}

// freebsdTimerUnits has the unit for each note, and 0 for several notes at once.
var freebsdTimerUnits = [timerUnits + 1]time.Duration{
	0: time.Millisecond, 1: time.Second, 2: time.Millisecond, 4: time.Microsecond, 8: time.Nanosecond,
}

// netbsdMishandles refuses what the kernel gets wrong on 10.99:
//
//   - A queue that watches itself (sys/kern/kern_event.c, knote_activate). Queues
//     must not watch themselves in any other way either, such as by a duplicate of
//     the descriptor or by way of other queues. That cannot be seen here.
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
