package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltRead   = unix.EVFILT_READ
	evfiltWrite  = unix.EVFILT_WRITE
	evfiltAIO    = unix.EVFILT_AIO
	evfiltVnode  = unix.EVFILT_VNODE
	evfiltProc   = unix.EVFILT_PROC
	evfiltSignal = unix.EVFILT_SIGNAL
	evfiltTimer  = unix.EVFILT_TIMER
	evfiltUser   = 8 // sys/sys/event.h, NetBSD 10.0; x/sys lacks it

	evfiltProcdesc = evfiltProc // no such filter

	noteExitStatus = 0

	// NetBSD 10 has finer units, but rounds them up to its clock tick of 1 to
	// 10 ms all the same, and NetBSD 9 takes a number in any unit for
	// milliseconds. So milliseconds lose nothing and are right on both.
	timerUnit     = time.Millisecond
	timerUnitNote = NoteMseconds
)

type kernelFilter = uint32
type kernelFlag = uint32

const systemNames = netbsdNames

// NetBSD's own filters. x/sys lacks them; their source is sys/sys/event.h,
// NetBSD 10.0.
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
)

// NetBSD's own notes. x/sys lacks them; their source is sys/sys/event.h, NetBSD
// 10.0, which is the first release to have them.
const (
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
