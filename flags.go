package kqueue

// A Flag is a set of bits in [Event.Flags]. In a change they are actions and
// options, in a triggered event they are conditions. A triggered event may also
// contain bits of the change that added it, which ones differs: test only for
// conditions.
//
// The flags below exist on all five systems, with the same numbers. Others are
// exported only on the systems that have them. The underlying type is that of the
// kernel's struct. Sources: kqueue(2), sys/event.h, kern_event.c of each system.
type Flag kernelFlag

// FlagAdd (EV_ADD) adds the event to the queue. A new event is enabled unless
// the change has [FlagDisable]. Without FlagAdd, a change of an event that does
// not exist is refused with ENOENT.
//
// If the queue already has an event with this Ident and Filter, FlagAdd
// replaces its Fflags, Data and Udata, and checks its condition anew. It keeps
// what is pending, with two exceptions: the count of a timer, except on DragonFly,
// and the trigger of a user event, if the change has [FlagClear], except on macOS.
//
// FlagAdd neither enables an existing event nor, except for timers on NetBSD,
// changes its FlagClear, [FlagOneshot] or [FlagDispatch]. Pass [FlagEnable] to
// enable it, and delete it first to change these.
const FlagAdd Flag = 0x1

// FlagDelete (EV_DELETE) removes the event from the queue, along with what is
// pending. It is refused with ENOENT if the event does not exist. Do not combine
// it with FlagAdd: see [Event.Delete].
const FlagDelete Flag = 0x2

// FlagEnable (EV_ENABLE) allows a disabled event to be returned again. Like
// every change, it overwrites the Fflags, Data and Udata of the event on most
// systems: see [Event.Enable]. On macOS, it also restarts a timer.
const FlagEnable Flag = 0x4

// FlagDisable (EV_DISABLE) stops an event from being returned until FlagEnable.
// The event stays in the queue, and what happens meanwhile is kept: see
// [Event.Disable]. Do not combine it with FlagEnable: each kernel takes that
// otherwise.
const FlagDisable Flag = 0x8

// FlagOneshot (EV_ONESHOT) removes the event from the queue when it is
// returned. A triggered event with this flag is no longer in the queue, even if
// the program did not request it, as with [NoteExit]; but after NoteChild, FreeBSD
// and NetBSD still watch the child.
const FlagOneshot Flag = 0x10

// FlagClear (EV_CLEAR) resets the event when it is returned, so that it reports
// changes instead of a state. [FilterProc], [FilterSignal] and periodic timers
// always have it. Read or write until EAGAIN before the next wait: what is left
// over is not reported again. An event may also be returned with nothing new, for
// instance when it is added again or enabled, or when a part was read.
const FlagClear Flag = 0x20

// FlagReceipt (EV_RECEIPT) makes the kernel answer the change with an event
// that has [FlagError], with the errno or 0 in Data, and return no pending
// events. [Queue.Apply] uses it for several changes, so events that were added by
// it may be returned with this flag.
const FlagReceipt Flag = 0x40

// FlagDispatch (EV_DISPATCH) disables the event when it is returned, so that
// only one of several waiting goroutines receives it. [FlagEnable] enables it
// again. On NetBSD, it does nothing to an event that also has [FlagClear].
const FlagDispatch Flag = 0x80

// FlagError (EV_ERROR) marks an event that answers a change. Data is the errno,
// or 0 in a receipt: see [Event.Err]. Kernels ignore it in a change.
const FlagError Flag = 0x4000

// FlagEOF (EV_EOF) marks the end of what the event watches: see [Event.EOF].
// Kernels ignore it in a change.
const FlagEOF Flag = 0x8000

// String returns the names that kqueue(2) gives the bits, without the prefix
// EV_ and joined by |, such as "ADD|CLEAR". Bits without a name follow in
// hexadecimal.
func (f Flag) String() string {
	return systemNames.flagsText(f)
}

// A Note is a set of bits in [Event.Fflags]. What a bit means depends on the
// filter: the comment of each note names its filter.
//
// The notes below exist on all five systems, with the same numbers except for
// [NoteExitStatus]. Others are exported only on the systems that have them.
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
type Note uint32

// NoteLowat (NOTE_LOWAT), in a change with [FilterRead] or [FilterWrite],
// triggers the event only at Data bytes or more, instead of at the low-water
// mark of the socket. More than the buffer can hold is never reached.
const NoteLowat Note = 0x1

// Notes of FilterVnode.

// NoteDelete (NOTE_DELETE), for [FilterVnode], reports that a name of the file
// was unlinked or taken by another file. The file may have other names, and some
// file systems report only the last.
const NoteDelete Note = 0x1

