package kqueue

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser     = unix.EVFILT_USER
	evfiltProcdesc = evfiltProc // there is none
	noteExitStatus = unix.NOTE_EXITSTATUS

	// TimerEvent: the unit of a period, its note, and the bounds of the period. A
	// timer of less than a tick of Apple silicon's 24 MHz time base has no period
	// and fires once (osfmk/arm/rtclock.c, nanoseconds_to_absolutetime).
	timerUnit     = time.Nanosecond
	timerUnitNote = NoteNseconds
	shortestTimer = 42
	longestTimer  = math.MaxInt64

	keyFlags         = FlagUdataSpecific // flags that belong to the key of an event
	wakeFlags        = FlagClear         // options of the event with which Close wakes calls
	writesPastEvents = false             // in kevent(2), answers to changes past the end of the events

	// No kevent(2) call waits longer. The kernel refuses timeouts of more than
	// 1<<31 seconds.
	longestCall = 24 * time.Hour

	maxBatch = 1024 // changes of a long Apply in one call
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &darwinNames

func kernelMishandles(queue int, change *Event) bool { return darwinMishandles(change) }

// The filters that macOS has in addition.

// FilterFS (EVFILT_FS) reports changes to the mounts of the system. Ident is
// any number. Fflags of a change are the VQ_ bits of sys/mount.h to watch for,
// or 0 for all. Fflags are returned as the bits that occurred. [FlagClear] is
// implied. macOS 10.3 and later have this filter. FreeBSD, NetBSD and DragonFly
// have it too.
const FilterFS Filter = unix.EVFILT_FS

// FilterExcept (EVFILT_EXCEPT) reports exceptional conditions of a socket.
// Ident is its descriptor: others are refused with EINVAL. Fflags of a change
// and of a triggered event are [NoteOOB]. The event is triggered by ordinary
// data too: look at Fflags. FlagEOF is returned as for [FilterRead]. macOS
// 10.12 and later have this filter. OpenBSD and DragonFly have it too.
const FilterExcept Filter = unix.EVFILT_EXCEPT

// FilterMachport (EVFILT_MACHPORT) is triggered when a message arrives on the
// Mach port or port set Ident. Data is returned as the port that has the
// message. To receive it takes Mach calls, which Go has only with cgo. macOS
// 10.3 and later have this filter.
const FilterMachport Filter = unix.EVFILT_MACHPORT

// FilterVM (EVFILT_VM) is only a number: adding it fails with ENOTSUP. macOS
// 10.7 and later define it.
const FilterVM Filter = unix.EVFILT_VM

// The flags that macOS has in addition.

// FlagUdataSpecific (EV_UDATA_SPECIFIC) makes Udata a part of the key, in
// addition to Ident and Filter, so that a descriptor can have several events of
// one filter. Every change to the event must repeat the flag and Udata, as
// [Event.Delete] and its like do. macOS 10.11 and later have this flag.
const FlagUdataSpecific Flag = unix.EV_UDATA_SPECIFIC

// FlagDispatch2 (EV_DISPATCH2) is [FlagDispatch] together with
// [FlagUdataSpecific]. Deleting such an event while it is disabled fails with
// EINPROGRESS. The deletion takes effect when the event is enabled, and a last
// event with FlagDelete and FlagOneshot is then returned. macOS 10.11 and later
// have this flag.
const FlagDispatch2 Flag = unix.EV_DISPATCH2

// FlagVanished (EV_VANISHED), in a change with [FlagDispatch2], requests an
// event with this flag when what the event watches goes away, for instance by
// close(2). macOS 10.12 and later have this flag.
const FlagVanished Flag = unix.EV_VANISHED

// FlagOoband (EV_OOBAND) is no longer returned since macOS 10.12, which uses
// [NoteOOB] instead. Kernels ignore it in a change. macOS 10.4 and later define
// it.
const FlagOoband Flag = unix.EV_OOBAND

// The notes that macOS has in addition, by filter. x/sys lacks those of leases.
// Their source is bsd/sys/event.h, xnu-8792.

// NoteOOB (NOTE_OOB), for [FilterExcept], and for [FilterRead] if the change
// requested it, reports out-of-band data. While such data is pending,
// FilterRead counts Data from its mark and does not return FlagEOF. Without
// [FlagClear], the note is returned even after the data was read. macOS 10.12
// and later have it. The number is that of DragonFly and differs from that of
// OpenBSD.
const NoteOOB Note = unix.NOTE_OOB

// NoteNone (NOTE_NONE), for [FilterVnode], reports every lseek(2) on the file.
// In a change, it also allows a program to watch for nothing but FlagEOF. macOS
// 10.6 and later have it.
const NoteNone Note = unix.NOTE_NONE

// NoteFunlock (NOTE_FUNLOCK), for [FilterVnode], reports that flock(2) or
// close(2) released a lock on the file. macOS 10.12 and later have it.
const NoteFunlock Note = unix.NOTE_FUNLOCK

// NoteLeaseDowngrade (NOTE_LEASE_DOWNGRADE), for [FilterVnode], reports that
// the holder of a lease on the file should downgrade it. macOS 13 and later
// have it.
const NoteLeaseDowngrade Note = 0x200

// NoteLeaseRelease (NOTE_LEASE_RELEASE), for [FilterVnode], reports that the
// holder of a lease on the file should release it. macOS 13 and later have it.
const NoteLeaseRelease Note = 0x400

// NoteReap (NOTE_REAP), for [FilterProc], reports that the parent waited for
// the process. If a change requests it, an exit that is returned before comes
// without FlagEOF and FlagOneshot. Apple has deprecated it. macOS 10.5 and later
// have it.
const NoteReap Note = unix.NOTE_REAP

