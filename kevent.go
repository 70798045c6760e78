package kqueue

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// NewEvent returns an Event with the given fields, in the order of the macro
// EV_SET of kqueue(2). It checks nothing: what the kernel refuses is reported by
// [Queue.Apply] or [Queue.Kevent].
func NewEvent(ident uintptr, filter Filter, flags Flag, fflags Note, data int64, udata uintptr) Event {
	return Event{Ident: ident, Filter: filter, Flags: flags, Fflags: fflags, Data: data, Udata: udata}
}

// ReadEvent returns the change that adds the descriptor fd with [FilterRead].
func ReadEvent(fd int) Event {
	return NewEvent(uintptr(fd), FilterRead, FlagAdd, 0, 0, 0)
}

// WriteEvent returns the change that adds the descriptor fd with [FilterWrite].
func WriteEvent(fd int) Event {
	return NewEvent(uintptr(fd), FilterWrite, FlagAdd, 0, 0, 0)
}

// VnodeEvent returns the change that watches the open file fd with
// [FilterVnode] for the given notes, such as NoteWrite|NoteRename. Without
// FlagClear the event stays triggered after the first note.
func VnodeEvent(fd int, notes Note) Event {
	return NewEvent(uintptr(fd), FilterVnode, FlagAdd, notes, 0, 0)
}

// ProcEvent returns the change that watches the process pid with [FilterProc]
// for the given notes. On every system, NoteExit|NoteExitStatus reports the exit
// of a child and its status: see [Event.WaitStatus].
func ProcEvent(pid int, notes Note) Event {
	return NewEvent(uintptr(pid), FilterProc, FlagAdd, notes, 0, 0)
}

// SignalEvent returns the change that counts the deliveries of the signal sig to
// the process, with [FilterSignal].
func SignalEvent(sig syscall.Signal) Event {
	return NewEvent(uintptr(sig), FilterSignal, FlagAdd, 0, 0, 0)
}

// TimerEvent returns the change that starts the periodic timer ident with
// [FilterTimer]. With FlagOneshot, the timer fires once.
//
// The period is passed to the kernel in nanoseconds on macOS, FreeBSD and
// OpenBSD, and in milliseconds, rounded up, on NetBSD and DragonFly. The last
// three then round it up to a whole number of clock ticks, which usually take 10
// ms, and NetBSD adds a tick. A period of 0 or less stands for the shortest one
// that the unit can express (42 ns on macOS), because kernels disagree about 0.
//
// A period that is too long for the kernel makes the change fail with EINVAL:
// more than 34 years on FreeBSD, and more than 248 days on NetBSD, OpenBSD and
// DragonFly. The latter is close to the largest number of ticks that these
// kernels can count at 100 Hz; with a faster clock they silently shorten the
// period to that number.
func TimerEvent(ident uintptr, period time.Duration) Event {
	units := max(int64((max(period, 1)-1)/timerUnit)+1, shortestTimer)
	if period > longestTimer {
		units = -1 // refused: see mishandles
	}
	return NewEvent(ident, FilterTimer, FlagAdd, timerUnitNote, units, 0)
}

// UserEvent returns the change that adds the user event ident with
// [FilterUser]. The change that [Event.Trigger] returns triggers it. It stays
// triggered, even if it is disabled and enabled again, unless it is added with
// FlagClear or FlagOneshot.
//
// Kernels without user events refuse the change with EINVAL: NetBSD before 10.0
// and OpenBSD before 7.8.
func UserEvent(ident uintptr) Event {
	return NewEvent(ident, FilterUser, FlagAdd, 0, 0, 0)
}

// With returns a copy of e that has the given flags in addition to its own.
//
// Use it for the options of a change that adds an event, such as FlagClear. For
// the other actions there are [Event.Delete], [Event.Enable] and
// [Event.Disable]: ReadEvent(fd).With(FlagDelete) has FlagAdd too, and OpenBSD
// and DragonFly then delete nothing and report no error.
func (e Event) With(flags Flag) Event {
	e.Flags |= flags
	return e
}

// Delete returns the change that deletes e from the queue. It needs only the
// Ident and Filter of e, so e may be the event that was added or one that was
// returned.
func (e Event) Delete() Event {
	return NewEvent(e.Ident, e.Filter, FlagDelete|e.Flags&keyFlags, 0, 0, e.Udata)
}

// Enable returns the change that enables e after FlagDisable or FlagDispatch.
//
// It carries the Fflags, Data and Udata of e, because most kernels overwrite
// those of the event. So e must be the event as it was added, not as it was
// returned. On macOS, the change also restarts a timer.
func (e Event) Enable() Event {
	e.Flags = FlagEnable | e.Flags&keyFlags
	return e
}

// Disable returns the change that disables e: it stays in the queue, but is not
// returned until it is enabled again.
//
// As with [Event.Enable], e must be the event as it was added.
func (e Event) Disable() Event {
	e.Flags = FlagDisable | e.Flags&keyFlags
	return e
}

