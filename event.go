package kqueue

import (
	"math"
	"strconv"
	"syscall"
	"time"
)

// NewEvent returns an Event with the given fields, in the order of the macro
// EV_SET of kqueue(2). A change does nothing until it is passed to
// [Queue.Apply] or [Queue.Kevent]. NewEvent checks nothing: what the kernel
// refuses is reported by these calls.
func NewEvent(ident uintptr, filter Filter, flags Flag, fflags Note, data int64, udata uintptr) Event {
	return Event{Ident: ident, Filter: filter, Flags: flags, Fflags: fflags, Data: data, Udata: udata}
}

// ReadEvent returns the change that adds the descriptor fd with [FilterRead].
func ReadEvent(fd int) Event { return NewEvent(uintptr(fd), FilterRead, FlagAdd, 0, 0, 0) }

// WriteEvent returns the change that adds the descriptor fd with [FilterWrite].
func WriteEvent(fd int) Event { return NewEvent(uintptr(fd), FilterWrite, FlagAdd, 0, 0, 0) }

// VnodeEvent returns the change that watches the open file fd with
// [FilterVnode] for the given notes. Without FlagClear, the event stays
// triggered after the first note.
//
// To follow a file by its name, watch for NoteWrite, NoteExtend, NoteAttrib,
// NoteRename, NoteDelete and NoteLink, which may all mean that the name belongs to
// another file now, or to none yet: so watch the directory for NoteWrite too.
func VnodeEvent(fd int, notes Note) Event {
	return NewEvent(uintptr(fd), FilterVnode, FlagAdd, notes, 0, 0)
}

// ProcEvent returns the change that watches the process pid with [FilterProc]
// for the given notes. On every system, NoteExit|NoteExitStatus reports the
// exit of a child and its status: see [Event.WaitStatus]. A child for which the
// change is refused with ESRCH has exited.
func ProcEvent(pid int, notes Note) Event {
	return NewEvent(uintptr(pid), FilterProc, FlagAdd, notes, 0, 0)
}

// SignalEvent returns the change that counts the signals sig that are sent to
// the process, with [FilterSignal]. It does not catch them: see “Signals and
// processes” in the package comment.
func SignalEvent(sig syscall.Signal) Event {
	return NewEvent(uintptr(sig), FilterSignal, FlagAdd, 0, 0, 0)
}

// TimerEvent returns the change that starts the periodic timer ident with
// [FilterTimer]. With FlagOneshot, the timer fires once.
//
// The kernel gets the period in the finest unit that it has, rounded up, and may
// round it up further: see [FilterTimer]. A period of 0 or less stands for the
// shortest one. One that is too long for the kernel makes the change fail with
// EINVAL: more than 34 years on FreeBSD, and more than 248 days on NetBSD, OpenBSD
// and DragonFly. To restart a timer, delete it first.
func TimerEvent(ident uintptr, period time.Duration) Event {
	units := max(int64((max(period, 1)-1)/timerUnit)+1, shortestTimer)
	if period > longestTimer {
		units = tooLong
	}
	return NewEvent(ident, FilterTimer, FlagAdd, timerUnitNote, units, 0)
}

// tooLong stands for a period that the kernel cannot hold. kernelMishandles refuses
// it, as every negative period, and ChangeError explains it.
const tooLong = math.MinInt64

// UserEvent returns the change that adds the user event ident with
// [FilterUser]. A second change, made by [Event.Trigger], triggers it. Once
// triggered, the event stays so unless it was added with FlagClear or
// FlagOneshot.
//
// Add an event once. To add it again with FlagClear while it is triggered but not
// returned loses the trigger, except on macOS, and with it the wake-up.
//
// Use small consecutive idents: kernels keep the events in a few hash buckets, of
// which page-aligned addresses, or an index shifted left by 16, use only one. OpenBSD
// allows a process 1,024 user events and timers. ^uintptr(0) belongs to Close and is
// refused with EINVAL.
func UserEvent(ident uintptr) Event { return NewEvent(ident, FilterUser, FlagAdd, 0, 0, 0) }

// With returns a copy of e that has the given flags in addition to its own.
//
// Use it for the options of a change that adds an event, such as FlagClear. For
// other actions there are [Event.Delete], [Event.Enable] and [Event.Disable]:
// ReadEvent(fd).With(FlagDelete) has FlagAdd too, so that it adds what is not there.
func (e Event) With(flags Flag) Event {
	e.Flags |= flags
	return e
}

// WithUdata returns a copy of e that has the given Udata.
func (e Event) WithUdata(udata uintptr) Event {
	e.Udata = udata
	return e
}

// Delete returns the change that deletes e from the queue, with what is pending.
// The change needs only the Ident and Filter of e, so e may be the event that was
// added or one that was returned.
//
// Delete an event before its descriptor is closed or not at all. Closing
// removes the event. A later deletion fails with EBADF (ENOENT on macOS), or
// deletes the event of another file that has the number by then.
func (e Event) Delete() Event {
	return NewEvent(e.Ident, e.Filter, FlagDelete|e.Flags&keyFlags, 0, 0, e.Udata)
}

// Enable returns the change that enables e after FlagDisable or FlagDispatch. It
// carries the Fflags, Data and Udata of e, because most kernels overwrite those of
// the event: e must be the event as it was added, not as it was returned. On
// macOS, the change also restarts a timer.
func (e Event) Enable() Event {
	e.Flags = FlagEnable | e.Flags&keyFlags
	return e
}

// Disable returns the change that disables e: it stays in the queue, but is not
// returned until it is enabled again. As with [Event.Enable], e must be the event
// as it was added.
func (e Event) Disable() Event {
	e.Flags = FlagDisable | e.Flags&keyFlags
	return e
}