// NoteSignal (NOTE_SIGNAL), for [FilterProc], reports that a signal was sent to
// the process, before it is delivered. macOS 10.5 and later have it.
const NoteSignal Note = unix.NOTE_SIGNAL

// NoteExitDetail (NOTE_EXIT_DETAIL), in a change with [FilterProc] and
// [NoteExit], adds the reason for the exit to Data: [NoteExitDecryptfail],
// [NoteExitMemory] or [NoteExitCserror]. macOS 10.9 and later have it.
const NoteExitDetail Note = unix.NOTE_EXIT_DETAIL

// NoteExitDetailMask (NOTE_EXIT_DETAIL_MASK), for [FilterProc], is the mask of
// the reasons for an exit in Data. macOS 10.9 and later have it.
const NoteExitDetailMask Note = unix.NOTE_EXIT_DETAIL_MASK

// NoteExitDecryptfail (NOTE_EXIT_DECRYPTFAIL), for [FilterProc], is a bit of
// Data: the process was killed because a page could not be decrypted. macOS
// 10.9 and later have it.
const NoteExitDecryptfail Note = unix.NOTE_EXIT_DECRYPTFAIL

// NoteExitMemory (NOTE_EXIT_MEMORY), for [FilterProc], is a bit of Data: the
// process was killed because memory was short. macOS 10.9 and later have it.
const NoteExitMemory Note = unix.NOTE_EXIT_MEMORY

// NoteExitCserror (NOTE_EXIT_CSERROR), for [FilterProc], is a bit of Data: the
// process was killed because of an error in its code signature. macOS 10.9 and
// later have it.
const NoteExitCserror Note = unix.NOTE_EXIT_CSERROR

// NoteExitReparented (NOTE_EXIT_REPARENTED), for [FilterProc], is a bit of
// Data: the process got a new parent. It is no longer returned. macOS 10.8 and
// later define it.
const NoteExitReparented Note = unix.NOTE_EXIT_REPARENTED

// NoteSeconds (NOTE_SECONDS), in a change with [FilterTimer], makes Data a
// number of seconds. Only one unit may be given: two are refused with EINVAL.
// The default is milliseconds. macOS 10.4 and later have it.
const NoteSeconds Note = unix.NOTE_SECONDS

// NoteUseconds (NOTE_USECONDS), in a change with [FilterTimer], makes Data a
// number of microseconds. macOS 10.4 and later have it.
const NoteUseconds Note = unix.NOTE_USECONDS

// NoteNseconds (NOTE_NSECONDS), in a change with [FilterTimer], makes Data a
// number of nanoseconds. macOS 10.4 and later have it.
const NoteNseconds Note = unix.NOTE_NSECONDS

// NoteAbsolute (NOTE_ABSOLUTE), in a change with [FilterTimer] and together
// with a unit, makes Data a point in time since the Unix epoch. The kernel
// turns it into a period when the event is added or changed: the timer does not
// follow a clock that is set later, and without [NoteMachContinuousTime] it
// stands still while the system sleeps. A point in the past fires at once.
// [FlagOneshot] is implied. The other systems call it NOTE_ABSTIME. macOS 10.4
// and later have it.
const NoteAbsolute Note = unix.NOTE_ABSOLUTE

// NoteLeeway (NOTE_LEEWAY), in a change with [FilterTimer], allows the timer to
// be late by an amount given in a field of kevent64(2), which Event does not
// have. Its number is that of NOTE_ABSTIME on the other systems. macOS 10.9 and
// later have it.
const NoteLeeway Note = unix.NOTE_LEEWAY

// NoteCritical (NOTE_CRITICAL), in a change with [FilterTimer], keeps the
// system from delaying the timer to save power. macOS 10.9 and later have it.
const NoteCritical Note = unix.NOTE_CRITICAL

// NoteBackground (NOTE_BACKGROUND), in a change with [FilterTimer], allows the
// system to delay the timer more than usual to save power. macOS 10.9 and later
// have it.
const NoteBackground Note = unix.NOTE_BACKGROUND

// NoteMachContinuousTime (NOTE_MACH_CONTINUOUS_TIME), in a change with
// [FilterTimer], lets the timer run while the system sleeps. macOS 10.12 and
// later have it.
const NoteMachContinuousTime Note = unix.NOTE_MACH_CONTINUOUS_TIME

// NoteMachtime (NOTE_MACHTIME), in a change with [FilterTimer], makes Data a
// number of mach_absolute_time() units. macOS 10.13 and later have it.
const NoteMachtime Note = unix.NOTE_MACHTIME

// NoteVMPressure (NOTE_VM_PRESSURE), for [FilterVM], which cannot be added,
// reports that memory is short. macOS 10.7 and later define it.
const NoteVMPressure Note = unix.NOTE_VM_PRESSURE

// NoteVMPressureTerminate (NOTE_VM_PRESSURE_TERMINATE), for [FilterVM], which
// cannot be added, requests an orderly exit when memory is short. macOS 10.7
// and later define it.
const NoteVMPressureTerminate Note = unix.NOTE_VM_PRESSURE_TERMINATE

// NoteVMPressureSuddenTerminate (NOTE_VM_PRESSURE_SUDDEN_TERMINATE), for
// [FilterVM], which cannot be added, requests an immediate exit when memory is
// short. macOS 10.7 and later define it.
const NoteVMPressureSuddenTerminate Note = unix.NOTE_VM_PRESSURE_SUDDEN_TERMINATE

// NoteVMError (NOTE_VM_ERROR), for [FilterVM], which cannot be added, reports
// an error. macOS 10.7 and later define it.
const NoteVMError Note = unix.NOTE_VM_ERROR
