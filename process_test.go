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
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

const exitWithStatus = NoteExit | NoteExitStatus

func TestProcExit(t *testing.T) {
	for _, code := range []int{0, 1, 255} {
		q := kqtest.NewQueue(t)
		c := kqtest.StartChild(t, fmt.Sprint("exit ", code))
		kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
		kqtest.WaitNone(t, q)
		c.Release()
		e := kqtest.WaitOne(t, q)
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
		kqtest.WaitNone(t, q)
		// The event took nothing from wait(2).
		if err := c.Wait(); c.ProcessState == nil || c.ProcessState.ExitCode() != code {
			t.Errorf("exit %d: os/exec says %v", code, err)
		}
		q.Close()
	}
}

func TestProcKilled(t *testing.T) {
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "sleep")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := kqtest.WaitOne(t, q)
	if status, ok := e.WaitStatus(); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("got %v", e)
	}
}

// The status in the event is that of wait(2), which also tells whether the
// process left a core.
func TestProcCore(t *testing.T) {
	q := kqtest.NewQueue(t)
	t.Setenv("GOTRACEBACK", "crash") // makes the Go runtime send itself SIGABRT
	for {
		c := kqtest.StartChild(t, "crash "+t.TempDir())
		kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
		c.Release()
		e := kqtest.WaitOne(t, q)
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
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, NoteExit))
	c.Release()
	e := kqtest.WaitOne(t, q)
	if status, ok := e.WaitStatus(); ok == kqtest.MacOS || ok && status.ExitStatus() != 7 || !e.EOF() || e.Fflags&NoteExit == 0 {
		t.Errorf("got %v", e)
	}
}

// A child that has exited before it is watched gives an event at once or ESRCH. A
// portable program treats both as the exit.
func TestProcAlreadyExited(t *testing.T) {
	q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
	c.Release()
	kqtest.WaitOne(t, watch) // it has exited, and nobody has waited for it

	err := q.Apply(ProcEvent(c.Process.Pid, exitWithStatus))
	switch runtime.GOOS {
	case "freebsd", "dragonfly", "linux": // filt_procattach finds zombies too
		if err != nil {
			t.Fatal(err)
		}
		e := kqtest.WaitOne(t, q)
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
	var children []*kqtest.Child
	var changes []Event
	q := kqtest.OpenQueue(t)
	defer q.Close()
	for i := range total {
		c := kqtest.StartChild(t, fmt.Sprint("exit ", i))
		children = append(children, c)
		want[uintptr(c.Process.Pid)] = i
		changes = append(changes, ProcEvent(c.Process.Pid, exitWithStatus))
	}
	kqtest.Watchdog(t, kqtest.WatchdogTime) // starting that many children may take long
	kqtest.Apply(t, q, changes[0])
	kqtest.Apply(t, q, changes[1:]...)
	for _, c := range children {
		c.Release()
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
