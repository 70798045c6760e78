package kqueue_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
)

func TestNewEvent(t *testing.T) {
	got := NewEvent(5, FilterTimer, FlagAdd|FlagClear, NoteTrigger, -7, 9)
	want := Event{Ident: 5, Filter: FilterTimer, Flags: FlagAdd | FlagClear, Fflags: NoteTrigger, Data: -7, Udata: 9}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestConstructors(t *testing.T) {
	tests := []struct{ got, want Event }{
		{ReadEvent(3), Event{Ident: 3, Filter: FilterRead, Flags: FlagAdd}},
		{WriteEvent(4), Event{Ident: 4, Filter: FilterWrite, Flags: FlagAdd}},
		{VnodeEvent(5, NoteWrite|NoteRename), Event{Ident: 5, Filter: FilterVnode, Flags: FlagAdd, Fflags: NoteWrite | NoteRename}},
		{ProcEvent(6, NoteExit), Event{Ident: 6, Filter: FilterProc, Flags: FlagAdd, Fflags: NoteExit}},
		{SignalEvent(syscall.SIGTERM), Event{Ident: uintptr(syscall.SIGTERM), Filter: FilterSignal, Flags: FlagAdd}},
		{UserEvent(7), Event{Ident: 7, Filter: FilterUser, Flags: FlagAdd}},
		{UserEvent(7).With(FlagClear | FlagOneshot), Event{Ident: 7, Filter: FilterUser, Flags: FlagAdd | FlagClear | FlagOneshot}},
		{ReadEvent(-1), Event{Ident: ^uintptr(0), Filter: FilterRead, Flags: FlagAdd}},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %+v, want %+v", test.got, test.want)
		}
	}
}

func TestWithLeavesTheOriginal(t *testing.T) {
	e := ReadEvent(3)
	if with := e.With(FlagOneshot); e.Flags != FlagAdd || with.Flags != FlagAdd|FlagOneshot {
		t.Errorf("got %v of %v", with, e)
	}
}

// A period is rounded up to the unit of the system. A period that the kernel
// cannot hold becomes a negative number of units, which Apply refuses.
func TestTimerEventRoundsUp(t *testing.T) {
	unit, shortest, longest := time.Nanosecond, time.Duration(1), time.Duration(math.MaxInt64)
	switch runtime.GOOS {
	case "darwin", "ios":
		shortest = 42
	case "dragonfly", "netbsd":
		unit, longest = time.Millisecond, 248*24*time.Hour
	case "openbsd":
		longest = 248 * 24 * time.Hour
	default:
		longest = 1 << 30 * time.Second
	}
	for _, d := range []time.Duration{
		math.MinInt64, -1, 0, 1, 41, 42, 43, 999, 500 * time.Microsecond, time.Millisecond, time.Millisecond + 1,
		1500 * time.Microsecond, 20 * time.Millisecond, time.Second, 248 * 24 * time.Hour, 248*24*time.Hour + 1,
		1 << 30 * time.Second, 1<<30*time.Second + 1, math.MaxInt64 - 1, math.MaxInt64,
	} {
		units := int64(math.MinInt64)
		if d <= longest {
			units = int64(shortest)
			if d > shortest {
				units = int64(d / unit)
				if d%unit != 0 {
					units++
				}
			}
		}
		e := TimerEvent(3, d)
		if e.Ident != 3 || e.Filter != FilterTimer || e.Flags != FlagAdd || e.Data != units {
			t.Errorf("TimerEvent(3, %v) = %v, want %d units of %v", d, e, units, unit)
		}
	}
}

// Delete, Enable, Disable and Trigger drop the flags of the event, except for
// FlagUdataSpecific of macOS, which belongs to its key.
func TestChangesToAnEvent(t *testing.T) {
	var key Flag
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		key = 0x100
	}
	e := NewEvent(7, FilterVnode, FlagAdd|FlagClear|FlagDispatch|key, NoteWrite, 11, 13)
	for _, test := range []struct {
		name      string
		got, want Event
	}{
		{"Delete", e.Delete(), NewEvent(7, FilterVnode, FlagDelete|key, 0, 0, 13)},
		{"Enable", e.Enable(), NewEvent(7, FilterVnode, FlagEnable|key, NoteWrite, 11, 13)},
		{"Disable", e.Disable(), NewEvent(7, FilterVnode, FlagDisable|key, NoteWrite, 11, 13)},
		{"Trigger", e.Trigger(), NewEvent(7, FilterUser, key, NoteWrite|NoteTrigger, 11, 13)},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, test.got, test.want)
		}
	}
}

