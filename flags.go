package kqueue

// A Flag is a set of bits in [Event.Flags]. In a change they are actions and
// options, in a triggered event they are conditions. A triggered event may also
// contain bits of the change that added it, and which ones differs from system to
// system: test for single bits.
//
// Its underlying type is that of the kernel's struct: uint16, or uint32 on NetBSD.
type Flag kernelFlag

// The flags that all five systems have, with the same numbers. Other flags are
// exported only on the systems that have them: see “Portability” in the package
// comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// FlagAdd (EV_ADD) adds the event to the queue. If the queue already has an
	// event with this Ident and Filter, FlagAdd replaces its Fflags, Data and Udata.
	// (The Fflags of a user event change as NoteFfcopy and related notes say, and
	// DragonFly keeps its Udata.) It does not change whether that event has
	// FlagClear, FlagOneshot or FlagDispatch: delete it first to change these.
	// (NetBSD changes them for timers.)
	//
	// A new event is enabled unless the change has FlagDisable. An existing event
	// that is disabled stays disabled unless the change has FlagEnable. A change
	// without FlagAdd is refused with ENOENT if the event does not exist.
	FlagAdd Flag = 0x1

	// FlagDelete (EV_DELETE) removes the event from the queue. It is refused with
	// ENOENT if the event does not exist. Do not combine it with FlagAdd: see
	// [Event.Delete]. Closing a descriptor removes its events without any report.
	FlagDelete Flag = 0x2

	// FlagEnable (EV_ENABLE) allows a disabled event to be returned again. Like
	// every change, it overwrites the Fflags, Data and Udata of the event on most
	// systems: see [Event.Enable]. On macOS, it also restarts a timer.
	FlagEnable Flag = 0x4

	// FlagDisable (EV_DISABLE) stops an event from being returned until FlagEnable.
	// The event stays in the queue: see [Event.Disable]. FlagEnable and FlagDisable
	// together are refused with EINVAL on FreeBSD. They disable the event on macOS
	// and enable it on the other systems.
	FlagDisable Flag = 0x8

	// FlagOneshot (EV_ONESHOT) removes the event from the queue when it is
	// returned. A triggered event with this flag is no longer in the queue, even if
	// the program did not request it, as with NoteExit. (The exception is the event
	// of NoteChild on FreeBSD: the child is still watched.)
	FlagOneshot Flag = 0x10

	// FlagClear (EV_CLEAR) resets the event when it is returned, so that it reports
	// changes instead of a state. FilterProc, FilterSignal and periodic timers
	// always have it.
	FlagClear Flag = 0x20

	// FlagReceipt (EV_RECEIPT) makes the kernel answer the change with an event that
	// has FlagError, with the errno or 0 in Data, and return no pending events.
	// [Queue.Apply] uses it for several changes. FreeBSD, OpenBSD, macOS 10.5,
	// DragonFly 4.6, NetBSD 10.0 and later have this flag.
	FlagReceipt Flag = 0x40

	// FlagDispatch (EV_DISPATCH) disables the event when it is returned, so that
	// only one of several waiting goroutines receives it. FlagEnable enables it
	// again. On NetBSD 10, an event that also has FlagClear is not disabled.
	// FreeBSD, OpenBSD, macOS 10.6, DragonFly 4.6, NetBSD 10.0 and later have this
	// flag.
	FlagDispatch Flag = 0x80

	// FlagError (EV_ERROR) marks an event that answers a change. Data is the errno,
	// or 0 in a receipt: see [Event.Err]. Kernels ignore it in a change.
	FlagError Flag = 0x4000

	// FlagEOF (EV_EOF) marks the end of what the event watches: see [Event.EOF].
	// Kernels ignore it in a change.
	FlagEOF Flag = 0x8000
)

// String returns the names that kqueue(2) gives the bits, without the prefix EV_
// and joined by |, such as "ADD|CLEAR". Bits without a name follow in
// hexadecimal.
func (f Flag) String() string {
	return systemNames.flagsText(f)
}

// A Note is a set of bits in [Event.Fflags]. What a bit means depends on the
// filter: the comment of each note names its filter. [Filter.NoteString] returns
// the names of the bits.
type Note uint32

