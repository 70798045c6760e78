package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser, evfiltProcdesc = -10, evfiltProc // sys/sys/event.h, OpenBSD 7.8; x/sys lacks it

	noteExitStatus = 0

	systemNames = openbsdNames

	// The kernel counts a period in clock ticks, at most 1<<31 of them
	// (sys/kern/kern_clock.c, tstohz).
	timerUnit, timerUnitNote    = time.Nanosecond, NoteNseconds
	shortestTimer, longestTimer = 1, 248 * 24 * time.Hour

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = 0

	wakeFlags, writesPastEvents = FlagClear, false
)

// mishandles reports whether the kernel would accept change and get it wrong: it
// takes a negative period for one clock tick (sys/kern/kern_event.c,
// filt_timeradd).
func (q *Queue) mishandles(change *Event) bool {
	return change.Filter == FilterTimer && change.Flags&FlagAdd != 0 && change.Data < 0
}

// OpenBSD's own constants. x/sys lacks the notes of timers, whose source is
// sys/sys/event.h, OpenBSD 7.8.
const (
	// FilterDevice (EVFILT_DEVICE) tells of changes to a device. Ident is a
	// descriptor of it, Fflags in and out NoteChange. Only drm(4) has it, for
	// displays that are plugged in or out (sys/dev/pci/drm).
	FilterDevice Filter = unix.EVFILT_DEVICE

	// FilterExcept (EVFILT_EXCEPT) tells of exceptional conditions. Ident is a
	// descriptor of a socket or a pseudo-terminal, Fflags in and out NoteOOB.
	// DragonFly and macOS have it too.
	FilterExcept Filter = unix.EVFILT_EXCEPT

	// NoteEOF (NOTE_EOF), for FilterRead on a regular file: in, trigger also at
	// the end of the file; out, the file offset is there.
	NoteEOF Note = unix.NOTE_EOF

	// NoteOOB (NOTE_OOB), for FilterExcept: out-of-band data is there to read.
	// The number is another on DragonFly and macOS.
	NoteOOB Note = unix.NOTE_OOB

	// NoteTruncate (NOTE_TRUNCATE), for FilterVnode: the file was truncated.
	NoteTruncate Note = unix.NOTE_TRUNCATE

	// NoteChange (NOTE_CHANGE), for FilterDevice: the device changed.
	NoteChange Note = unix.NOTE_CHANGE

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
