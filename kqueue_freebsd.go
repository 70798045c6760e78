package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser     = unix.EVFILT_USER
	evfiltProcdesc = unix.EVFILT_PROCDESC
	noteExitStatus = 0 // there is none

	// TimerEvent: the unit of a period, its note, and the bounds of the period.
	timerUnit     = time.Nanosecond
	timerUnitNote = NoteNseconds
	shortestTimer = 1
	longestTimer  = freebsdLongestTimer

	keyFlags         = 0         // flags that belong to the key of an event
	wakeFlags        = FlagClear // options of the event with which Close wakes calls
	writesPastEvents = false     // in kevent(2), answers to changes past the end of the events

	// No kevent(2) call waits longer. 32-bit kernels overflow at 1<<31 seconds.
	longestCall = 24 * time.Hour

	maxBatch = 1024 // changes of a long Apply in one call
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &freebsdNames

func kernelMishandles(queue int, change *Event) bool { return freebsdMishandles(change) }

// The filters that FreeBSD has in addition. x/sys lacks those of jails. Their
// source is sys/sys/event.h, FreeBSD 15.0.

// FilterFS (EVFILT_FS) reports mounts and unmounts in the whole system. Ident
// is any number. Fflags are returned as VQ_ bits of sys/mount.h. Fflags of a
// change are ignored on 12.3. On 15.0, they select these bits, and 0 selects
// none. [FlagClear] is implied. A process in a jail sees the mounts of the whole
// system too. kqueue(2) does not document this filter. NetBSD, DragonFly and macOS
// have it too.
const FilterFS Filter = unix.EVFILT_FS

// FilterEmpty (EVFILT_EMPTY) is triggered when the write buffer of a socket is
// empty. Ident is the descriptor of the socket. For TCP, that means acknowledged
// and not read, and a reset empties the buffer too, without FlagEOF. Do not use it
// for Unix sockets on FreeBSD 15.0 (uipc_usrreq.c). NetBSD has this filter too.
const FilterEmpty Filter = unix.EVFILT_EMPTY

// FilterProcdesc (EVFILT_PROCDESC) reports what a process does. Ident is a
// process descriptor from pdfork(2), whose children send no SIGCHLD. Fflags of
// a change and of a triggered event are [NoteExit] and, on releases after 15.0,
// [NoteFork] and [NotePdsigchld]. With NoteExit, Data is the wait(2) status:
// see [Event.WaitStatus]. A process that has already exited triggers the event
// at once. [FlagClear] is implied. Always ask for NoteExit: without it, the exit
// removes the event from the queue without a report.
const FilterProcdesc Filter = unix.EVFILT_PROCDESC

// FilterJail (EVFILT_JAIL) reports what happens to a jail. Ident is its jail
// ID, or 0 for the jail of the process. Fflags of a change and of a triggered
// event are [NoteJailSet], [NoteJailAttach], [NoteJailRemove] and
// [NoteJailChild]. A triggered event may also have [NoteJailMulti]. Data is
// returned as the process ID with NoteJailAttach and as the jail ID with
// NoteJailChild. [FlagClear] is implied. NoteJailRemove comes with FlagEOF and
// FlagOneshot. Always ask for it: without it, the removal of the jail removes the
// event from the queue without a report. A jail that does not exist is refused
// with ENOENT, and so is the process's own by its number. FreeBSD 15.0 and later
// have this filter.
const FilterJail Filter = -14

// FilterJaildesc (EVFILT_JAILDESC) is [FilterJail] with a jail descriptor as
// Ident. FreeBSD 15.0 and later have this filter.
const FilterJaildesc Filter = -15

// FilterLIO (EVFILT_LIO) reports the completion of a lio_listio(2) call, which
// registers it. Adding one fails with EPERM.
const FilterLIO Filter = unix.EVFILT_LIO

// FilterSendfile (EVFILT_SENDFILE) is used by the kernel itself for
// sendfile(2). Adding one fails with ENXIO.
const FilterSendfile Filter = unix.EVFILT_SENDFILE

// The flags that FreeBSD has in addition.

// FlagForceoneshot (EV_FORCEONESHOT) triggers an existing event at once and
// gives it [FlagOneshot]. In the change that adds the event it is ignored, and on
// one that is disabled it waits for [FlagEnable].
// kqueue(2) does not document this flag.
const FlagForceoneshot Flag = unix.EV_FORCEONESHOT

