package kqueue

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// NewEvent fills an Event, as the macro EV_SET of kqueue(2) does and in its
// order. It checks nothing: what the kernel refuses comes back from
// [Queue.Apply] or [Queue.Kevent].
func NewEvent(ident uintptr, filter Filter, flags Flag, fflags Note, data int64, udata uintptr) Event {
	return Event{Ident: ident, Filter: filter, Flags: flags, Fflags: fflags, Data: data, Udata: udata}
}

// ReadEvent returns the change that adds fd to the queue with [FilterRead].
func ReadEvent(fd int) Event {
	return NewEvent(uintptr(fd), FilterRead, FlagAdd, 0, 0, 0)
}

// WriteEvent returns the change that adds fd to the queue with [FilterWrite].
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
// for the given notes. NoteExit|NoteExitStatus is a child's exit with its
// status on every system: see [Event.WaitStatus].
func ProcEvent(pid int, notes Note) Event {
	return NewEvent(uintptr(pid), FilterProc, FlagAdd, notes, 0, 0)
}

// SignalEvent returns the change that counts the signals sig which the process
// is sent, with [FilterSignal].
func SignalEvent(sig syscall.Signal) Event {
	return NewEvent(uintptr(sig), FilterSignal, FlagAdd, 0, 0, 0)
}

// TimerEvent returns the change that starts the periodic timer ident with
// [FilterTimer]; with FlagOneshot it fires once. The first time comes period
// after the kernel took the change, never earlier.
//
// The period goes to the kernel in nanoseconds on macOS, FreeBSD and OpenBSD,
// and in milliseconds, rounded up, on DragonFly and NetBSD. OpenBSD, NetBSD and
// DragonFly then round it up to their clock tick, mostly 10 ms. A period of 0 or
// less is one unit, as the kernels disagree on what 0 means; one that is too
// long for the kernel comes back as its error (FreeBSD: more than 34 years).
func TimerEvent(ident uintptr, period time.Duration) Event {
	units := int64(1)
	if period > 0 {
		units = int64((period-1)/timerUnit) + 1
	}
	if runtime.GOOS == "freebsd" && period > 1<<30*time.Second {
		// The sum of the period and the time since boot would overflow, and the
		// timer go off at once, over and over (sys/kern/kern_event.c,
		// filt_timerstart). A negative period it refuses with EINVAL.
		units = -1
	}
	return NewEvent(ident, FilterTimer, FlagAdd, timerUnitNote, units, 0)
}

// UserEvent returns the change that adds the user event ident with
// [FilterUser]. It is triggered by what [Event.Trigger] returns, and stays
// triggered unless it is added with FlagClear, FlagOneshot or FlagDispatch.
func UserEvent(ident uintptr) Event {
	return NewEvent(ident, FilterUser, FlagAdd, 0, 0, 0)
}

// With returns a copy of e that has flags too.
func (e Event) With(flags Flag) Event {
	e.Flags |= flags
	return e
}

// Trigger returns the change that triggers the user event e, which must have
// been added by an earlier change: FreeBSD and NetBSD ignore a trigger in the
// change that adds. The change carries e's Fflags, Data and Udata, as most
// kernels overwrite those of the event with those of any change to it. It
// carries no flag: FlagAdd would add the event anew where it is gone, and
// FlagClear would take the trigger back.
func (e Event) Trigger() Event {
	e.Filter = FilterUser
	e.Flags = 0
	e.Fflags |= NoteTrigger
	return e
}

// Err returns the errno, a [syscall.Errno], with which the kernel refused the
// change that e echoes. It is nil where e is no such answer (it lacks FlagError)
// and where e is the receipt of a change that was accepted (Data is 0).
func (e Event) Err() error {
	if e.Flags&FlagError == 0 || e.Data == 0 {
		return nil
	}
	return syscall.Errno(e.Data)
}

// EOF reports whether e has FlagEOF: for FilterRead the peer will send no more,
// for FilterWrite it will take no more, for FilterProc the process is gone.
// Data may still count bytes to read: read them first.
func (e Event) EOF() bool {
	return e.Flags&FlagEOF != 0
}

// SocketErr returns the socket's error, a [syscall.Errno] such as ECONNRESET,
// which a FilterRead or FilterWrite event with FlagEOF has in Fflags. It is nil
// where the connection was shut down in order, and for all other events.
func (e Event) SocketErr() error {
	if !e.hasSocketErr() || e.Fflags == 0 {
		return nil
	}
	return syscall.Errno(e.Fflags)
}

func (e Event) hasSocketErr() bool {
	return e.EOF() && (e.Filter == FilterRead || e.Filter == FilterWrite)
}

// WaitStatus returns the status with which a process ended, as wait(2) gives
// it, and whether e tells one: e must be a FilterProc event with NoteExit, or a
// FilterProcdesc event on FreeBSD. macOS gives the status only to a change that
// had NoteExitStatus beside NoteExit.
//
// The process stays a zombie until its parent waits for it.
func (e Event) WaitStatus() (status syscall.WaitStatus, ok bool) {
	if !e.hasWaitStatus() {
		return status, false
	}
	return waitStatus(uint32(e.Data & 0xffff)), true
}

func (e Event) hasWaitStatus() bool {
	const exited = NoteExit | NoteExitStatus
	return (e.Filter == FilterProc || e.Filter == evfiltProcdesc) &&
		e.Flags&FlagError == 0 && e.Fflags&exited == exited
}

// String returns e in the words of kqueue(2), such as
//
//	READ(5) ADD|CLEAR
//	READ(5) EOF data=12 fflags=54 (connection reset by peer)
//
// without the fields that are zero. Notes are named as the filter and the
// system have them, and bits that have no name are in hexadecimal. An errno or a
// wait status stands behind its number in words.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v(%d)", e.Filter, e.Ident)
	if e.Flags != 0 {
		fmt.Fprintf(&b, " %v", e.Flags)
	}
	switch {
	case e.Fflags == 0:
	case e.hasSocketErr():
		fmt.Fprintf(&b, " fflags=%d (%v)", e.Fflags, e.SocketErr())
	default:
		fmt.Fprintf(&b, " fflags=%s", systemNames.notesText(e.Filter, e.Fflags))
	}
	switch {
	case e.Err() != nil:
		fmt.Fprintf(&b, " data=%d (%v)", e.Data, e.Err())
	case e.hasWaitStatus():
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

// waitStatusText reads a wait(2) status by itself: syscall.WaitStatus has other
// methods on each system.
func waitStatusText(status int64) string {
	signal := syscall.Signal(status & 0x7f)
	switch {
	case signal == 0:
		return "exit status " + strconv.FormatInt(status>>8&0xff, 10)
	case status&0x80 != 0:
		return "signal: " + signal.String() + ", core dumped"
	default:
		return "signal: " + signal.String()
	}
}

// A ChangeError is one change that the kernel refused.
type ChangeError struct {
	Index int   // of the change in the call's list
	Event Event // the change itself
	Err   error // the kernel's errno, a syscall.Errno
}

// Error says which change was refused and why.
func (e *ChangeError) Error() string {
	return fmt.Sprintf("kqueue: change %d, %v: %v", e.Index, e.Event, e.Err)
}

// Unwrap returns the kernel's errno, so that for instance
// errors.Is(err, unix.ENOENT) holds.
func (e *ChangeError) Unwrap() error {
	return e.Err
}
