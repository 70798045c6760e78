package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser, evfiltProcdesc = unix.EVFILT_USER, evfiltProc
	noteExitStatus             = 0
	systemNames                = dragonflyNames

	// The kernel has no other unit, and it ignores Fflags. It counts a period in
	// clock ticks. At 100 Hz, a period just below 1<<31 of them overflows and the
	// timer fires at once (sys/kern/kern_clock.c, tvtohz_high).
	timerUnit, timerUnitNote    = time.Millisecond, 0
	shortestTimer, longestTimer = 1, 248 * 24 * time.Hour

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

// The constants that DragonFly has in addition.
const (
	// FilterExcept (EVFILT_EXCEPT) reports exceptional conditions. Ident is the
	// descriptor of a socket. Fflags of a change and of a triggered event are
	// NoteOOB. DragonFly 2.8 and later have this filter. OpenBSD and macOS have
	// it too.
	FilterExcept Filter = unix.EVFILT_EXCEPT

	// FilterFS (EVFILT_FS) reports mounts and unmounts in the whole system.
	// Ident is any number. Fflags of a change are ignored. Fflags are returned
	// as VQ_ bits of sys/mount.h: 0x8 is a mount, 0x10 an unmount. FlagClear is
	// implied. DragonFly 4.6 and later have this filter. FreeBSD, NetBSD and
	// macOS have it too.
	FilterFS Filter = unix.EVFILT_FS

	// FlagHup (EV_HUP), in a triggered event of FilterRead or FilterWrite,
	// reports that both sides of a socket, pipe or FIFO are closed. It comes
	// with FlagEOF. DragonFly 5.8.1 and later have this flag.
	FlagHup Flag = unix.EV_HUP

	// FlagNodata (EV_NODATA), in a triggered event with FlagEOF, reports that
	// no data is left to read. FilterWrite, the exit of a process and a revoked
	// file have it as well. DragonFly 2.12 and later have this flag.
	FlagNodata Flag = unix.EV_NODATA

	// NoteOOB (NOTE_OOB), for FilterExcept and FilterRead, reports out-of-band
	// data. DragonFly 2.8 and later have it. The number differs from that of
	// OpenBSD.
	NoteOOB Note = unix.NOTE_OOB
)