func TestNoteString(t *testing.T) {
	for _, test := range []struct {
		filter Filter
		notes  Note
		want   string
	}{
		{FilterVnode, NoteDelete | NoteWrite, "DELETE|WRITE"},
		{FilterUser, NoteTrigger | 5, "TRIGGER|0x5"},
		{FilterRead, 0, "0x0"},
	} {
		if got := test.filter.NoteString(test.notes); got != test.want {
			t.Errorf("%v: got %s, want %s", test.filter, got, test.want)
		}
	}
}

func TestEventErr(t *testing.T) {
	e := Event{Ident: 5, Filter: FilterRead, Flags: FlagError, Data: int64(syscall.ENOENT)}
	if err := e.Err(); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Err() = %v, want ENOENT", err)
	}
	if err := (Event{Flags: FlagError}).Err(); err != nil {
		t.Errorf("a receipt's Err() = %v, want nil", err)
	}
	if err := (Event{Flags: FlagEOF, Data: 5}).Err(); err != nil {
		t.Errorf("an event's Err() = %v, want nil", err)
	}
}

func TestEventEOFAndSocketErr(t *testing.T) {
	reset := syscall.ECONNRESET
	tests := []struct {
		event Event
		eof   bool
		err   error
	}{
		{Event{Filter: FilterRead}, false, nil},
		{Event{Filter: FilterRead, Flags: FlagEOF, Data: 7}, true, nil},
		{Event{Filter: FilterRead, Flags: FlagEOF, Fflags: Note(reset)}, true, reset},
		{Event{Filter: FilterWrite, Flags: FlagEOF, Fflags: Note(reset)}, true, reset},
		{Event{Filter: FilterRead, Fflags: Note(reset)}, false, nil},
		{Event{Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit}, true, nil},
	}
	for _, test := range tests {
		if eof := test.event.EOF(); eof != test.eof {
			t.Errorf("%v: EOF() = %v", test.event, eof)
		}
		if err := test.event.SocketErr(); err != test.err {
			t.Errorf("%v: SocketErr() = %v, want %v", test.event, err, test.err)
		}
	}
}

func TestEventWaitStatus(t *testing.T) {
	const exit = NoteExit | NoteExitStatus
	status, ok := Event{Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: 7 << 8}.WaitStatus()
	if !ok || !status.Exited() || status.ExitStatus() != 7 {
		t.Errorf("exit 7: got %v, %v", status, ok)
	}
	// The status has 16 bits. What else a kernel puts into Data is not part of it.
	for _, data := range []int64{7<<8 | 1<<16, 7<<8 | 1<<31, 7<<8 | 1<<40, 7<<8 | math.MinInt64, 7<<8 | -1<<16} {
		if got, ok := (Event{Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: data}).WaitStatus(); !ok || got != status {
			t.Errorf("exit 7 with other bits (%#x): got %#x, %v, want %#x", data, got, ok, status)
		}
	}
	if runtime.GOOS != "windows" { // its WaitStatus knows no signals
		status, ok = Event{Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: int64(syscall.SIGKILL)}.WaitStatus()
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL || status.CoreDump() {
			t.Errorf("killed: got %v, %v", status, ok)
		}
		status, ok = Event{Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: int64(syscall.Signal(6)) | 0x80}.WaitStatus()
		if !ok || !status.Signaled() || status.Signal() != syscall.Signal(6) || !status.CoreDump() {
			t.Errorf("dumped core: got %v, %v", status, ok)
		}
	}
	switch runtime.GOOS {
	case "darwin", "ios", "dragonfly", "netbsd", "openbsd":
	default: // FreeBSD, and the systems without kqueue, which have its numbers
		const procdesc = ^Filter(7)
		got, ok := Event{Filter: procdesc, Flags: FlagEOF, Fflags: exit, Data: 7 << 8}.WaitStatus()
		if want, _ := (Event{Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: 7 << 8}).WaitStatus(); !ok || got != want {
			t.Errorf("exit 7 of a process descriptor: got %v, %v", got, ok)
		}
	}
	for _, e := range []Event{
		{Filter: FilterProc, Fflags: NoteFork, Data: 1},
		{Filter: FilterProc, Flags: FlagError | FlagEOF, Fflags: exit, Data: 1},
		{Filter: FilterProc, Flags: FlagEOF, Data: 7 << 8}, // NetBSD and others, if NoteExit was not requested
		{Filter: FilterProc, Flags: FlagAdd, Fflags: exit},
		{Filter: FilterRead, Fflags: exit, Data: 1},
		{Filter: FilterVnode, Flags: FlagEOF, Fflags: exit, Data: 1},
	} {
		if status, ok := e.WaitStatus(); ok {
			t.Errorf("%v: got %v, want no status", e, status)
		}
	}
}

