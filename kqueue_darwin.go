package kqueue

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser, evfiltProcdesc = unix.EVFILT_USER, evfiltProc

	noteExitStatus = unix.NOTE_EXITSTATUS

	systemNames = darwinNames

	// A timer of less than a tick of Apple silicon's 24 MHz time base has no
	// period and fires once (osfmk/arm/rtclock.c, nanoseconds_to_absolutetime).
	timerUnit, timerUnitNote    = time.Nanosecond, NoteNseconds
	shortestTimer, longestTimer = 42, math.MaxInt64

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = FlagUdataSpecific

	wakeFlags, writesPastEvents = FlagClear, false
)

// mishandles reports whether the kernel would accept change and get it wrong.
func (q *Queue) mishandles(change *Event) bool {
	return false
}

// macOS's own filters.
const (
	// FilterMachport (EVFILT_MACHPORT) is triggered when a message waits on the
	// Mach port or port set Ident. Data out: the port that has it. Receiving it
	// needs Mach calls that Go does not have without cgo. macOS 10.3 and later.
	FilterMachport Filter = unix.EVFILT_MACHPORT

	// FilterFS (EVFILT_FS) tells of changes to the system's mounts. Ident is a
	// free number. Fflags in: the VQ_ bits of sys/mount.h to watch, 0 for all;
	// out: those that came. FlagClear is implied. macOS 10.3 and later; FreeBSD,
	// NetBSD and DragonFly have it too.
	FilterFS Filter = unix.EVFILT_FS

	// FilterVM (EVFILT_VM) is no more than a number: adding it gives ENOTSUP.
	// macOS 10.7 and later.
	FilterVM Filter = unix.EVFILT_VM

	// FilterExcept (EVFILT_EXCEPT) tells of exceptional conditions. Ident is a
	// descriptor, Fflags in and out NoteOOB. FlagEOF out: as for FilterRead.
	// macOS 10.12 and later; DragonFly and OpenBSD have it too.
	FilterExcept Filter = unix.EVFILT_EXCEPT
)

// macOS's own flags.
const (
	// FlagUdataSpecific (EV_UDATA_SPECIFIC), in: make Udata a part of the key
	// beside Ident and Filter, so that one descriptor can have several events of
	// one filter. Every change to the event must repeat it. macOS 10.11 and
	// later.
	FlagUdataSpecific Flag = unix.EV_UDATA_SPECIFIC

	// FlagDispatch2 (EV_DISPATCH2), in: FlagDispatch|FlagUdataSpecific. Deleting
	// such an event while it is disabled is put off until it is enabled, and
	// answered by EINPROGRESS. macOS 10.11 and later.
	FlagDispatch2 Flag = unix.EV_DISPATCH2

	// FlagVanished (EV_VANISHED), in, beside FlagDispatch2: return the event, with
	// this flag, when what it watches goes away, for instance by close(2). macOS
	// 10.12 and later.
	FlagVanished Flag = unix.EV_VANISHED

	// FlagOoband (EV_OOBAND), out, for FilterRead on sockets: out-of-band data is
	// there to read. The kernel ignores it on the way in. macOS 10.4 and later.
	FlagOoband Flag = unix.EV_OOBAND
)

