package kqueue_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// macOS has no unit for milliseconds, which are the default.
const noteAbsolute, noteMseconds Note = NoteAbsolute, 0

// With FlagUdataSpecific, a descriptor has several events of one filter.
func TestFlagUdataSpecific(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	first := WriteEvent(w).With(FlagUdataSpecific).WithUdata(1)
	second := first.WithUdata(2)
	apply(t, q, first, second)
	events, err := q.Wait(0)
	if err != nil || len(events) != 2 || events[0].Udata+events[1].Udata != 3 {
		t.Errorf("got %v, %v; want both", events, err)
	}
	waitGone(t, q, WriteEvent(w))
	waitGone(t, q, first.WithUdata(3))
	apply(t, q, first.Delete())
	if e := waitOne(t, q); e.Udata != 2 {
		t.Errorf("got %v, want the other one", e)
	}
	apply(t, q, second.Disable())
	waitNone(t, q)
}

// An event with FlagDispatch2 that is disabled is deleted when it is enabled.
func TestFlagDispatch2(t *testing.T) {
	if FlagDispatch2 != FlagDispatch|FlagUdataSpecific {
		t.Errorf("FlagDispatch2 is %v", FlagDispatch2)
	}
	q := newQueue(t)
	_, w := newPipe(t)
	e := WriteEvent(w).With(FlagDispatch2).WithUdata(5)
	apply(t, q, e)
	waitOne(t, q)
	waitNone(t, q)
	if err := q.Apply(e.Delete()); !errors.Is(err, unix.EINPROGRESS) {
		t.Errorf("deleting it: got %v, want EINPROGRESS", err)
	}
	waitNone(t, q)
	apply(t, q, e.Enable())
	if got := waitOne(t, q); got.Udata != 5 || got.Flags&(FlagDelete|FlagOneshot) != FlagDelete|FlagOneshot {
		t.Errorf("enabling it: got %v, want DELETE|ONESHOT", got)
	}
	waitGone(t, q, e)
}

// FlagVanished reports that the descriptor was closed.
func TestFlagVanished(t *testing.T) {
	q := newQueue(t)
	r, _ := newPipe(t)
	wantRefused(t, q, ReadEvent(r).With(FlagVanished), unix.EINVAL)
	e := ReadEvent(r).With(FlagDispatch2 | FlagVanished).WithUdata(5)
	apply(t, q, e)
	waitNone(t, q)
	closeFD(r)
	if got := waitOne(t, q); got.Udata != 5 || got.Flags&(FlagVanished|FlagOneshot) != FlagVanished|FlagOneshot {
		t.Errorf("got %v, want VANISHED|ONESHOT", got)
	}
	waitNone(t, q)
}

// FlagOoband in a change is ignored.
func TestFlagOoband(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r).With(FlagOoband))
	write(t, w, "a")
	if e := waitOne(t, q); e.Data != 1 || e.EOF() {
		t.Errorf("got %v", e)
	}
}

// NoteNone reports lseek(2), and nothing else.
func TestNoteNone(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteNone).With(FlagClear))
	waitNone(t, q)
	if _, err := f.Seek(3, 0); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteNone {
		t.Errorf("got %v", e)
	}
	waitNone(t, q)
}

// NoteFunlock reports that a lock was released.
func TestNoteFunlock(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteFunlock).With(FlagClear))
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	waitNone(t, q)
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteFunlock {
		t.Errorf("got %v", e)
	}
}

// NoteReap keeps the event after the exit, until the parent has waited.
func TestNoteReap(t *testing.T) {
	q := newQueue(t)
	c := startChild(t, "exit 7")
	apply(t, q, ProcEvent(c.Process.Pid, NoteExit|NoteExitStatus|NoteReap))
	c.release()
	e := waitOne(t, q)
	if e.Fflags&(NoteExit|NoteReap) != NoteExit || e.Flags&(FlagEOF|FlagOneshot) != 0 {
		t.Errorf("after the exit: got %v", e)
	}
	if _, ok := e.WaitStatus(); ok {
		t.Errorf("after the exit: %v has a status", e)
	}
	waitNone(t, q)
	c.Wait()
	if e := waitOne(t, q); e.Fflags&NoteReap == 0 || !e.EOF() {
		t.Errorf("after wait(2): got %v", e)
	}
}

