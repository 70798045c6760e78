//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

	c = kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus|reap))
	c.Release()
	c.Wait()
	expect(t, "wait(2) was called before the first wait", describe(kqtest.WaitOne(t, q)))
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

// Adding a process again with other notes replaces those that it had.
func TestProcAddedAgain(t *testing.T) {
	q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus), ProcEvent(c.Process.Pid, NoteFork))
	kqtest.Apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
	c.Release()
	kqtest.WaitOne(t, watch)
	c.Wait()
	expect(t, "exit(7)", poll(t, q))
}

// The exit of a child is pending when somebody has waited for the child, or is
// ignoring SIGCHLD, which makes it no zombie.
func TestProcExitLate(t *testing.T) {
	q := kqtest.NewQueue(t)
	exit := func() *kqtest.Child {
		c := kqtest.StartChild(t, "exit 7")
		kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
		c.Release()
		return c
	}
	exit().Wait()
	expect(t, "wait4(2) before the wait", describe(kqtest.WaitOne(t, q)))

	if kqtest.MacOS {
		return // the kernel that its children belong to does not know what it ignores
	}
	ignore(t, syscall.SIGCHLD)
	c := exit()
	expect(t, "SIGCHLD is ignored", describe(kqtest.WaitOne(t, q)))
	_, err := unix.Wait4(c.Process.Pid, nil, 0, nil)
	expect(t, "SIGCHLD is ignored, wait4(2)", errno(err))
}

// What a process does several times before a wait is one event.
func TestProcForks(t *testing.T) {
	const forks = 3
	if peerTask() != "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		say("ready")
		hearTest()
		for range forks {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), kqtest.ChildVariable+"=exit 0")
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
		}
		say("ready")
		hearTest()
		return
	}
	q := kqtest.NewQueue(t)
	p := startPeer(t, "fork", nil)
	p.hear(t)
	kqtest.Apply(t, q, ProcEvent(p.Process.Pid, NoteFork))
	p.ask(t)
	expect(t, "three forks", poll(t, q))
	expect(t, "a second wait", poll(t, q))
}

// What a signal does to a process that is watched.
func TestProcSignals(t *testing.T) {
	q := kqtest.NewQueue(t)
	start := func() (c *kqtest.Child, kill func(unix.Signal)) {
		c = kqtest.StartChild(t, "sleep")
		kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus|NoteFork|NoteExec))
		return c, func(sig unix.Signal) {
			if err := unix.Kill(c.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, kill := start()
	var status unix.WaitStatus
	kill(unix.SIGSTOP)
	if _, err := unix.Wait4(c.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || status.Exited() || status.Signaled() {
		t.Fatalf("got %v, %v", status, err)
	}
	expect(t, "SIGSTOP", poll(t, q))
	kill(unix.SIGKILL)
	expect(t, "SIGKILL while it is stopped", describe(kqtest.WaitOne(t, q)))
}

// NoteTrack of many children at once: which notes come, and what the events have of
// that of the parent.
func TestProcTrackMany(t *testing.T) {
	const children = 20
	if what := peerTask(); what != "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		say("ready")
		hearTest()
		var all []*exec.Cmd
		for range children {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), kqtest.ChildVariable+"=exit 5")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			all = append(all, cmd)
		}
		for _, cmd := range all {
			cmd.Wait()
		}
		return
	}
	if kqtest.MacOS {
		t.Skip("macOS has no NOTE_TRACK")
	}
	q := kqtest.NewQueue(t)
	p := startPeer(t, "fork", nil)
	p.hear(t)
	kqtest.Apply(t, q, ProcEvent(p.Process.Pid, exitWithStatus|NoteTrack).WithUdata(7))
	p.goOn(t)
	born, ended, udata := 0, 0, make(map[uintptr]int)
	for ended <= children {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			udata[e.Udata]++
			if e.Fflags&NoteChild != 0 {
				born++
			}
			if e.Fflags&NoteExit != 0 {
				ended++
			}
			if e.Fflags&NoteTrackerr != 0 {
				t.Errorf("got %v", e)
			}
		}
	}
	expect(t, "20 children and their parent", fmt.Sprintf("%d born, %d ended", born, ended))
	answer := "kept"
	if len(udata) > 1 || udata[7] == 0 {
		answer = fmt.Sprint("others: ", udata)
	}
	expect(t, "udata of the events", answer)
}

// A process is traced by another one than its parent, which watches it.
func TestProcTraced(t *testing.T) {
	const attach = 10 // PT_ATTACH of sys/ptrace.h
	if thisSystem != "freebsd" && thisSystem != "dragonfly" {
		t.Skip("NetBSD gives either answer, and elsewhere a Go program cannot call ptrace(2)")
	}
	if what := peerTask(); what != "" {
		pid, _ := strconv.Atoi(what)
		_, _, number := unix.Syscall6(syscall.SYS_PTRACE, attach, uintptr(pid), 0, 0, 0, 0)
		if number != 0 {
			say(errno(number))
			return
		}
		unix.Wait4(pid, nil, 0, nil)
		say("ok")
		hearTest()
		return
	}
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "sleep")
	kqtest.Apply(t, q, ProcEvent(c.Process.Pid, exitWithStatus))
	p := startPeer(t, fmt.Sprint(c.Process.Pid), nil)
	if got := p.hear(t); got != "ok" {
		t.Skip("ptrace(2):", got)
	}
	expect(t, "the tracer has attached", poll(t, q))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	seen := nothing
	expectSoon(t, "SIGKILL, and the tracer has not waited", func() string {
		if got := poll(t, q); got != nothing {
			seen = got
		}
		return seen
	})
}

// A process that an ordinary user watches executes a program that is setuid.
func TestProcSetuid(t *testing.T) {
	what, path, _ := strings.Cut(peerTask(), " ")
	switch what {
	case "exec":
		say("ready")
		hearTest()
		err := unix.Exec(path, []string{path}, append(os.Environ(), kqtest.ChildVariable+"=exit 5"))
		t.Fatal(err)
	case "watch":
		q, other := kqtest.NewQueue(t), kqtest.NewQueue(t)
		p := startPeer(t, "exec "+path, nil)
		p.hear(t)
		kqtest.Apply(t, q, ProcEvent(p.Process.Pid, NoteExec|NoteExit))
		p.goOn(t)
		say(describe(kqtest.WaitOne(t, q)))
		say(errno(other.Apply(ProcEvent(p.Process.Pid, NoteExit))))
		p.goOn(t)
		say(describe(kqtest.WaitOne(t, q)))
		return
	}
	if os.Getuid() != 0 || kqtest.MacOS {
		t.Skip("only the superuser can make such a program")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path = filepath.Join(dir, "program")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if dir != filepath.Clean(os.TempDir()) {
			os.Chmod(dir, 0o755)
		}
	}
	if err := os.Chmod(path, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	p := startPeer(t, "watch "+path, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	expect(t, "execve(2) of a program of the superuser", p.hear(t))
	expect(t, "adding it after that", p.hear(t))
	expect(t, "it exits", p.hear(t))
}

// A zombie is added.
func TestProcZombie(t *testing.T) {
	q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "exit 7")
	e := ProcEvent(c.Process.Pid, NoteExit)
	kqtest.Apply(t, watch, e)
	c.Release()
	kqtest.WaitOne(t, watch)
	err := q.Apply(e)
	expect(t, "adding it", errno(err))
	if err == nil {
		expect(t, "a wait", poll(t, q))
	}
}
