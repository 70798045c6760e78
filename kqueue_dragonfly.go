package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser, evfiltProcdesc = unix.EVFILT_USER, evfiltProc

	noteExitStatus = 0

	systemNames = dragonflyNames

	// The kernel has no other unit, and it ignores Fflags. It counts a period in
	// clock ticks. At 100 Hz, a period just below 1<<31 of them overflows and the
	// timer fires at once (sys/kern/kern_clock.c, tvtohz_high).
	timerUnit, timerUnitNote    = time.Millisecond, 0
	shortestTimer, longestTimer = 1, 248 * 24 * time.Hour

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = 0

	// The kernel wakes all sleepers for an event (sys/kern/kern_event.c,
	// kqueue_wakeup), so Close's event stays triggered for all of them.
	wakeFlags = 0

	// The kernel does not look at the room in events before it writes the
	// answers to changes (sys/kern/kern_event.c, kevent_copyout).
	writesPastEvents = true
)

// mishandles reports whether the kernel would accept change and get it wrong: it
// takes a negative period for the shortest one.
func (q *Queue) mishandles(change *Event) bool {
	return change.Filter == FilterTimer && change.Flags&FlagAdd != 0 && change.Data < 0
}

// DragonFly's own constants.
const (
	// FilterExcept (EVFILT_EXCEPT) tells of exceptional conditions. Ident is a
	// socket descriptor, Fflags in and out NoteOOB. DragonFly 2.8 and later;
	// OpenBSD and macOS have it too.
	FilterExcept Filter = unix.EVFILT_EXCEPT

	// FilterFS (EVFILT_FS) tells of mounts and unmounts in the whole system.
	// Ident is a free number. Fflags in is ignored, out it has the VQ_ bits of
	// sys/mount.h: 0x8 is a mount, 0x10 an unmount. FlagClear is implied.
	// DragonFly 4.6 and later; FreeBSD, NetBSD and macOS have it too.
	FilterFS Filter = unix.EVFILT_FS

	// FlagHup (EV_HUP), out, for FilterRead and FilterWrite on sockets: both
	// sides are closed. It comes with FlagEOF. DragonFly 5.8 and later.
	FlagHup Flag = unix.EV_HUP

	// FlagNodata (EV_NODATA), out, beside FlagEOF: no data is left to read.
	// DragonFly 2.12 and later.
	FlagNodata Flag = unix.EV_NODATA

	// NoteOOB (NOTE_OOB), for FilterExcept: out-of-band data is there to read.
	// DragonFly 2.8 and later. The number is another on OpenBSD.
	NoteOOB Note = unix.NOTE_OOB
)
