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
	// The longest periods of timers, for TimerEvent and for raw changes. (The time
	// of an absolute timer of FreeBSD must be before 1<<31 seconds.)
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
	return uint64(change.Ident) > math.MaxInt32 && int32(change.Ident) >= 0 && isDragonflyDescriptor(change.Filter) ||
		change.Filter == FilterTimer && change.Flags&(FlagAdd|FlagDelete) != FlagDelete &&
			uint64(change.Data) > uint64(dragonflyLongestTimer/time.Millisecond)
}

func isDragonflyDescriptor(filter Filter) bool {
	return filter == FilterRead || filter == FilterWrite || filter == FilterVnode || filter == dragonflyExcept
}

const dragonflyExcept = ^Filter(7) // FilterExcept: -8, but the type has no sign on NetBSD

// freebsdMishandles refuses filter 0, which the kernel skips without an error
// (sys/kern/kern_event.c, kqueue_kevent), timers whose fields it checks only
// when it adds them: an event that exists has FlagError from then on
// (filt_timertouch), and periods that are too long.
func freebsdMishandles(change *Event) bool {
	// As a uint64, a negative period is too long as well.
	return change.Filter == 0 || isNewTimer(change) &&
		(change.Fflags >= Note(len(freebsdTooLong)) || uint64(change.Data) >= freebsdTooLong[change.Fflags])
}

// freebsdTooLong has the least Data that is refused, by Fflags: NoteSeconds (0x1),
// NoteMseconds (0x2), NoteUseconds (0x4) or NoteNseconds (0x8), with NoteAbstime
// (0x10) or without. It is 0 for several units at once.
var freebsdTooLong = [0x20]uint64{
	0x0: 1<<30*1e3 + 1, 0x1: 1<<30 + 1, 0x2: 1<<30*1e3 + 1, 0x4: 1<<30*1e6 + 1, 0x8: uint64(freebsdLongestTimer) + 1,
	0x10: 1 << 31 * 1e3, 0x11: 1 << 31, 0x12: 1 << 31 * 1e3, 0x14: 1 << 31 * 1e6, 0x18: 1 << 31 * 1e9, // in 2038
}

// netbsdMishandles refuses what the kernel gets wrong on 10.99:
//
//   - A queue that watches itself (sys/kern/kern_event.c, knote_activate). Queues
//     must not watch themselves in any other way either, such as by a duplicate of
//     the descriptor or by way of other queues. That cannot be seen here.
//   - A timer with a negative period (sys/kern/subr_time_arith.c, tstohz).
//   - A timer with a period of 0 or with unknown notes, which the kernel refuses,
//     but if the timer exists it ends (sys/kern/kern_event.c, filt_timertouch).
//
// A period in a raw change that is too long is cut to 1<<31 ticks, as on OpenBSD.
func netbsdMishandles(queue int, change *Event) bool {
	return change.Ident == uintptr(queue) && change.Filter == FilterRead || isNewTimer(change) &&
		(change.Data < 0 || change.Data == 0 && change.Fflags&netbsdAbstime == 0 ||
			change.Fflags&^(netbsdTimerUnits|netbsdAbstime) != 0)
}

const netbsdTimerUnits, netbsdAbstime = 0x3, 0x10 // the field of the units, NoteAbstime

// openbsdMishandles refuses timers with a negative period, which the kernel takes
// for one clock tick (sys/kern/kern_event.c, filt_timeradd).
func openbsdMishandles(change *Event) bool { return isNewTimer(change) && change.Data < 0 }

// isNewTimer reports whether change sets the period of a timer.
func isNewTimer(change *Event) bool { return change.Filter == FilterTimer && change.Flags&FlagAdd != 0 }
