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
	evfiltUser   = unix.EVFILT_USER

	evfiltProcdesc = evfiltProc // no such filter

	noteExitStatus = 0

	// The kernel has no other unit, and ignores Fflags.
	timerUnit     = time.Millisecond
	timerUnitNote = 0
)

const systemNames = dragonflyNames

// DragonFly's own filters.
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
)

// DragonFly's own flags.
const (
	// FlagHup (EV_HUP), out, for FilterRead and FilterWrite on sockets: both
	// sides are closed. It comes with FlagEOF. DragonFly 5.8 and later.
	FlagHup Flag = unix.EV_HUP

	// FlagNodata (EV_NODATA), out, beside FlagEOF: no data is left to read.
	// DragonFly 2.12 and later.
	FlagNodata Flag = unix.EV_NODATA
)

// DragonFly's own notes.
const (
	// NoteOOB (NOTE_OOB), for FilterExcept: out-of-band data is there to read.
	// DragonFly 2.8 and later. The number is another on OpenBSD.
	NoteOOB Note = unix.NOTE_OOB
)