// The notes that all five systems have, with the same numbers except for
// NoteExitStatus. Other notes are exported only on the systems that have them:
// see “Portability” in the package comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// NoteLowat (NOTE_LOWAT), in a change with FilterRead or FilterWrite, triggers
	// the event only at Data bytes or more, instead of at the low-water mark of the
	// socket. On macOS, the greater of the two applies, at most the size of the
	// buffer, and pipes have it as well.
	NoteLowat Note = 0x1

	// NoteDelete (NOTE_DELETE), for FilterVnode, reports that a name of the file was
	// unlinked. The file may have other names. OpenBSD's tmpfs and DragonFly's
	// HAMMER2 report only the last name, and so does NetBSD if another file replaces
	// this one.
	NoteDelete Note = 0x1

	// NoteWrite (NOTE_WRITE), for FilterVnode, reports that the file was written to.
	// For a directory, an entry was created, removed or renamed.
	NoteWrite Note = 0x2

	// NoteExtend (NOTE_EXTEND), for FilterVnode, reports that the file grew. If
	// ftruncate(2) makes it grow, OpenBSD's FFS reports NoteAttrib instead. For a
	// directory on FreeBSD, a rename moved an entry into or out of it.
	NoteExtend Note = 0x4

	// NoteAttrib (NOTE_ATTRIB), for FilterVnode, reports that the attributes of the
	// file changed: its mode, owner, times or flags.
	NoteAttrib Note = 0x8

	// NoteLink (NOTE_LINK), for FilterVnode, reports that the file got another name.
	// For a directory, a subdirectory was created or removed. OpenBSD's tmpfs also
	// reports it when one of several names is unlinked.
	NoteLink Note = 0x10

	// NoteRename (NOTE_RENAME), for FilterVnode, reports that the file was renamed.
	NoteRename Note = 0x20

	// NoteRevoke (NOTE_REVOKE), for FilterVnode, reports that the file system was
	// unmounted. FlagEOF comes with it. (revoke(2) causes it too, but on FreeBSD and
	// OpenBSD it applies only to devices, which cannot be watched with FilterVnode.)
	NoteRevoke Note = 0x40

	// NoteExit (NOTE_EXIT), for FilterProc and FreeBSD's FilterProcdesc, reports that
	// the process exited. Data is its wait(2) status: see [Event.WaitStatus] and
	// NoteExitStatus.
	NoteExit Note = 0x80000000

	// NoteExitStatus (NOTE_EXITSTATUS), in a change with FilterProc and NoteExit,
	// requests the status of the exit in Data. macOS 10.7 and later need it, and
	// refuse it with EACCES for a process that is neither a child nor one that the
	// program may signal. The other systems always return the status. There it is
	// 0, so that NoteExit|NoteExitStatus works everywhere.
	NoteExitStatus Note = noteExitStatus

	// NoteFork (NOTE_FORK), for FilterProc, reports that the process called fork(2)
	// or a similar call.
	NoteFork Note = 0x40000000

	// NoteExec (NOTE_EXEC), for FilterProc, reports that the process called execve(2)
	// or a similar call.
	NoteExec Note = 0x20000000

	// NoteTrack (NOTE_TRACK), in a change with FilterProc, also watches the children
	// of the process from their fork on, and their children. The first event of each
	// has NoteChild. macOS refuses it with ENOTSUP.
	NoteTrack Note = 0x1

	// NoteTrackerr (NOTE_TRACKERR), for FilterProc, reports after NoteTrack that a
	// child could not be watched, usually for lack of memory.
	NoteTrackerr Note = 0x2

	// NoteChild (NOTE_CHILD), for FilterProc, reports a new child after NoteTrack.
	// Ident is the child and Data its parent. On OpenBSD and DragonFly, the same
	// event may have NoteExit, and Data is then the status of the child.
	NoteChild Note = 0x4

	// NoteTrigger (NOTE_TRIGGER), in a change with FilterUser, triggers the event.
	// See [Event.Trigger].
	NoteTrigger Note = 0x1000000

	// NoteFfnop (NOTE_FFNOP), in a change with FilterUser, leaves the low 24 bits of
	// the event alone. NoteFfnop, NoteFfand, NoteFfor and NoteFfcopy are the values
	// of the field NoteFfctrlmask and must not be combined.
	NoteFfnop Note = 0x0

	// NoteFfand (NOTE_FFAND), in a change with FilterUser, combines the low 24 bits of
	// the event with those of Fflags by a bitwise AND.
	NoteFfand Note = 0x40000000

	// NoteFfor (NOTE_FFOR), in a change with FilterUser, combines the low 24 bits of
	// the event with those of Fflags by a bitwise OR.
	NoteFfor Note = 0x80000000

	// NoteFfcopy (NOTE_FFCOPY), in a change with FilterUser, replaces the low 24 bits
	// of the event by those of Fflags.
	NoteFfcopy Note = 0xc0000000

	// NoteFfctrlmask (NOTE_FFCTRLMASK), for FilterUser, is the mask of the two bits
	// that hold NoteFfnop, NoteFfand, NoteFfor or NoteFfcopy.
	NoteFfctrlmask Note = 0xc0000000

	// NoteFflagsmask (NOTE_FFLAGSMASK), for FilterUser, is the mask of the 24 bits
	// that belong to the program.
	NoteFflagsmask Note = 0xffffff
)
