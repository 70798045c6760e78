package kqueue

// A Flag is a set of bits in [Event.Flags]. In a change they are actions and
// options, in a triggered event they are conditions. A triggered event may also
// contain bits of the change that added it, and which ones differs from system
// to system. Test individual bits, and only for conditions: FreeBSD, for one,
// never returns FlagAdd or FlagEnable.
//
// The flags below exist on all five systems, with the same numbers. Others are
// exported only on the systems that have them: see “Portability” in the package
// comment.
//
// The underlying type is that of the kernel's struct: uint16, or uint32 on
// NetBSD.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
type Flag kernelFlag

// FlagAdd (EV_ADD) adds the event to the queue. A new event is enabled unless
// the change has [FlagDisable]. A change without FlagAdd is refused with ENOENT
// if the event does not exist.
//
// If the queue already has an event with this Ident and Filter, FlagAdd
// replaces its Fflags, Data and Udata and checks its condition anew: even with
// [FlagClear], it is returned once more. Notes that an event of [FilterVnode]
// has accumulated are kept. The Fflags of a user event change as [NoteFfcopy]
// and related notes say, and DragonFly keeps the Udata of one.
//
// FlagAdd neither enables an existing event that is disabled nor changes
// whether it has FlagClear, [FlagOneshot] or [FlagDispatch]. Pass [FlagEnable]
// to enable it, and delete it first to change these options. (NetBSD changes
// them for timers.)
const FlagAdd Flag = 0x1

// FlagDelete (EV_DELETE) removes the event from the queue, along with the notes
// or counts that it has accumulated. It is refused with ENOENT if the event
// does not exist. Do not combine it with FlagAdd: see [Event.Delete].
//
// Closing a descriptor removes its events without any report. Delete an event
// before that or not at all. Afterwards, the deletion fails with EBADF (ENOENT
// on macOS) while the number is free, and removes the event of another file
// once the number is in use again. The same is true of every change that is
// still in a batch.
const FlagDelete Flag = 0x2

// FlagEnable (EV_ENABLE) allows a disabled event to be returned again. Like
// every change, it overwrites the Fflags, Data and Udata of the event on most
// systems: see [Event.Enable]. On macOS, it also restarts a timer.
const FlagEnable Flag = 0x4

// FlagDisable (EV_DISABLE) stops an event from being returned until FlagEnable.
// The event stays in the queue: see [Event.Disable]. FlagEnable and FlagDisable
// together are refused with EINVAL on FreeBSD. They disable the event on macOS
// and enable it on the other systems.
const FlagDisable Flag = 0x8

// FlagOneshot (EV_ONESHOT) removes the event from the queue when it is
// returned. A triggered event with this flag is no longer in the queue, even if
// the program did not request it, as with [NoteExit]. (The exception is the
// event of [NoteChild] on FreeBSD and NetBSD: the child is still watched.)
const FlagOneshot Flag = 0x10

// FlagClear (EV_CLEAR) resets the event when it is returned, so that it reports
// changes instead of a state. [FilterProc], [FilterSignal] and periodic timers
// always have it. Read or write until EAGAIN before the next wait: what is left
// over is not reported again.
//
// An event may also be returned again with nothing new, which does no harm if the
// descriptor is non-blocking:
//
//   - when it is added again and, on most systems, when it is enabled;
//   - FilterRead, except on macOS: when a connection is accepted and others
//     wait;
//   - FilterRead, for a pipe on most systems: when the program reads a part;
//   - [FilterWrite]: when the peer reads or TCP acknowledges, even if the
//     buffer was never full, and for a pipe on most systems when the program
//     writes.
const FlagClear Flag = 0x20

// FlagReceipt (EV_RECEIPT) makes the kernel answer the change with an event
// that has [FlagError], with the errno or 0 in Data, and return no pending
// events. [Queue.Apply] uses it for several changes, and events that were added
// so may be returned with it. FreeBSD, OpenBSD, macOS 10.5, DragonFly 4.6,
// NetBSD 10.0 and later have this flag.
const FlagReceipt Flag = 0x40

// FlagDispatch (EV_DISPATCH) disables the event when it is returned, so that
// only one of several waiting goroutines receives it. [FlagEnable] enables it
// again. On NetBSD 10, it does nothing to an event that also has [FlagClear],
// as timers, signals and processes always do. FreeBSD, OpenBSD, macOS 10.6,
// DragonFly 4.6, NetBSD 10.0 and later have this flag.
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
// filter: the comment of each note names its filter. [Filter.NoteString]
// returns the names of the bits.
//
// The notes below exist on all five systems, with the same numbers except for
// [NoteExitStatus]. Others are exported only on the systems that have them: see
// “Portability” in the package comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
type Note uint32