// Trigger returns the change that triggers the user event e. An earlier change
// must have added it. The change carries the Fflags, Data and Udata of e, because
// most kernels overwrite those of the event, and not its flags: FlagAdd would add
// an event that is gone, and FlagClear would reset the trigger.
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

// EOF reports whether e has FlagEOF. For FilterRead, the peer will send no
// more; for FilterWrite, it will accept no more; for FilterProc, the process
// has exited.
//
// There may still be something to read: read until the end, whatever Data says.
// An event without FlagClear is returned with FlagEOF by every wait until it is
// deleted or its descriptor is closed. Not every end is reported by FlagEOF: see
// [FilterRead] and [FilterWrite].
func (e Event) EOF() bool { return e.Flags&FlagEOF != 0 }

// SocketErr returns the error of a socket, a [syscall.Errno] such as
// ECONNRESET, which a FilterRead or FilterWrite event with FlagEOF has in
// Fflags. For all other events, it returns nil.
//
// It also returns nil if the connection was shut down in order, and once the
// error has been fetched: SO_ERROR clears it, and so does a call such as
// connect(2) or read(2) that fails with it.
func (e Event) SocketErr() error {
	if !e.EOF() || e.Filter != FilterRead && e.Filter != FilterWrite || e.Fflags == 0 {
		return nil
	}
	return syscall.Errno(e.Fflags)
}

// WaitStatus returns the status with which a process ended, as wait(2) reports
// it, and whether e has one. Events of FilterProc with FlagEOF and NoteExit
// have it, and on FreeBSD those of FilterProcdesc. On macOS, the change must
// have had NoteExitStatus besides NoteExit, and not NoteReap.
//
// The process stays a zombie until its parent waits for it. It may become one
// only after the event has been returned, so wait without WNOHANG.
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
func (e Event) String() string { return string(e.append(make([]byte, 0, 128))) }

// append appends the text of e to b.
func (e *Event) append(b []byte) []byte {
	b = append(b, systemNames.filterText(e.Filter)...)
	b = append(b, '(')
	switch e.Filter {
	case FilterRead, FilterWrite, FilterVnode, FilterProc, FilterSignal:
		b = strconv.AppendInt(b, int64(int(e.Ident)), 10) // descriptor -1 is a common mistake
	default:
		b = strconv.AppendUint(b, uint64(e.Ident), 10)
	}
	b = append(b, ')')
	if e.Flags != 0 {
		b = systemNames.appendFlags(append(b, ' '), e.Flags)
	}
	if e.Fflags != 0 {
		b = append(b, " fflags="...)
		if e.SocketErr() != nil {
			b = strconv.AppendUint(b, uint64(e.Fflags), 10)
			b = appendMeaning(b, syscall.Errno(e.Fflags).Error())
		} else {
			b = systemNames.appendNotes(b, e.Filter, e.Fflags)
		}
	}
	_, exited := e.WaitStatus()
	if e.Data != 0 || exited {
		b = append(b, " data="...)
		b = strconv.AppendInt(b, e.Data, 10)
	}
	if exited {
		b = appendMeaning(b, waitStatusText(e.Data))
	} else if e.Flags&FlagError != 0 && e.Data != 0 {
		b = appendMeaning(b, syscall.Errno(e.Data).Error())
	}
	if e.Udata != 0 {
		b = append(b, " udata=0x"...)
		b = strconv.AppendUint(b, uint64(e.Udata), 16)
	}
	return e.appendExt(b)
}

func appendMeaning(b []byte, meaning string) []byte {
	b = append(b, " ("...)
	b = append(b, meaning...)
	return append(b, ')')
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

// A ChangeError reports a change that was refused, by the kernel or by this
// package, which refuses with EINVAL what a kernel would accept and get wrong:
// timers with a negative Data (except on macOS), a period that is too long
// (FreeBSD, DragonFly) or 0 (NetBSD), a time after 2037 (FreeBSD), or bad Fflags
// (FreeBSD, NetBSD); filter 0 (FreeBSD);
// the queue itself (NetBSD); a descriptor above 32 bits (DragonFly); [FilterAIO]
// (macOS); and on all systems the user event that belongs to Close.
type ChangeError struct {
	Index int   // of the change in the arguments of Apply
	Event Event // the change
	Err   error // the errno, a syscall.Errno
}

// Error returns the change, the reason where the errno does not say it, and the
// meaning of the errno.
func (e *ChangeError) Error() string {
	event, reason := e.Event, ""
	switch {
	case event.Filter == FilterTimer && event.Data == tooLong:
		reason = "the period is too long"
		event.Data = 0
	case event.Flags&FlagAdd == 0 && e.Err == syscall.ENOENT:
		reason = "not in the queue"
	}
	b := append(make([]byte, 0, 128), "kqueue: apply: "...)
	b = append(event.append(b), ": "...)
	if reason == "" {
		b = append(b, e.Err.Error()...)
	} else {
		b = appendMeaning(append(b, reason...), e.Err.Error())
	}
	return string(b)
}

// Unwrap returns the errno, so that errors.Is(err, syscall.ENOENT) works.
func (e *ChangeError) Unwrap() error { return e.Err }

// ChangeErrors returns all refused changes that an error of [Queue.Apply]
// reports, in the order of the changes. The error may be wrapped, or joined with
// others. ChangeErrors returns nil if it reports none.
func ChangeErrors(err error) []*ChangeError {
	switch err := err.(type) {
	case *ChangeError:
		return []*ChangeError{err}
	case interface{ Unwrap() error }:
		return ChangeErrors(err.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*ChangeError
		for _, err := range err.Unwrap() {
			all = append(all, ChangeErrors(err)...)
		}
		return all
	}
	return nil
}