// NoteSignal reports a signal to another process.
func TestNoteSignal(t *testing.T) {
	q := newQueue(t)
	c := startChild(t, "sleep")
	apply(t, q, ProcEvent(c.Process.Pid, NoteSignal))
	waitNone(t, q)
	if err := unix.Kill(c.Process.Pid, unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Ident != uintptr(c.Process.Pid) || e.Fflags != NoteSignal || e.EOF() {
		t.Errorf("got %v", e)
	}
}

// NoteExitDetail adds the reasons for an exit to Data. An ordinary exit has none.
func TestNoteExitDetail(t *testing.T) {
	const reasons = NoteExitDecryptfail | NoteExitMemory | NoteExitCserror
	if NoteExitDetailMask != reasons {
		t.Errorf("the mask is %#x, want %#x", NoteExitDetailMask, reasons)
	}
	q := newQueue(t)
	c := startChild(t, "sleep")
	apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus|NoteExitDetail))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := waitOne(t, q)
	if e.Fflags&NoteExitDetail == 0 || e.Data&int64(NoteExitDetailMask|NoteExitReparented) != 0 {
		t.Errorf("got %v, want EXIT_DETAIL without a reason", e)
	}
	if status, ok := e.WaitStatus(); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("got %v, want SIGKILL", e)
	}
}

// FilterVM is only a number, whatever the notes are.
func TestFilterVM(t *testing.T) {
	q := newQueue(t)
	for _, note := range []Note{
		0, NoteVMPressure, NoteVMPressureTerminate, NoteVMPressureSuddenTerminate, NoteVMError,
	} {
		wantRefused(t, q, NewEvent(1, FilterVM, FlagAdd, note, 0, 0), unix.ENOTSUP)
	}
}

// FilterFS takes any ident.
func TestFilterFS(t *testing.T) {
	q := newQueue(t)
	e := NewEvent(7, FilterFS, FlagAdd, 0, 0, 0)
	apply(t, q, e)
	waitNone(t, q)
	apply(t, q, e.Delete())
	waitGone(t, q, e)
}

// Timers whose time may be changed by the system, or is counted by another clock.
func TestTimerClocks(t *testing.T) {
	q := newQueue(t)
	const period = 20 * time.Millisecond
	for _, note := range []Note{NoteLeeway, NoteCritical, NoteBackground, NoteMachContinuousTime} {
		timer := TimerEvent(1, period).With(FlagOneshot)
		timer.Fflags |= note
		start := time.Now()
		apply(t, q, timer)
		waitOne(t, q)
		if took := time.Since(start); took < period {
			t.Errorf("%v fired after %v", timer, took)
		}
	}
	// A unit of mach_absolute_time is a nanosecond on Intel and longer on Apple
	// silicon.
	for _, note := range []Note{NoteMachtime, NoteMachtime | NoteMachContinuousTime} {
		timer := NewEvent(1, FilterTimer, FlagAdd|FlagOneshot, note, int64(period), 0)
		start := time.Now()
		apply(t, q, timer)
		waitOne(t, q)
		if took := time.Since(start); took < period {
			t.Errorf("%v fired after %v", timer, took)
		}
	}
	for _, units := range []Note{NoteSeconds | NoteNseconds, NoteUseconds | NoteMachtime} {
		wantRefused(t, q, NewEvent(1, FilterTimer, FlagAdd, units, 1e9, 0), unix.EINVAL)
	}
}

// A pipe has NoteLowat, at most the size of its buffer.
func TestPipeLowat(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, NewEvent(uintptr(r), FilterRead, FlagAdd, NoteLowat, 10, 0))
	write(t, w, "123456789")
	waitNone(t, q)
	write(t, w, "0")
	if e := waitOne(t, q); e.Data != 10 {
		t.Errorf("got %v", e)
	}
}

// /dev/null is refused unless the change has NoteLowat and Data 1.
func TestDeviceLowat(t *testing.T) {
	q := newQueue(t)
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ownFD(t, null)
	wantRefused(t, q, ReadEvent(null), unix.EINVAL)
	wantRefused(t, q, WriteEvent(null), unix.EINVAL)
	apply(t, q, NewEvent(uintptr(null), FilterRead, FlagAdd, NoteLowat, 1, 0))
	if e := waitOne(t, q); e.Filter != FilterRead || e.EOF() {
		t.Errorf("got %v", e)
	}
}
