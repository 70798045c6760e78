//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

const exitWithStatus = NoteExit | NoteExitStatus

// NetBSD, OpenBSD and DragonFly report the exit of a process even if NoteExit was
// not requested.
func TestProcExitNotRequested(t *testing.T) {
	q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, NoteFork))
	kqtest.Apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
	c.Release()
	kqtest.WaitOne(t, watch)
	c.Wait()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	got := nothing
	for _, e := range events {
		got = e.Filter.NoteString(e.Fflags)
		if e.EOF() {
			got = "EOF, fflags=" + got
		}
		if status, ok := e.WaitStatus(); ok {
			t.Errorf("got %v with the status %v", e, status)
		}
	}
	expect(t, "the exit", got)
}

func TestProcForkAndExec(t *testing.T) {
	q := kqtest.NewQueue(t)
	for _, test := range []struct {
		child string
		note  Note
		exit  int
	}{{"fork", NoteFork, 3}, {"exec", NoteExec, 4}} {
		c := kqtest.StartChild(t, test.child)
		kqtest.Apply(t, q, ProcEvent(c.Process.Pid, test.note|exitWithStatus))
		c.Release()
		var seen Note
		for seen&NoteExit == 0 {
			e := kqtest.WaitOne(t, q)
			seen |= e.Fflags
			if status, ok := e.WaitStatus(); ok && status.ExitStatus() != test.exit {
				t.Errorf("%s: got %v", test.child, e)
			}
		}
		expect(t, map[Note]string{NoteFork: "fork(2), NOTE_FORK", NoteExec: "execve(2), NOTE_EXEC"}[test.note], FilterProc.NoteString(seen&^exitWithStatus))
	}
}

func TestProcTrack(t *testing.T) {
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "fork")
	err := q.Apply(ProcEvent(c.Process.Pid, NoteTrack|exitWithStatus))
	expect(t, "adding it", errno(err))
	if err != nil {
		return
	}
	c.Release()
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

// A child that NoteTrack reports stays in the queue although its first event has
// FlagOneshot, on FreeBSD and NetBSD.
func TestNoteChildIsOneshot(t *testing.T) {
	if thisSystem != "freebsd" && thisSystem != "netbsd" {
		t.Skip("this system does not set FlagOneshot")
	}
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "fork")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, NoteTrack|exitWithStatus))
	c.Release()
	var child uintptr
	for exited := false; !exited; {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch {
			case e.Fflags&NoteChild != 0:
				child = e.Ident
				e.Data = 0 // its parent
				expect(t, "the child was made", describe(e))
			case e.Ident == child && e.Fflags&NoteExit != 0:
				exited = true
			}
		}
	}
}

// Which processes the superuser may watch besides children.
func TestProcSpecial(t *testing.T) {
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, ProcEvent(os.Getpid(), NoteExit))
	if os.Getuid() != 0 {
		t.Skip("the rest asks what the superuser may do")
	}
	for _, pid := range []int{1, 0} {
		expect(t, fmt.Sprint("adding process ", pid), errno(q.Apply(ProcEvent(pid, NoteExit))))
	}
	kqtest.WaitNone(t, q)
}

// watchVariable makes TestProcForeign a process that tells how the kernel answers
// to its watch of the process with that ID.
const watchVariable = "KQUEUE_TEST_WATCH"

// Who may watch the process of another user.
func TestProcForeign(t *testing.T) {
	q := kqtest.NewQueue(t)
	if pid, err := strconv.Atoi(os.Getenv(watchVariable)); err == nil {
		fmt.Printf("answer:%s\n", errno(q.Apply(ProcEvent(pid, exitWithStatus))))
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only the superuser can become another user")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestProcForeign$")
	cmd.Env = append(os.Environ(), fmt.Sprint(watchVariable, "=", os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	_, answer, _ := strings.Cut(string(output), "answer:")
	answer, _, _ = strings.Cut(answer, "\n")
	expect(t, "adding a process of the superuser", answer)
}

// NoteReap keeps the event after the exit, until the parent has waited.
func TestNoteReap(t *testing.T) {
	reap := noteNamed(t, "REAP")
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus|reap))
	c.Release()
	e := kqtest.WaitOne(t, q)
	if _, ok := e.WaitStatus(); ok {
		t.Errorf("after the exit: %v has a status", e)
	}
	if e.Fflags&(NoteExit|reap) != NoteExit || e.Flags&(FlagEOF|FlagOneshot) != 0 {
		t.Errorf("after the exit: got %v", e)
	}
	expect(t, "after the exit, a second wait", returned(t, q))
	c.Wait()
	e = kqtest.WaitOne(t, q)
	if !e.EOF() {
		t.Errorf("after wait(2): got %v", e)
	}
	expect(t, "the parent has called wait(2)", e.Filter.NoteString(e.Fflags&reap))
}

// NoteSignal reports a signal to another process.
func TestNoteSignal(t *testing.T) {
	note := noteNamed(t, "SIGNAL")
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "sleep")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, note))
	kqtest.WaitNone(t, q)
	if err := unix.Kill(c.Process.Pid, unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	e := kqtest.WaitOne(t, q)
	if e.Ident != uintptr(c.Process.Pid) || e.EOF() {
		t.Errorf("got %v", e)
	}
	expect(t, "a signal", e.Filter.NoteString(e.Fflags))
}

// NoteExitDetail adds the reasons for an exit to Data. An ordinary exit has none.
func TestNoteExitDetail(t *testing.T) {
	detail, mask, reparented := noteNamed(t, "EXIT_DETAIL"), noteNamed(t, "EXIT_DETAIL_MASK"), noteNamed(t, "EXIT_REPARENTED")
	if reasons := noteNamed(t, "EXIT_DECRYPTFAIL") | noteNamed(t, "EXIT_MEMORY") | noteNamed(t, "EXIT_CSERROR"); mask != reasons {
		t.Errorf("the mask is %#x, want %#x", mask, reasons)
	}
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "sleep")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus|detail))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := kqtest.WaitOne(t, q)
	expect(t, "SIGKILL", e.Filter.NoteString(e.Fflags&detail))
	if e.Data&int64(mask|reparented) != 0 {
		t.Errorf("got %v, want EXIT_DETAIL without a reason", e)
	}
	if status, ok := e.WaitStatus(); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("got %v, want SIGKILL", e)
	}
}
