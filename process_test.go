//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

const exitWithStatus = NoteExit | NoteExitStatus

func TestProcExit(t *testing.T) {
	for _, code := range []int{0, 1, 255} {
		q := newQueue(t)
		c := startChild(t, fmt.Sprint("exit ", code))
		apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
		waitNone(t, q)
		c.release()
		e := waitOne(t, q)
		if e.Ident != uintptr(c.Process.Pid) || e.Filter != FilterProc || e.Fflags&NoteExit == 0 || !e.EOF() {
			t.Fatalf("exit %d: got %v", code, e)
		}
		status, ok := e.WaitStatus()
		if !ok || !status.Exited() || status.ExitStatus() != code {
			t.Errorf("exit %d: got %v", code, e)
		}
		if !strings.Contains(e.String(), fmt.Sprint("(exit status ", code, ")")) {
			t.Errorf("exit %d: got %v", code, e)
		}
		waitNone(t, q)
		// The event took nothing from wait(2).
		if err := c.Wait(); c.ProcessState == nil || c.ProcessState.ExitCode() != code {
			t.Errorf("exit %d: os/exec says %v", code, err)
		}
		q.Close()
	}
}

func TestProcKilled(t *testing.T) {
	q := newQueue(t)
	c := startChild(t, "sleep")
	apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := waitOne(t, q)
	if status, ok := e.WaitStatus(); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("got %v", e)
	}
}

// The status in the event is that of wait(2), which also tells whether the
// process left a core.
func TestProcCore(t *testing.T) {
	q := newQueue(t)
	t.Setenv("GOTRACEBACK", "crash") // makes the Go runtime send itself SIGABRT
	for {
		c := startChild(t, "crash "+t.TempDir())
		apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
		c.release()
		e := waitOne(t, q)
		c.Wait()
		status, ok := e.WaitStatus()
		if want := c.ProcessState.Sys().(syscall.WaitStatus); !ok || status != want {
			t.Fatalf("got %v, wait(2) says %#x", e, want)
		}
		if status.Exited() {
			// The Go runtime exits if the signal does not arrive soon.
			t.Logf("not this time: %v", e)
			continue
		}
		if status.Signal() != syscall.SIGABRT || strings.Contains(e.String(), "core dumped") != status.CoreDump() {
			t.Errorf("got %v", e)
		}
		t.Log(e)
		return
	}
}

// macOS has the status only if it was requested.
func TestProcExitWithoutStatus(t *testing.T) {
	q := newQueue(t)
	c := startChild(t, "exit 7")
	apply(t, q, ProcEvent(c.Process.Pid, NoteExit))
	c.release()
	e := waitOne(t, q)
	if status, ok := e.WaitStatus(); ok == macOS || ok && status.ExitStatus() != 7 || !e.EOF() || e.Fflags&NoteExit == 0 {
		t.Errorf("got %v", e)
	}
}

// NetBSD, OpenBSD and DragonFly report the exit of a process even if NoteExit was
// not requested.
func TestProcExitNotRequested(t *testing.T) {
	if simulated {
		t.Skip("the simulated kernel knows no other note than NoteExit")
	}
	q, watch := newQueue(t), newQueue(t)
	c := startChild(t, "exit 7")
	apply(t, q, ProcEvent(c.Process.Pid, NoteFork))
	apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
	c.release()
	waitOne(t, watch)
	c.Wait()
	switch runtime.GOOS {
	case "dragonfly", "netbsd", "openbsd":
		e := waitOne(t, q)
		if status, ok := e.WaitStatus(); e.Fflags&NoteExit != 0 || !e.EOF() || ok {
			t.Errorf("got %v with the status %v", e, status)
		}
	default:
		waitNone(t, q)
	}
}