// Notes of FilterRead and FilterWrite.

// NoteLowat (NOTE_LOWAT), in a change with [FilterRead] or [FilterWrite],
// triggers the event only at Data bytes or more, instead of at the low-water
// mark of the socket. More than the buffer can hold is never reached. On macOS,
// the greater of the two applies, at most the size of the buffer, and pipes
// have it as well.
const NoteLowat Note = 0x1

// Notes of FilterVnode.

// NoteDelete (NOTE_DELETE), for [FilterVnode], reports that a name of the file
// was unlinked or taken by another file. The file may have other names.
// OpenBSD's tmpfs and DragonFly's HAMMER2 report only the last name, and so
// does NetBSD if another file replaces this one.
const NoteDelete Note = 0x1

// NoteWrite (NOTE_WRITE), for [FilterVnode], reports that the file was written
// to. For a directory, an entry was created, removed or renamed. Truncation is
// [NoteAttrib] instead, except on DragonFly's tmpfs. Stores into a mapping made
// by mmap(2) are not reported.
const NoteWrite Note = 0x2

// NoteExtend (NOTE_EXTEND), for [FilterVnode], reports that a write made the
// file grow. If ftruncate(2) does, this note is returned only by NetBSD and by
// the tmpfs of DragonFly and OpenBSD: see [NoteAttrib]. For a directory, a rename moved an entry
// into it (FreeBSD, and NetBSD under a new name) or out of it (FreeBSD).
const NoteExtend Note = 0x4

// NoteAttrib (NOTE_ATTRIB), for [FilterVnode], reports that the attributes of
// the file changed: its mode, owner, times, flags or size.
//
// If ftruncate(2), or open(2) with O_TRUNC, changes the size, this note comes
// alone on most systems. OpenBSD adds NoteTruncate when the file shrinks,
// NetBSD adds [NoteExtend] when it grows, and DragonFly's tmpfs returns
// [NoteWrite] instead. OpenBSD's tmpfs does not report it, or as NoteExtend.
const NoteAttrib Note = 0x8

// NoteLink (NOTE_LINK), for [FilterVnode], reports that the file got another
// name. For a directory, a subdirectory was created or removed. Some systems
// also report it when the file loses a name: macOS; OpenBSD's tmpfs, if it has
// others; NetBSD, if it has others and another file replaces this one.
const NoteLink Note = 0x10

// NoteRename (NOTE_RENAME), for [FilterVnode], reports that the file was
// renamed.
const NoteRename Note = 0x20

// NoteRevoke (NOTE_REVOKE), for [FilterVnode], reports that the file system was
// unmounted. FlagEOF comes with it. (revoke(2) causes it too, but on FreeBSD
// and OpenBSD it applies only to devices, which cannot be watched with
// FilterVnode.)
const NoteRevoke Note = 0x40

// Notes of FilterProc.

// NoteExit (NOTE_EXIT), for [FilterProc] and FreeBSD's FilterProcdesc, reports
// that the process exited. Data is its wait(2) status: see [Event.WaitStatus]
// and [NoteExitStatus].
//
// The event may come a moment before the process can be waited for, as on macOS
// and NetBSD: wait4(2) with WNOHANG may then find nothing. Wait without
// WNOHANG, as [os/exec.Cmd.Wait] does.
const NoteExit Note = 0x80000000

// NoteExitStatus (NOTE_EXITSTATUS), in a change with [FilterProc] and
// [NoteExit], requests the status of the exit in Data. macOS 10.7 and later
// need it. They refuse to add it with EACCES for a process that is neither a
// child nor one that the program may signal. The other systems always return
// the status. There it is 0, so that NoteExit|NoteExitStatus works everywhere.
const NoteExitStatus Note = noteExitStatus

// NoteFork (NOTE_FORK), for [FilterProc], reports that the process called
// fork(2) or a similar call. The event does not have the child's process ID.
const NoteFork Note = 0x40000000

// NoteExec (NOTE_EXEC), for [FilterProc], reports that the process called
// execve(2) or a similar call.
const NoteExec Note = 0x20000000

// NoteTrack (NOTE_TRACK), in a change with [FilterProc], also watches the
// children of the process from their fork on, and their children. The first
// event of each has [NoteChild]. macOS refuses to add it with ENOTSUP.
const NoteTrack Note = 0x1

// NoteTrackerr (NOTE_TRACKERR), for [FilterProc], reports after [NoteTrack]
// that a child could not be watched, usually for lack of memory.
const NoteTrackerr Note = 0x2

// NoteChild (NOTE_CHILD), for [FilterProc], reports a new child after
// [NoteTrack]. Ident is the child and Data its parent. On FreeBSD, the event
// also has FlagEOF if the child has exited by then. On OpenBSD and DragonFly,
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
