package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	evfiltUser, evfiltProcdesc = unix.EVFILT_USER, unix.EVFILT_PROCDESC

	noteExitStatus = 0

	systemNames = freebsdNames

	// The sum of the period and the time since boot must not reach 68 years. A
	// timer whose sum does fires at once, over and over (sys/kern/kern_event.c,
	// filt_timerstart).
	timerUnit, timerUnitNote    = time.Nanosecond, NoteNseconds
	shortestTimer, longestTimer = 1, 1 << 30 * time.Second

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = 0

	wakeFlags, writesPastEvents = FlagClear, false
)

// mishandles reports whether the kernel would accept change and get it wrong: it
// skips filter 0 without an error (sys/kern/kern_event.c, kqueue_kevent), and it
// checks the fields of a timer only when it is new.
func (q *Queue) mishandles(change *Event) bool {
	return change.Filter == 0 || change.Filter == FilterTimer && isBadTimer(change)
}

// isBadTimer reports whether the kernel refuses to add the timer change. If the
// queue has the timer already, the kernel accepts the change instead, and the
// event has FlagError from then on (filt_timertouch).
func isBadTimer(change *Event) bool {
	const units = NoteSeconds | NoteMseconds | NoteUseconds | NoteNseconds
	unit := change.Fflags & units
	return change.Flags&FlagAdd != 0 &&
		(change.Data < 0 || unit&(unit-1) != 0 || change.Fflags&^(units|NoteAbstime) != 0)
}

// FreeBSD's own filters. x/sys lacks those of jails; their source is
// sys/sys/event.h, FreeBSD 15.0.
const (
	// FilterProcdesc (EVFILT_PROCDESC) tells what a process does. Ident is a
	// process descriptor, from pdfork(2). Fflags in and out: NoteExit, on newer
	// systems NoteFork and NotePdsigchld. With NoteExit, Data is the wait(2)
	// status: see [Event.WaitStatus]. A process that has exited already gives
	// its event at once. FlagClear is implied.
	FilterProcdesc Filter = unix.EVFILT_PROCDESC

	// FilterFS (EVFILT_FS) tells of mounts and unmounts in the whole system.
	// Ident is a free number. Fflags out has the VQ_ bits of sys/mount.h.
	// FlagClear is implied. It is not documented in kqueue(2). NetBSD, DragonFly
	// and macOS have it too.
	FilterFS Filter = unix.EVFILT_FS

	// FilterLIO (EVFILT_LIO) tells that a lio_listio(2) list is done. Ident is
	// what lio_listio was given. No change can add it: ENXIO.
	FilterLIO Filter = unix.EVFILT_LIO

	// FilterSendfile (EVFILT_SENDFILE) is the kernel's own, for sendfile(2). No
	// change can add it: ENXIO.
	FilterSendfile Filter = unix.EVFILT_SENDFILE

	// FilterEmpty (EVFILT_EMPTY) is triggered when nothing is left in the write
	// buffer of the descriptor Ident. NetBSD has it too.
	FilterEmpty Filter = unix.EVFILT_EMPTY

	// FilterJail (EVFILT_JAIL) tells what happens to a jail. Ident is its jail
	// id, 0 for the process's own. Fflags in and out: NoteJailSet,
	// NoteJailAttach, NoteJailRemove, NoteJailChild; out also NoteJailMulti.
	// Data out: the process id (NoteJailAttach) or the jail id (NoteJailChild).
	// FlagClear is implied; NoteJailRemove comes with FlagEOF and FlagOneshot.
	// An unknown jail is ENOENT. FreeBSD 15.0 and later.
	FilterJail Filter = -14

	// FilterJaildesc (EVFILT_JAILDESC) is FilterJail with a jail descriptor as
	// Ident. FreeBSD 15.0 and later.
	FilterJaildesc Filter = -15
)