// A child that has exited before it is watched gives an event at once or ESRCH. A
// portable program treats both as the exit.
func TestProcAlreadyExited(t *testing.T) {
	q, watch := newQueue(t), newQueue(t)
	c := startChild(t, "exit 7")
	apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
	c.release()
	waitOne(t, watch) // it has exited, and nobody has waited for it

	err := q.Apply(ProcEvent(c.Process.Pid, exitWithStatus))
	switch runtime.GOOS {
	case "freebsd", "dragonfly", "linux": // filt_procattach finds zombies too
		if err != nil {
			t.Fatal(err)
		}
		e := waitOne(t, q)
		if status, ok := e.WaitStatus(); !ok || status.ExitStatus() != 7 {
			t.Errorf("got %v", e)
		}
	default:
		if !errors.Is(err, unix.ESRCH) {
			t.Errorf("got %v, want ESRCH", err)
		}
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 7 {
		t.Errorf("os/exec says %d", code)
	}
	if err := q.Apply(ProcEvent(c.Process.Pid, NoteExit)); !errors.Is(err, unix.ESRCH) {
		t.Errorf("after wait(2): got %v, want ESRCH", err)
	}
}

func TestProcManyChildren(t *testing.T) {
	const total = 64
	want := make(map[uintptr]int)
	var children []*child
	var changes []Event
	q := openQueue(t)
	defer q.Close()
	for i := range total {
		c := startChild(t, fmt.Sprint("exit ", i))
		children = append(children, c)
		want[uintptr(c.Process.Pid)] = i
		changes = append(changes, ProcEvent(c.Process.Pid, exitWithStatus))
	}
	watchdog(t, watchdogTime) // starting that many children may take long
	apply(t, q, changes[0])
	apply(t, q, changes[1:]...)
	for _, c := range children {
		c.release()
	}
	for len(want) > 0 {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			code, ok := want[e.Ident]
			status, has := e.WaitStatus()
			if !ok || !has || status.ExitStatus() != code {
				t.Errorf("got %v", e)
			}
			delete(want, e.Ident)
		}
	}
}

func TestProcForkAndExec(t *testing.T) {
	if simulated {
		t.Skip("the simulated kernel knows no other note than NoteExit")
	}
	q := newQueue(t)
	for _, test := range []struct {
		child string
		note  Note
		exit  int
	}{{"fork", NoteFork, 3}, {"exec", NoteExec, 4}} {
		c := startChild(t, test.child)
		apply(t, q, ProcEvent(c.Process.Pid, test.note|exitWithStatus))
		c.release()
		var seen Note
		for seen&NoteExit == 0 {
			e := waitOne(t, q)
			seen |= e.Fflags
			if status, ok := e.WaitStatus(); ok && status.ExitStatus() != test.exit {
				t.Errorf("%s: got %v", test.child, e)
			}
		}
		if seen&test.note == 0 {
			t.Errorf("%s: it was not reported", test.child)
		}
	}
}

func TestProcTrack(t *testing.T) {
	if simulated {
		t.Skip("the simulated kernel knows no other note than NoteExit")
	}
	q := newQueue(t)
	c := startChild(t, "fork")
	err := q.Apply(ProcEvent(c.Process.Pid, NoteTrack|exitWithStatus))
	if macOS {
		if !errors.Is(err, unix.ENOTSUP) { // filt_procattach
			t.Errorf("got %v, want ENOTSUP", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	c.release()
	parent := uintptr(c.Process.Pid)
	var grandchild uintptr
	exits := make(map[uintptr]bool)
	for len(exits) < 2 {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Fflags&NoteTrackerr != 0 {
				t.Fatalf("got %v", e)
			}
			if e.Fflags&NoteChild != 0 {
				grandchild = e.Ident
				if e.Fflags&NoteExit == 0 && e.Data != int64(parent) {
					t.Errorf("got %v, want the parent %d", e, parent)
				}
			}
			if status, ok := e.WaitStatus(); ok {
				exits[e.Ident] = true
				want := 3
				if e.Ident != parent {
					want = 5
				}
				if status.ExitStatus() != want {
					t.Errorf("got %v", e)
				}
			}
		}
	}
	if grandchild == 0 || !exits[grandchild] || !exits[parent] {
		t.Errorf("child %d, exits %v", grandchild, exits)
	}
}
