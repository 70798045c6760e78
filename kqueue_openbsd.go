package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser     = -10        // x/sys lacks it; sys/sys/event.h, OpenBSD 7.8
	evfiltProcdesc = evfiltProc // there is none
	noteExitStatus = 0          // there is none

	// TimerEvent: the unit of a period, its note, and the bounds of the period.
	// The kernel counts a period in clock ticks, at most 1<<31 of them
	// (sys/kern/kern_clock.c, tstohz).
	timerUnit     = time.Nanosecond
	timerUnitNote = NoteNseconds
	shortestTimer = 1
	longestTimer  = 248 * 24 * time.Hour

	keyFlags         = 0         // flags that belong to the key of an event
	wakeFlags        = FlagClear // options of the event with which Close wakes calls
	writesPastEvents = false     // in kevent(2), answers to changes past the end of the events

	// No kevent(2) call waits longer. 32-bit kernels overflow at 1<<31 seconds.
	longestCall = 24 * time.Hour

	maxBatch = 1024 // changes of a long Apply in one call
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &openbsdNames

func kernelMishandles(queue int, change *Event) bool { return openbsdMishandles(change) }

// The filters that OpenBSD has in addition.

// FilterExcept (EVFILT_EXCEPT) reports exceptional conditions. Ident is a
// descriptor of a socket or of the master side of a pseudo-terminal. Fflags of
// a change and of a triggered event are [NoteOOB]. Data is not meaningful, and
// FlagEOF is not returned. DragonFly and macOS have this filter too.
const FilterExcept Filter = unix.EVFILT_EXCEPT

// FilterDevice (EVFILT_DEVICE) reports changes to a device. Ident is a
// descriptor of the device. Fflags of a change and of a triggered event are
// [NoteChange]. Only drm(4) supports it, for displays that are connected or
// disconnected.
const FilterDevice Filter = unix.EVFILT_DEVICE

// The notes that OpenBSD has in addition, by filter. x/sys lacks those of
// timers. Their source is sys/sys/event.h, OpenBSD 7.8.

// NoteEOF (NOTE_EOF), in a change with [FilterRead] on a regular file, triggers
// the event at the end of the file too. In a triggered event, it reports that
// the file offset was at the end. Without [FlagClear], it is returned from then
// on, even if the file has grown.
const NoteEOF Note = unix.NOTE_EOF

// NoteOOB (NOTE_OOB), for [FilterExcept], reports out-of-band data, or a
// control byte on the master side of a pseudo-terminal. On a socket, the event
// stays triggered until ordinary data behind the out-of-band data was read. The
// number differs from that of DragonFly and macOS.
const NoteOOB Note = unix.NOTE_OOB

// NoteTruncate (NOTE_TRUNCATE), for [FilterVnode], reports that the file was
// cut. It comes with [NoteAttrib].
const NoteTruncate Note = unix.NOTE_TRUNCATE

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
// follow a clock that is set later. A point in the past fires at once. The
// timer fires once, and stays triggered unless it has [FlagClear] or
// [FlagOneshot].
const NoteAbstime Note = 0x10

// NoteChange (NOTE_CHANGE), for [FilterDevice], reports that the device
// changed.
const NoteChange Note = unix.NOTE_CHANGE