// macOS's own notes. x/sys v0.35.0 lacks those of leases, whose source is
// bsd/sys/event.h, xnu-8792.
const (
	// NoteOOB (NOTE_OOB), for FilterExcept: out-of-band data is there to read.
	// macOS 10.12 and later. The number is another on OpenBSD.
	NoteOOB Note = unix.NOTE_OOB

	// NoteNone (NOTE_NONE), for FilterVnode, in: watch nothing but FlagEOF, for
	// the file that is revoked. macOS 10.6 and later.
	NoteNone Note = unix.NOTE_NONE

	// NoteFunlock (NOTE_FUNLOCK), for FilterVnode: a lock on the file was released
	// by flock(2) or close(2). macOS 10.12 and later.
	NoteFunlock Note = unix.NOTE_FUNLOCK

	// NoteLeaseDowngrade (NOTE_LEASE_DOWNGRADE), for FilterVnode: the holder of a
	// lease on the file is asked to downgrade it. macOS 13 and later.
	NoteLeaseDowngrade Note = 0x200

	// NoteLeaseRelease (NOTE_LEASE_RELEASE), for FilterVnode: the holder of a lease
	// on the file is asked to release it. macOS 13 and later.
	NoteLeaseRelease Note = 0x400

	// NoteReap (NOTE_REAP), for FilterProc: the process was waited for by its
	// parent. Deprecated by Apple. macOS 10.5 and later.
	NoteReap Note = unix.NOTE_REAP

	// NoteSignal (NOTE_SIGNAL), for FilterProc: the process was sent a signal.
	// macOS 10.5 and later.
	NoteSignal Note = unix.NOTE_SIGNAL

	// NoteExitDetail (NOTE_EXIT_DETAIL), for FilterProc, in, beside NoteExit: or
	// the reason of the exit into Data, as NoteExitDecryptfail, NoteExitMemory or
	// NoteExitCserror. macOS 10.9 and later.
	NoteExitDetail Note = unix.NOTE_EXIT_DETAIL

	// NoteExitDetailMask (NOTE_EXIT_DETAIL_MASK), for FilterProc: the mask of the
	// reasons of an exit, in Data. macOS 10.9 and later.
	NoteExitDetailMask Note = unix.NOTE_EXIT_DETAIL_MASK

	// NoteExitDecryptfail (NOTE_EXIT_DECRYPTFAIL), for FilterProc, out, in Data:
	// the process was killed because a page could not be decrypted. macOS 10.9
	// and later.
	NoteExitDecryptfail Note = unix.NOTE_EXIT_DECRYPTFAIL

	// NoteExitMemory (NOTE_EXIT_MEMORY), for FilterProc, out, in Data: the process
	// was killed for want of memory. macOS 10.9 and later.
	NoteExitMemory Note = unix.NOTE_EXIT_MEMORY

	// NoteExitCserror (NOTE_EXIT_CSERROR), for FilterProc, out, in Data: the
	// process was killed for an error in its code signature. macOS 10.9 and
	// later.
	NoteExitCserror Note = unix.NOTE_EXIT_CSERROR

	// NoteExitReparented (NOTE_EXIT_REPARENTED), for FilterProc, out, in Data: the
	// process was given a new parent. No longer sent. macOS 10.8 and later.
	NoteExitReparented Note = unix.NOTE_EXIT_REPARENTED

	// NoteVMPressure (NOTE_VM_PRESSURE), for FilterVM, which is not available:
	// memory is short. macOS 10.7 and later.
	NoteVMPressure Note = unix.NOTE_VM_PRESSURE

	// NoteVMPressureTerminate (NOTE_VM_PRESSURE_TERMINATE), for FilterVM, which is
	// not available: exit in order when memory is short. macOS 10.7 and later.
	NoteVMPressureTerminate Note = unix.NOTE_VM_PRESSURE_TERMINATE

	// NoteVMPressureSuddenTerminate (NOTE_VM_PRESSURE_SUDDEN_TERMINATE), for
	// FilterVM, which is not available: exit at once when memory is short. macOS
	// 10.7 and later.
	NoteVMPressureSuddenTerminate Note = unix.NOTE_VM_PRESSURE_SUDDEN_TERMINATE

	// NoteVMError (NOTE_VM_ERROR), for FilterVM, which is not available: an error.
	// macOS 10.7 and later.
	NoteVMError Note = unix.NOTE_VM_ERROR

	// NoteSeconds (NOTE_SECONDS), for FilterTimer, in: Data is in seconds. The
	// units are flags of which only one may be given: two are EINVAL. Without
	// one, Data is in milliseconds. macOS 10.4 and later.
	NoteSeconds Note = unix.NOTE_SECONDS

	// NoteUseconds (NOTE_USECONDS), for FilterTimer, in: Data is in microseconds.
	// macOS 10.4 and later.
	NoteUseconds Note = unix.NOTE_USECONDS

	// NoteNseconds (NOTE_NSECONDS), for FilterTimer, in: Data is in nanoseconds.
	// macOS 10.4 and later.
	NoteNseconds Note = unix.NOTE_NSECONDS

	// NoteAbsolute (NOTE_ABSOLUTE), for FilterTimer, in, beside a unit: Data is a
	// time since the Unix epoch, not a period. FlagOneshot is implied. macOS 10.4
	// and later; the other systems' name for it is NOTE_ABSTIME.
	NoteAbsolute Note = unix.NOTE_ABSOLUTE

	// NoteLeeway (NOTE_LEEWAY), for FilterTimer, in: the timer may be late by as
	// much as a field of kevent64(2) says, which Event does not have. macOS 10.9
	// and later. Its number is NOTE_ABSTIME's of the other systems.
	NoteLeeway Note = unix.NOTE_LEEWAY

	// NoteCritical (NOTE_CRITICAL), for FilterTimer, in: do not delay the timer to
	// save power. macOS 10.9 and later.
	NoteCritical Note = unix.NOTE_CRITICAL

	// NoteBackground (NOTE_BACKGROUND), for FilterTimer, in: delay the timer more
	// than usual to save power. macOS 10.9 and later.
	NoteBackground Note = unix.NOTE_BACKGROUND

	// NoteMachContinuousTime (NOTE_MACH_CONTINUOUS_TIME), for FilterTimer, in: let
	// the timer go on while the system sleeps. macOS 10.12 and later.
	NoteMachContinuousTime Note = unix.NOTE_MACH_CONTINUOUS_TIME

	// NoteMachtime (NOTE_MACHTIME), for FilterTimer, in: Data is in units of
	// mach_absolute_time(). macOS 10.13 and later.
	NoteMachtime Note = unix.NOTE_MACHTIME
)
