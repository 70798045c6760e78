package kqueue

import "time"

const (
	evfiltUser, evfiltProcdesc = 8, evfiltProc // sys/sys/event.h, NetBSD 10.0; x/sys lacks it

	noteExitStatus = 0

	systemNames = netbsdNames

	// The kernel has finer units since 10.0, but it counts a period in clock
	// ticks of 1 to 10 ms all the same, at most 1<<31 of them. Older kernels take
	// a number in any unit for milliseconds. So milliseconds lose nothing.
	timerUnit, timerUnitNote    = time.Millisecond, NoteMseconds
	shortestTimer, longestTimer = 1, 248 * 24 * time.Hour

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = 0

	wakeFlags, writesPastEvents = FlagClear, false
)

// mishandles reports whether the kernel would accept change and get it wrong:
//
//   - A queue that watches itself hangs the system once it has an event
//     (sys/kern/kern_event.c, knote_activate takes the lock of the queue again;
//     seen on 10.99).
//   - A timer with a negative period panics a kernel with DIAGNOSTIC
//     (sys/kern/subr_time_arith.c, tstohz; seen on 10.99).
//   - A period of 0 for a timer that is running is refused, but ends the timer
//     (sys/kern/kern_event.c, filt_timertouch).
func (q *Queue) mishandles(change *Event) bool {
	switch change.Filter {
	case FilterRead:
		return q != nil && change.Ident == uintptr(q.fd)
	case FilterTimer:
		return change.Flags&FlagAdd != 0 &&
			(change.Data < 0 || change.Data == 0 && change.Fflags&NoteAbstime == 0)
	}
	return false
}

type kernelFilter = uint32
type kernelFlag = uint32

// NetBSD's own constants. x/sys lacks them. Their source is sys/sys/event.h,
// NetBSD 10.0, which is the first release to have the notes.
const (
	// FilterFS (EVFILT_FS) tells of mounts and unmounts in the whole system.
	// Ident is a free number. Fflags out has the VQ_ bits of sys/mount.h.
	// FreeBSD, DragonFly and macOS have it too.
	FilterFS Filter = 7

	// FilterEmpty (EVFILT_EMPTY) is triggered when all that was written to a
	// socket is gone from its send buffer; for TCP, when it is acknowledged.
	// Ident is a socket descriptor, Data out is 0. NetBSD 10.0 and later;
	// FreeBSD has it too.
	FilterEmpty Filter = 9

	// NoteOpen (NOTE_OPEN), for FilterVnode: the file was opened.
	NoteOpen Note = 0x80

	// NoteClose (NOTE_CLOSE), for FilterVnode: a descriptor of the file that did
	// not permit writing was closed.
	NoteClose Note = 0x100

	// NoteCloseWrite (NOTE_CLOSE_WRITE), for FilterVnode: a descriptor of the file
	// that permitted writing was closed.
	NoteCloseWrite Note = 0x200

	// NoteRead (NOTE_READ), for FilterVnode: the file was read.
	NoteRead Note = 0x400

	// NoteMseconds (NOTE_MSECONDS), for FilterTimer, in: Data is in milliseconds,
	// as it is without a unit. The units are one number, not flags: they must
	// not be or-ed.
	NoteMseconds Note = 0x0

	// NoteSeconds (NOTE_SECONDS), for FilterTimer, in: Data is in seconds.
	NoteSeconds Note = 0x1

	// NoteUseconds (NOTE_USECONDS), for FilterTimer, in: Data is in microseconds.
	// The kernel rounds it up to its clock tick.
	NoteUseconds Note = 0x2

	// NoteNseconds (NOTE_NSECONDS), for FilterTimer, in: Data is in nanoseconds.
	// The kernel rounds it up to its clock tick.
	NoteNseconds Note = 0x3

	// NoteAbstime (NOTE_ABSTIME), for FilterTimer, in, beside a unit: Data is a
	// time since the Unix epoch on CLOCK_REALTIME, not a period. The timer goes
	// off once, and stays triggered unless it has FlagClear or FlagOneshot.
	NoteAbstime Note = 0x10
)