// NoteWrite (NOTE_WRITE), for [FilterVnode], reports that the file was written
// to. For a directory, an entry was created, removed or renamed.
const NoteWrite Note = 0x2

// NoteExtend (NOTE_EXTEND), for [FilterVnode], reports that the file grew. For a
// directory, some systems report so that an entry was moved into or out of it.
const NoteExtend Note = 0x4

// NoteAttrib (NOTE_ATTRIB), for [FilterVnode], reports that the attributes of
// the file changed: its mode, owner, times, flags or, on most file systems, its
// size when it is cut. On macOS, reading the file may be reported too.
const NoteAttrib Note = 0x8

// NoteLink (NOTE_LINK), for [FilterVnode], reports that the file got another
// name and, on some systems, that it lost one. For a directory, a subdirectory
// was created or removed.
const NoteLink Note = 0x10

// NoteRename (NOTE_RENAME), for [FilterVnode], reports that the file was renamed.
const NoteRename Note = 0x20

// NoteRevoke (NOTE_REVOKE), for [FilterVnode], reports that the file system was
// unmounted. FlagEOF comes with it.
const NoteRevoke Note = 0x40

// Notes of FilterProc.

// NoteExit (NOTE_EXIT), for [FilterProc] and FreeBSD's FilterProcdesc, reports
// that the process exited. Data is its wait(2) status: see [Event.WaitStatus]
// and [NoteExitStatus].
const NoteExit Note = 0x80000000

// NoteExitStatus (NOTE_EXITSTATUS), in a change with [FilterProc] and
// [NoteExit], requests the status of the exit in Data. macOS needs it, and refuses
// it with EACCES for a process that is neither a child nor one that the program may
// signal. The other systems always return the status. There it is 0, so that
// NoteExit|NoteExitStatus works everywhere.
const NoteExitStatus Note = noteExitStatus

// NoteFork (NOTE_FORK), for [FilterProc], reports that the process called
// fork(2) or a similar call, once or more. The event does not name the child.
const NoteFork Note = 0x40000000

// NoteExec (NOTE_EXEC), for [FilterProc], reports that the process called
// execve(2) or a similar call.
const NoteExec Note = 0x20000000

// NoteTrack (NOTE_TRACK), in a change with [FilterProc], also watches the
// children of the process from their fork on, and their children. The first
// event of each has [NoteChild]. macOS refuses it with ENOTSUP.
const NoteTrack Note = 0x1

// NoteTrackerr (NOTE_TRACKERR), for [FilterProc], reports after [NoteTrack]
// that a child could not be watched, usually for lack of memory.
const NoteTrackerr Note = 0x2

// NoteChild (NOTE_CHILD), for [FilterProc], reports a new child after
// [NoteTrack]. Ident is the child and Data its parent. On OpenBSD and DragonFly,
// the same event may have [NoteExit], and Data is then the status of the child.
const NoteChild Note = 0x4

// Notes of FilterUser.

// NoteTrigger (NOTE_TRIGGER), in a change with [FilterUser], triggers the
// event. See [Event.Trigger].
const NoteTrigger Note = 0x1000000

// NoteFfnop (NOTE_FFNOP), in a change with [FilterUser], leaves the low 24 bits
// of the event alone. NoteFfnop, [NoteFfand], [NoteFfor] and [NoteFfcopy] are
// the values of the field [NoteFfctrlmask] and must not be combined.
const NoteFfnop Note = 0x0

// NoteFfand (NOTE_FFAND), in a change with [FilterUser], combines the low 24
// bits of the event with those of Fflags by a bitwise AND.
const NoteFfand Note = 0x40000000

// NoteFfor (NOTE_FFOR), in a change with [FilterUser], combines the low 24 bits
// of the event with those of Fflags by a bitwise OR.
const NoteFfor Note = 0x80000000

// NoteFfcopy (NOTE_FFCOPY), in a change with [FilterUser], replaces the low 24
// bits of the event by those of Fflags.
const NoteFfcopy Note = 0xc0000000

// NoteFfctrlmask (NOTE_FFCTRLMASK), for [FilterUser], is the mask of the two
// bits that hold [NoteFfnop], [NoteFfand], [NoteFfor] or [NoteFfcopy].
const NoteFfctrlmask Note = 0xc0000000

// NoteFflagsmask (NOTE_FFLAGSMASK), for [FilterUser], is the mask of the 24
// bits that belong to the program.
const NoteFflagsmask Note = 0xffffff