// Trigger returns the change that triggers the user event e. An earlier change
// must have added it: FreeBSD and NetBSD ignore a trigger in the change that
// adds.
//
// The change carries the Fflags, Data and Udata of e, because most kernels
// overwrite those of the event with them. It does not carry the flags of e:
// FlagAdd would add an event that is gone, and FlagClear would reset the
// trigger.
func (e Event) Trigger() Event {
	e.Filter = FilterUser
	e.Flags &= keyFlags
	e.Fflags |= NoteTrigger
	return e
}

// Err returns the errno, a [syscall.Errno], of the refused change that e reports
// by FlagError. It returns nil if e lacks FlagError, and if e is the receipt of a
// change that was accepted (Data is 0).
func (e Event) Err() error {
	if e.Flags&FlagError == 0 || e.Data == 0 {
		return nil
	}
	return syscall.Errno(e.Data)
}

// EOF reports whether e has FlagEOF. For FilterRead, the peer will send no more;
// for FilterWrite, it will accept no more; for FilterProc, the process has
// exited. There may still be Data bytes to read: read them first.
func (e Event) EOF() bool {
	return e.Flags&FlagEOF != 0
}

// SocketErr returns the error of a socket, a [syscall.Errno] such as ECONNRESET,
// which a FilterRead or FilterWrite event with FlagEOF has in Fflags. It returns
// nil if the connection was shut down in order, and for all other events.
func (e Event) SocketErr() error {
	if !e.EOF() || e.Filter != FilterRead && e.Filter != FilterWrite || e.Fflags == 0 {
		return nil
	}
	return syscall.Errno(e.Fflags)
}

// WaitStatus returns the status with which a process ended, as wait(2) reports
// it, and whether e has one. Events of FilterProc with FlagEOF and NoteExit have
// it, and on FreeBSD those of FilterProcdesc. On macOS, the change must have had
// NoteExitStatus besides NoteExit, and not NoteReap, which suppresses FlagEOF.
//
// The process stays a zombie until its parent waits for it.
func (e Event) WaitStatus() (status syscall.WaitStatus, ok bool) {
	if !e.EOF() || e.Flags&FlagError != 0 || ^e.Fflags&(NoteExit|NoteExitStatus) != 0 ||
		e.Filter != FilterProc && e.Filter != evfiltProcdesc {
		return status, false
	}
	return waitStatus(uint32(e.Data & 0xffff)), true
}

// String returns e in the terms of kqueue(2), such as
//
//	READ(5) ADD|CLEAR
//	READ(5) EOF data=12 fflags=54 (connection reset by peer)
//
// Fields that are zero are left out. Notes have the names that the system gives
// them for the filter, and bits without a name are in hexadecimal. An errno or a
// wait status is followed by its meaning.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v(%d)", e.Filter, e.Ident)
	if e.Flags != 0 {
		fmt.Fprintf(&b, " %v", e.Flags)
	}
	switch {
	case e.Fflags == 0:
	case e.SocketErr() != nil:
		fmt.Fprintf(&b, " fflags=%d (%v)", e.Fflags, e.SocketErr())
	default:
		fmt.Fprintf(&b, " fflags=%s", e.Filter.NoteString(e.Fflags))
	}
	_, exited := e.WaitStatus()
	switch {
	case e.Err() != nil:
		fmt.Fprintf(&b, " data=%d (%v)", e.Data, e.Err())
	case exited:
		fmt.Fprintf(&b, " data=%d (%s)", e.Data, waitStatusText(e.Data))
	case e.Data != 0:
		fmt.Fprintf(&b, " data=%d", e.Data)
	}
	if e.Udata != 0 {
		fmt.Fprintf(&b, " udata=%#x", e.Udata)
	}
	b.WriteString(e.extText())
	return b.String()
}

// waitStatusText describes a wait(2) status without syscall.WaitStatus, whose
// methods differ from system to system.
func waitStatusText(status int64) string {
	switch signal := syscall.Signal(status & 0x7f); {
	case signal == 0:
		return "exit status " + strconv.FormatInt(status>>8&0xff, 10)
	case status&0x80 != 0:
		return "signal: " + signal.String() + ", core dumped"
	default:
		return "signal: " + signal.String()
	}
}

// A ChangeError reports a change that the kernel refused.
type ChangeError struct {
	Index int   // of the change in the arguments of Apply
	Event Event // the change
	Err   error // the errno, a syscall.Errno
}

// Error returns the change and the meaning of the errno.
func (e *ChangeError) Error() string {
	return fmt.Sprintf("kqueue: %v: %v", e.Event, e.Err)
}

// Unwrap returns the errno, so that errors.Is(err, syscall.ENOENT) works.
func (e *ChangeError) Unwrap() error {
	return e.Err
}
