package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser     = unix.EVFILT_USER
	evfiltProcdesc = evfiltProc // there is none
	noteExitStatus = 0          // there is none

	// TimerEvent: the unit of a period, its note, and the bounds of the period. The
	// kernel has no other unit, and it ignores Fflags.
	timerUnit     = time.Millisecond
	timerUnitNote = 0
	shortestTimer = 1
	longestTimer  = dragonflyLongestTimer

	keyFlags = 0 // flags that belong to the key of an event

	// wakeFlags are options of the event with which Close wakes calls. The kernel
	// wakes all sleepers for an event (sys/kern/kern_event.c, kqueue_wakeup), so it
	// stays triggered for all of them.
	wakeFlags = 0

	// In kevent(2), the kernel does not look at the room for events before it writes
	// the answers to changes (sys/kern/kern_event.c, kevent_copyout).
	writesPastEvents = true

	// No kevent(2) call waits longer, not even for Forever: on a busy queue, this
	// kernel does not bear long calls (sys/kern/kern_event.c, kern_kevent).
	longestCall = time.Second / 2

	// Changes of a long Apply in one call. For each change with FlagReceipt, the
	// kernel looks at up to 31 that follow (sys/kern/kern_event.c, floadkevfps).
	maxBatch = 8
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &dragonflyNames

func kernelMishandles(queue int, change *Event) bool { return dragonflyMishandles(change) }

// The filters that DragonFly has in addition.

// FilterFS (EVFILT_FS) reports mounts and unmounts in the whole system. Ident
// is any number. Fflags of a change are ignored. Fflags are returned as VQ_
// bits of sys/mount.h: 0x8 is a mount, 0x10 an unmount. [FlagClear] is implied.
// DragonFly 4.6 and later have this filter. FreeBSD, NetBSD and macOS have it
// too.
const FilterFS Filter = unix.EVFILT_FS

// FilterExcept (EVFILT_EXCEPT) reports exceptional conditions. Ident is the
// descriptor of a socket: a terminal is refused with EOPNOTSUPP. Fflags of a
// change and of a triggered event are [NoteOOB]. Without it, the event is that
// of [FilterRead]. With it, FlagEOF is not returned. DragonFly 2.8 and later
// have this filter. OpenBSD and macOS have it too.
const FilterExcept Filter = unix.EVFILT_EXCEPT

// The flags that DragonFly has in addition.

// FlagHup (EV_HUP), in a triggered event of [FilterRead] or [FilterWrite],
// reports that both sides of a socket, pipe or FIFO are closed. It comes with
// FlagEOF. DragonFly 5.8.1 and later have this flag.
const FlagHup Flag = unix.EV_HUP

// FlagNodata (EV_NODATA), in a triggered event with FlagEOF, reports that no
// data is left to read. [FilterWrite], the exit of a process and a revoked file
// have it as well. DragonFly 2.12 and later have this flag.
const FlagNodata Flag = unix.EV_NODATA

// The notes that DragonFly has in addition.

// NoteOOB (NOTE_OOB), for [FilterExcept] and [FilterRead], reports out-of-band
// data. An event of FilterRead that has it is triggered by nothing else, and stays
// triggered until data behind the mark was read: use [FlagClear].
// DragonFly 2.8 and later have it. The number is that of macOS and differs from
// that of OpenBSD.
const NoteOOB Note = unix.NOTE_OOB
