package kqueue

// A Flag is a set of bits in [Event.Flags]: actions and options on the way into
// the kernel, conditions on the way out. A triggered event may carry some of
// the bits that it was added with, others on each system: test for bits, never
// for equality.
//
// It has the kernel's own width: uint16, and uint32 on NetBSD.
type Flag kernelFlag

// The flags that all five systems have, with the same numbers. Those of single
// systems are exported there only: see “Portability” in the package comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// FlagAdd (EV_ADD), in: add the event to the queue, or modify it where the
	// queue has one with the same Ident and Filter. A new event is enabled unless
	// FlagDisable stands beside; one that is there stays disabled where it is,
	// as after FlagDispatch, unless FlagEnable stands beside. A change without
	// FlagAdd to an event that is not there is ENOENT.
	FlagAdd Flag = 0x1

	// FlagDelete (EV_DELETE), in: remove the event from the queue; ENOENT where
	// there is none. Closing a descriptor removes its events by itself, without
	// a word.
	FlagDelete Flag = 0x2

	// FlagEnable (EV_ENABLE), in: let a disabled event be returned again. macOS
	// restarts a timer that is enabled, with the Data of the change.
	FlagEnable Flag = 0x4

	// FlagDisable (EV_DISABLE), in: keep the event, but do not return it until
	// FlagEnable. Both together are EINVAL on FreeBSD, disable on macOS and
	// enable elsewhere.
	FlagDisable Flag = 0x8

	// FlagOneshot (EV_ONESHOT), in: remove the event once it was returned. Out,
	// it tells that the event is gone from the queue, also where it was not
	// asked for, as with NoteExit.
	FlagOneshot Flag = 0x10

	// FlagClear (EV_CLEAR), in: reset the event when it is returned, so that it
	// tells of changes and not of a state (“edge-triggered”). FilterProc,
	// FilterSignal and FilterTimer have it without being asked.
	FlagClear Flag = 0x20

	// FlagReceipt (EV_RECEIPT), in: answer this change with an event that has
	// FlagError and, in Data, 0 or the errno, instead of returning pending
	// events. [Queue.Apply] uses it by itself. FreeBSD, OpenBSD, macOS
	// 10.5, DragonFly 4.6, NetBSD 10.0 and later.
	FlagReceipt Flag = 0x40

	// FlagDispatch (EV_DISPATCH), in: disable the event once it was returned,
	// until FlagEnable: one event for one of several waiting goroutines. NetBSD
	// 10 does not disable an event that has FlagClear as well. FreeBSD, OpenBSD, macOS
	// 10.6, DragonFly 4.6, NetBSD 10.0 and later.
	FlagDispatch Flag = 0x80

	// FlagError (EV_ERROR), out: the event answers a change. Data is the errno,
	// or 0 in a receipt: see [Event.Err].
	FlagError Flag = 0x4000

	// FlagEOF (EV_EOF), out: the filter's end of things, see [Event.EOF]. The
	// kernel ignores it on the way in.
	FlagEOF Flag = 0x8000
)

// String returns the manual page's names without the prefix EV_, joined by |,
// such as "ADD|CLEAR". Bits without a name follow in hexadecimal.
func (f Flag) String() string {
	return systemNames.flagsText(f)
}

// A Note is a set of bits in [Event.Fflags]. What a bit means depends on the
// filter: the comment of each note names its filter.
type Note uint32