// FlagKeepudata (EV_KEEPUDATA) keeps a change from overwriting the Udata of the
// event. Together with [FlagAdd] it is refused with EINVAL. FreeBSD 14.0 and
// later have this flag; older releases ignore it. x/sys lacks it. Its source is
// sys/sys/event.h, FreeBSD 15.0.
const FlagKeepudata Flag = 0x200

// The notes that FreeBSD has in addition, by filter. x/sys lacks those of
// jails, whose source is sys/sys/event.h, FreeBSD 15.0, and NotePdsigchld,
// whose source is the same file, FreeBSD main of 2026.

// NoteFilePoll (NOTE_FILE_POLL), in a change with [FilterRead] on a regular
// file, triggers the event at the end of the file too, as poll(2) does.
const NoteFilePoll Note = unix.NOTE_FILE_POLL

// NoteOpen (NOTE_OPEN), for [FilterVnode], reports that the file was opened.
const NoteOpen Note = unix.NOTE_OPEN

// NoteClose (NOTE_CLOSE), for [FilterVnode], reports that an open file that did
// not permit writing was closed, which happens when the last of its duplicates
// is.
const NoteClose Note = unix.NOTE_CLOSE

// NoteCloseWrite (NOTE_CLOSE_WRITE), for [FilterVnode], reports that an open
// file that permitted writing was closed, which happens when the last of its
// duplicates is.
const NoteCloseWrite Note = unix.NOTE_CLOSE_WRITE

// NoteRead (NOTE_READ), for [FilterVnode], reports that the file was read, by
// read(2) and the like. sendfile(2) and loads from a mapping do not count.
const NoteRead Note = unix.NOTE_READ

// NotePdsigchld (NOTE_PDSIGCHLD), for [FilterProcdesc], reports that the
// process changed its state. pdwait(2) returns the details. FreeBSD 15.0 does
// not have it yet.
const NotePdsigchld Note = 0x10000000

// NoteSeconds (NOTE_SECONDS), in a change with [FilterTimer], makes Data a
// number of seconds. Only one unit may be given: two are refused with EINVAL.
const NoteSeconds Note = unix.NOTE_SECONDS

// NoteMseconds (NOTE_MSECONDS), in a change with [FilterTimer], makes Data a
// number of milliseconds, which is also the default.
const NoteMseconds Note = unix.NOTE_MSECONDS

// NoteUseconds (NOTE_USECONDS), in a change with [FilterTimer], makes Data a
// number of microseconds.
const NoteUseconds Note = unix.NOTE_USECONDS

// NoteNseconds (NOTE_NSECONDS), in a change with [FilterTimer], makes Data a
// number of nanoseconds.
const NoteNseconds Note = unix.NOTE_NSECONDS

// NoteAbstime (NOTE_ABSTIME), in a change with [FilterTimer] and together with
// a unit, makes Data a point in time since the Unix epoch, on CLOCK_REALTIME.
// The kernel turns it into a period when the event is added: the timer does not
// follow a clock that is set later. A point in the past fires at once.
// (Releases before 2022 refuse one before the system was started with EINVAL.)
// The timer fires once, and stays triggered unless it has [FlagClear] or
// [FlagOneshot].
const NoteAbstime Note = unix.NOTE_ABSTIME

// NoteJailChild (NOTE_JAIL_CHILD), for [FilterJail] and [FilterJaildesc],
// reports that a child jail was created. Data is its jail ID.
const NoteJailChild Note = 0x80000000

// NoteJailSet (NOTE_JAIL_SET), for [FilterJail] and [FilterJaildesc], reports
// that jail_set(2) changed the parameters of the jail.
const NoteJailSet Note = 0x40000000

// NoteJailAttach (NOTE_JAIL_ATTACH), for [FilterJail] and [FilterJaildesc],
// reports that a process was attached to the jail. Data is its process ID.
const NoteJailAttach Note = 0x20000000

// NoteJailRemove (NOTE_JAIL_REMOVE), for [FilterJail] and [FilterJaildesc],
// reports that the jail was removed.
const NoteJailRemove Note = 0x10000000

// NoteJailMulti (NOTE_JAIL_MULTI), for [FilterJail] and [FilterJaildesc],
// reports that several [NoteJailAttach] or [NoteJailChild] occurred since the
// event was last returned. Data is 0 then.
const NoteJailMulti Note = 0x8000000

// NoteJailCtrlmask (NOTE_JAIL_CTRLMASK), for [FilterJail] and [FilterJaildesc],
// is the mask of the notes that a change can request.
const NoteJailCtrlmask Note = 0xf0000000
