package kqueue

import "time"

const (
	evfiltUser     = 8          // x/sys lacks it; sys/sys/event.h, NetBSD 10.0
	evfiltProcdesc = evfiltProc // there is none
	noteExitStatus = 0          // there is none

	// TimerEvent: the unit of a period, its note, and the bounds of the period.
	// The kernel has finer units since 10.0, but it counts a period in clock ticks of
	// 1 to 10 ms all the same, at most 1<<31 of them. Older kernels take a number in
	// any unit for milliseconds. So milliseconds lose nothing.
	timerUnit     = time.Millisecond
	timerUnitNote = NoteMseconds
	shortestTimer = 1
	longestTimer  = 248 * 24 * time.Hour

	keyFlags         = 0         // flags that belong to the key of an event
	wakeFlags        = FlagClear // options of the event with which Close wakes calls
	writesPastEvents = false     // in kevent(2), answers to changes past the end of the events

	// No kevent(2) call waits longer. 32-bit kernels overflow at 1<<31 seconds.
	longestCall = 24 * time.Hour

	maxBatch = 1024 // changes of a long Apply in one call
)

type kernelFilter = uint32
type kernelFlag = uint32

var systemNames = &netbsdNames

func kernelMishandles(queue int, change *Event) bool { return netbsdMishandles(queue, change) }

// The filters that NetBSD has in addition. x/sys lacks all of these constants.
// Their source is sys/sys/event.h, NetBSD 10.0.

// FilterFS (EVFILT_FS) reports mounts and unmounts in the whole system. Ident
// is any number. Fflags of a change are ignored. Fflags are returned as VQ_
// bits of sys/mount.h. [FlagClear] is implied. FreeBSD, DragonFly and macOS
// have this filter too.
const FilterFS Filter = 7

// FilterEmpty (EVFILT_EMPTY) is triggered when the send buffer of a socket is
// empty; for TCP, this means that all data was acknowledged. A Unix stream
// socket always triggers it. Ident is the descriptor of the socket. Data is
// returned as 0. NetBSD 10.0 and later have this filter. FreeBSD has it too.
const FilterEmpty Filter = 9

// The notes that NetBSD 10.0 and later have in addition, by filter.

// NoteOpen (NOTE_OPEN), for [FilterVnode], reports that the file was opened.
const NoteOpen Note = 0x80

// NoteClose (NOTE_CLOSE), for [FilterVnode], reports that an open file that did
// not permit writing was closed, which happens when the last of its duplicates
// is.
const NoteClose Note = 0x100

// NoteCloseWrite (NOTE_CLOSE_WRITE), for [FilterVnode], reports that an open
// file that permitted writing was closed, which happens when the last of its
// duplicates is.
const NoteCloseWrite Note = 0x200

// NoteRead (NOTE_READ), for [FilterVnode], reports that the file was read.
const NoteRead Note = 0x400

// NoteSeconds (NOTE_SECONDS), in a change with [FilterTimer], makes Data a
// number of seconds. The units are the values of a field and must not be
// combined.
const NoteSeconds Note = 0x1

// NoteMseconds (NOTE_MSECONDS), in a change with [FilterTimer], makes Data a
// number of milliseconds, which is also the default.
const NoteMseconds Note = 0x0

// NoteUseconds (NOTE_USECONDS), in a change with [FilterTimer], makes Data a
// number of microseconds. The kernel rounds it up to its clock tick.
const NoteUseconds Note = 0x2

// NoteNseconds (NOTE_NSECONDS), in a change with [FilterTimer], makes Data a
// number of nanoseconds. The kernel rounds it up to its clock tick.
const NoteNseconds Note = 0x3

// NoteAbstime (NOTE_ABSTIME), in a change with [FilterTimer] and together with
// a unit, makes Data a point in time since the Unix epoch, on CLOCK_REALTIME.
// The kernel turns it into a period when the event is added: the timer does not
// follow a clock that is set later. A point in the past fires at once. Use
// [FlagOneshot]: without it, NetBSD 10.99 lets a point in the future fire again
// and again, with the time that was left as the period (kern_event.c,
// filt_timercompute), and the event stays triggered unless it has [FlagClear].
const NoteAbstime Note = 0x10