func TestEventString(t *testing.T) {
	tests := []struct {
		event Event
		want  string
	}{
		{ReadEvent(5).With(FlagClear), "READ(5) ADD|CLEAR"},
		{Event{Ident: 5, Filter: FilterRead, Flags: FlagAdd | FlagClear, Data: 12}, "READ(5) ADD|CLEAR data=12"},
		{Event{Ident: 5, Filter: FilterWrite, Flags: FlagEOF, Fflags: Note(syscall.EPIPE), Udata: 0x10},
			fmt.Sprintf("WRITE(5) EOF fflags=%d (%s) udata=0x10", int(syscall.EPIPE), syscall.EPIPE.Error())},
		{Event{Ident: 5, Filter: FilterRead, Flags: FlagError, Data: int64(syscall.EBADF)},
			fmt.Sprintf("READ(5) ERROR data=%d (%s)", int(syscall.EBADF), syscall.EBADF.Error())},
		{Event{Ident: 5, Filter: FilterRead, Flags: FlagError}, "READ(5) ERROR"},
		{ReadEvent(5).With(1 << 10), "READ(5) ADD|0x400"},
		{ReadEvent(-1), "READ(-1) ADD"},
		{WriteEvent(-1), "WRITE(-1) ADD"},
		{VnodeEvent(-1, NoteWrite), "VNODE(-1) ADD fflags=WRITE"},
		{ProcEvent(-1, NoteExec), "PROC(-1) ADD fflags=EXEC"},
		{NewEvent(^uintptr(0), FilterSignal, FlagAdd, 0, 0, 0), "SIGNAL(-1) ADD"},
		{UserEvent(^uintptr(0)), fmt.Sprintf("USER(%d) ADD", ^uintptr(0))},
		{Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit | NoteExitStatus},
			"PROC(9) EOF fflags=" + exitNames + " data=0 (exit status 0)"},
		{VnodeEvent(3, NoteWrite|NoteDelete), "VNODE(3) ADD fflags=DELETE|WRITE"},
		{Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit | NoteExitStatus, Data: 256},
			"PROC(9) EOF fflags=" + exitNames + " data=256 (exit status 1)"},
		{Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit | NoteExitStatus, Data: 9},
			"PROC(9) EOF fflags=" + exitNames + " data=9 (signal: " + syscall.Signal(9).String() + ")"},
		{Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit | NoteExitStatus, Data: 0x86},
			"PROC(9) EOF fflags=" + exitNames + " data=134 (signal: " + syscall.Signal(6).String() + ", core dumped)"},
		{Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: NoteExit | NoteExitStatus, Data: 1<<16 | 256},
			"PROC(9) EOF fflags=" + exitNames + " data=65792 (exit status 1)"},
		{ProcEvent(9, NoteExit|NoteExitStatus), "PROC(9) ADD fflags=" + exitNames},
		{UserEvent(1).Trigger(), "USER(1) fflags=TRIGGER"},
		{NewEvent(1, FilterUser, 0, NoteFfcopy|NoteTrigger|5, 0, 0), "USER(1) fflags=FFCOPY|TRIGGER|0x5"},
		{Event{Filter: 99}, "Filter(99)(0)"},
	}
	for _, test := range tests {
		if got := test.event.String(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// exitNames are the names of the bits of NoteExit|NoteExitStatus.
var exitNames = func() string {
	if NoteExitStatus != 0 {
		return "EXIT|EXITSTATUS"
	}
	return "EXIT"
}()

func TestFlagString(t *testing.T) {
	tests := []struct {
		flags Flag
		want  string
	}{
		{0, "0x0"},
		{FlagAdd, "ADD"},
		{FlagAdd | FlagDelete | FlagEnable | FlagDisable | FlagOneshot | FlagClear | FlagReceipt | FlagDispatch | FlagError | FlagEOF,
			"ADD|DELETE|ENABLE|DISABLE|ONESHOT|CLEAR|RECEIPT|DISPATCH|ERROR|EOF"},
	}
	for _, test := range tests {
		if got := test.flags.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestChangeError(t *testing.T) {
	var err error = &ChangeError{Index: 2, Event: ReadEvent(5), Err: syscall.EBADF}
	if !errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOENT) {
		t.Errorf("%v does not unwrap to its errno", err)
	}
	if want := "kqueue: apply: READ(5) ADD: " + syscall.EBADF.Error(); err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	err = &ChangeError{Event: ProcEvent(9, NoteExit|NoteExitStatus), Err: syscall.ESRCH}
	if want := "kqueue: apply: PROC(9) ADD fflags=" + exitNames + ": " + syscall.ESRCH.Error(); err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The reason is said where the errno alone would mislead.
func TestChangeErrorText(t *testing.T) {
	for _, test := range []struct {
		change Event
		errno  syscall.Errno
		want   string
	}{
		{ReadEvent(-1), syscall.EBADF, "READ(-1) ADD: %s"},
		{ReadEvent(5).Delete(), syscall.ENOENT, "READ(5) DELETE: not in the queue (%s)"},
		{UserEvent(7).Trigger(), syscall.ENOENT, "USER(7) fflags=TRIGGER: not in the queue (%s)"},
		{ReadEvent(5), syscall.ENOENT, "READ(5) ADD: %s"},
		{NewEvent(1, FilterTimer, FlagAdd, 0, math.MinInt64, 0), syscall.EINVAL, "TIMER(1) ADD: the period is too long (%s)"},
		{NewEvent(1, FilterTimer, FlagAdd, 0, -1, 0), syscall.EINVAL, "TIMER(1) ADD data=-1: %s"},
	} {
		want := "kqueue: apply: " + strings.Replace(test.want, "%s", test.errno.Error(), 1)
		if got := (&ChangeError{Event: test.change, Err: test.errno}).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// ChangeErrors finds all refused changes, however the errors are wrapped.
func TestChangeErrors(t *testing.T) {
	first := &ChangeError{Index: 1, Event: ReadEvent(-1), Err: syscall.EBADF}
	second := &ChangeError{Index: 3, Event: ReadEvent(5).Delete(), Err: syscall.ENOENT}
	for _, test := range []struct {
		err  error
		want []*ChangeError
	}{
		{nil, nil},
		{syscall.EBADF, nil},
		{errors.Join(syscall.EBADF, os.ErrClosed), nil},
		{first, []*ChangeError{first}},
		{fmt.Errorf("watching: %w", first), []*ChangeError{first}},
		{errors.Join(first, second), []*ChangeError{first, second}},
		{fmt.Errorf("watching: %w", errors.Join(first, second, syscall.EIO)), []*ChangeError{first, second}},
		{errors.Join(first, fmt.Errorf("and %w", errors.Join(second))), []*ChangeError{first, second}},
	} {
		if got := ChangeErrors(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.err, got, test.want)
		}
	}
}

func TestWithUdata(t *testing.T) {
	e := ReadEvent(3).With(FlagClear)
	if with := e.WithUdata(9); e.Udata != 0 || with != NewEvent(3, FilterRead, FlagAdd|FlagClear, 0, 0, 9) {
		t.Errorf("got %v of %v", with, e)
	}
}