// The notes that all five systems have, with the same numbers but for
// NoteExitStatus. Those of some systems only are exported there: see
// “Portability” in the package comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// NoteLowat (NOTE_LOWAT), for FilterRead and FilterWrite on sockets, in:
	// trigger only at Data bytes or more, instead of the socket's own low-water
	// mark. macOS bounds it by the size of the buffer.
	NoteLowat Note = 0x1

	// NoteDelete (NOTE_DELETE), for FilterVnode: the file was unlinked: one of
	// its names is gone, on NetBSD 10 the last one.
	NoteDelete Note = 0x1

	// NoteWrite (NOTE_WRITE), for FilterVnode: the file was written to; in a
	// directory, an entry was made, removed or renamed.
	NoteWrite Note = 0x2

	// NoteExtend (NOTE_EXTEND), for FilterVnode: the file grew. On FreeBSD also:
	// an entry was moved into or out of a directory by a rename.
	NoteExtend Note = 0x4

	// NoteAttrib (NOTE_ATTRIB), for FilterVnode: the attributes changed (mode,
	// owner, times, flags).
	NoteAttrib Note = 0x8

	// NoteLink (NOTE_LINK), for FilterVnode: the number of links changed; of a
	// directory, a subdirectory was made or removed.
	NoteLink Note = 0x10

	// NoteRename (NOTE_RENAME), for FilterVnode: the file was renamed.
	NoteRename Note = 0x20

	// NoteRevoke (NOTE_REVOKE), for FilterVnode: access was revoked by revoke(2),
	// or the file system was unmounted. FlagEOF comes with it.
	NoteRevoke Note = 0x40

	// NoteExit (NOTE_EXIT), for FilterProc and FreeBSD's FilterProcdesc: the
	// process exited. Data out is its wait(2) status: see [Event.WaitStatus] and
	// NoteExitStatus.
	NoteExit Note = 0x80000000

	// NoteExitStatus (NOTE_EXITSTATUS), for FilterProc, in, beside NoteExit: give
	// the status of the exit in Data. macOS (10.7 and later) asks for it, and
	// allows it only for children and processes that one may signal: EACCES. The
	// other systems give the status unasked, so it is 0 there, and
	// NoteExit|NoteExitStatus is right everywhere.
	NoteExitStatus Note = noteExitStatus

	// NoteFork (NOTE_FORK), for FilterProc: the process called fork(2) or its
	// like.
	NoteFork Note = 0x40000000

	// NoteExec (NOTE_EXEC), for FilterProc: the process called execve(2) or its
	// like.
	NoteExec Note = 0x20000000

	// NoteTrack (NOTE_TRACK), for FilterProc, in: watch the process's children
	// as well, from their fork on, and theirs. Each one's first event has
	// NoteChild. macOS refuses it since 10.5: ENOTSUP.
	NoteTrack Note = 0x1

	// NoteTrackerr (NOTE_TRACKERR), for FilterProc, out, after NoteTrack: a
	// child could not be watched, mostly for want of memory.
	NoteTrackerr Note = 0x2

	// NoteChild (NOTE_CHILD), for FilterProc, out, after NoteTrack: Ident is a new
	// child, Data its parent. On OpenBSD and DragonFly the child's NoteExit may
	// come in the same event, and Data is then its status.
	NoteChild Note = 0x4

	// NoteTrigger (NOTE_TRIGGER), for FilterUser, in: trigger the event. See
	// [Event.Trigger].
	NoteTrigger Note = 0x1000000

	// NoteFfnop (NOTE_FFNOP), for FilterUser, in: leave the event's low 24 bits as
	// they are. The control bits NoteFfnop, NoteFfand, NoteFfor and NoteFfcopy
	// are one number under NoteFfctrlmask, not flags to combine.
	NoteFfnop Note = 0x0

	// NoteFfand (NOTE_FFAND), for FilterUser, in: and the low 24 bits of Fflags
	// with the event's.
	NoteFfand Note = 0x40000000

	// NoteFfor (NOTE_FFOR), for FilterUser, in: or the low 24 bits of Fflags into
	// the event's.
	NoteFfor Note = 0x80000000

	// NoteFfcopy (NOTE_FFCOPY), for FilterUser, in: set the event's low 24 bits to
	// those of Fflags.
	NoteFfcopy Note = 0xc0000000

	// NoteFfctrlmask (NOTE_FFCTRLMASK), for FilterUser: the mask of the two
	// control bits.
	NoteFfctrlmask Note = 0xc0000000

	// NoteFflagsmask (NOTE_FFLAGSMASK), for FilterUser: the mask of the 24 bits
	// that are the user's own.
	NoteFflagsmask Note = 0xffffff
)