// FreeBSD's own flags.
const (
	// FlagForceoneshot (EV_FORCEONESHOT), in: trigger the event now, and let it
	// be FlagOneshot. It is not documented in kqueue(2).
	FlagForceoneshot Flag = unix.EV_FORCEONESHOT

	// FlagKeepudata (EV_KEEPUDATA), in: leave the event's Udata as it is; any
	// other change overwrites it. With FlagAdd it is EINVAL. FreeBSD 14.0 and
	// later (older ones ignore it). x/sys lacks it; its source is
	// sys/sys/event.h, FreeBSD 15.0.
	FlagKeepudata Flag = 0x200
)

// FreeBSD's own notes. x/sys lacks NotePdsigchld, whose source is
// sys/sys/event.h, FreeBSD main of 2026, and those of jails, whose source is
// that of FreeBSD 15.0.
const (
	// NoteFilePoll (NOTE_FILE_POLL), for FilterRead on a regular file, in: be
	// triggered always, at the end of the file too, as poll(2) is.
	NoteFilePoll Note = unix.NOTE_FILE_POLL

	// NoteOpen (NOTE_OPEN), for FilterVnode: the file was opened.
	NoteOpen Note = unix.NOTE_OPEN

	// NoteClose (NOTE_CLOSE), for FilterVnode: a descriptor of the file that did
	// not permit writing was closed.
	NoteClose Note = unix.NOTE_CLOSE

	// NoteCloseWrite (NOTE_CLOSE_WRITE), for FilterVnode: a descriptor of the file
	// that permitted writing was closed.
	NoteCloseWrite Note = unix.NOTE_CLOSE_WRITE

	// NoteRead (NOTE_READ), for FilterVnode: the file was read.
	NoteRead Note = unix.NOTE_READ

	// NotePdsigchld (NOTE_PDSIGCHLD), for FilterProcdesc: the process changed its
	// state; pdwait(2) tells how. FreeBSD main of 2026, not in 15.0.
	NotePdsigchld Note = 0x10000000

	// NoteJailChild (NOTE_JAIL_CHILD), for FilterJail and FilterJaildesc: a child
	// jail was made. Data out is its id.
	NoteJailChild Note = 0x80000000

	// NoteJailSet (NOTE_JAIL_SET), for FilterJail and FilterJaildesc: the jail's
	// parameters were set by jail_set(2).
	NoteJailSet Note = 0x40000000

	// NoteJailAttach (NOTE_JAIL_ATTACH), for FilterJail and FilterJaildesc: a
	// process was attached to the jail. Data out is its id.
	NoteJailAttach Note = 0x20000000

	// NoteJailRemove (NOTE_JAIL_REMOVE), for FilterJail and FilterJaildesc: the
	// jail was removed.
	NoteJailRemove Note = 0x10000000

	// NoteJailMulti (NOTE_JAIL_MULTI), for FilterJail and FilterJaildesc, out: more
	// than one NoteJailAttach or NoteJailChild came since the event was last
	// read, so Data is 0.
	NoteJailMulti Note = 0x8000000

	// NoteJailCtrlmask (NOTE_JAIL_CTRLMASK), for FilterJail and FilterJaildesc:
	// the mask of what Fflags can ask for.
	NoteJailCtrlmask Note = 0xf0000000

	// NoteSeconds (NOTE_SECONDS), for FilterTimer, in: Data is in seconds. The
	// units are flags of which only one may be given: two are EINVAL.
	NoteSeconds Note = unix.NOTE_SECONDS

	// NoteMseconds (NOTE_MSECONDS), for FilterTimer, in: Data is in milliseconds,
	// as it is without a unit.
	NoteMseconds Note = unix.NOTE_MSECONDS

	// NoteUseconds (NOTE_USECONDS), for FilterTimer, in: Data is in microseconds.
	NoteUseconds Note = unix.NOTE_USECONDS

	// NoteNseconds (NOTE_NSECONDS), for FilterTimer, in: Data is in nanoseconds.
	NoteNseconds Note = unix.NOTE_NSECONDS

	// NoteAbstime (NOTE_ABSTIME), for FilterTimer, in, beside a unit: Data is a
	// time since the Unix epoch on CLOCK_REALTIME, not a period. The timer goes
	// off once, and stays triggered unless it has FlagClear or FlagOneshot.
	NoteAbstime Note = unix.NOTE_ABSTIME
)
