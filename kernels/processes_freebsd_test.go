package kernels_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A jail is created, changed and removed, and processes are attached to it.
func TestJail(t *testing.T) {
	const create, update, getDescriptor = 0x1, 0x2, 0x40 // sys/sys/jail.h
	q := kqtest.NewQueue(t)
	if err := q.Apply(NewEvent(0, FilterJail, FlagAdd, NoteJailChild, 0, 0)); errors.Is(err, unix.EINVAL) {
		t.Skip("FreeBSD has no FilterJail before 15.0")
	} else if err != nil {
		t.Fatal(err)
	}
	kqtest.WaitNone(t, q)
	name := fmt.Sprint("kqueue", os.Getpid())
	id, err := callNamed(unix.SYS_JAIL_SET, create, "name", name, "path", "/", "persist", nil)
	if errors.Is(err, unix.EPERM) {
		t.Skip("only the superuser may create a jail")
	} else if err != nil {
		t.Fatal(err)
	}
	removed := false
	remove := func() {
		if !removed {
			removed = true
			if _, _, errno := unix.Syscall(unix.SYS_JAIL_REMOVE, uintptr(id), 0, 0); errno != 0 {
				t.Error(errno)
			}
		}
	}
	defer remove()
	ask := func(what string, wantData int) {
		t.Helper()
		e := kqtest.WaitOne(t, q)
		if e.Data != int64(wantData) {
			t.Errorf("%s: got %v, want data %d", what, e, wantData)
		}
		e.Data = 0 // it differs from run to run
		expect(t, what, describe(e))
	}
	ask("in a queue with the jail 0, a jail is made", id)

	jail := NewEvent(uintptr(id), FilterJail, FlagAdd, NoteJailCtrlmask&^NoteJailRemove, 0, 0)
	kqtest.Apply(t, q, jail)
	kqtest.WaitNone(t, q)
	number := int32(id)
	if _, err := callNamed(unix.SYS_JAIL_SET, update, "jid", &number, "host.hostname", "example.com"); err != nil {
		t.Fatal(err)
	}
	ask("jail_set(2) changes the jail", 0)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runInside := func() (pid int) {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), kqtest.ChildVariable+"=exit 0")
		cmd.SysProcAttr = &syscall.SysProcAttr{Jail: id}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid
	}
	ask("a process is attached", runInside())
	runInside()
	runInside()
	ask("two processes are attached", 0)
	kqtest.Apply(t, q, jail.Delete())

	descriptor := int32(-1)
	if _, err := callNamed(unix.SYS_JAIL_SET, update|getDescriptor, "jid", &number, "desc", &descriptor); err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, int(descriptor))
	kqtest.Apply(t, q, NewEvent(uintptr(descriptor), FilterJaildesc, FlagAdd, NoteJailRemove, 0, 0))
	kqtest.WaitNone(t, q)
	remove()
	ask("the jail is removed, EVFILT_JAILDESC", 0)
	expect(t, "adding a jail that does not exist", errno(q.Apply(jail)))
}

// forkDescriptor makes a process by pdfork(2) that exits with status as soon as it
// can read from fd. It returns the process descriptor.
//
// The child has one thread and must not return to Go code that expects others, so
// it makes no more than two system calls, with all signals blocked.
func forkDescriptor(t *testing.T, fd int, status uintptr) (descriptor, pid int) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var number int32
	var buf [1]byte
	all, old := [4]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, [4]uint32{}
	const setMask = 3 // SIG_SETMASK
	syscall.RawSyscall(unix.SYS_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)))
	r, _, errno := syscall.RawSyscall(unix.SYS_PDFORK, uintptr(unsafe.Pointer(&number)), 0, 0)
	if r == 0 && errno == 0 {
		syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf)), 1)
		for {
			syscall.RawSyscall(unix.SYS_EXIT, status, 0, 0)
		}
	}
	syscall.RawSyscall(unix.SYS_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&old)), 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	kqtest.OwnFD(t, int(number))
	return int(number), int(r)
}

// FilterProcdesc reports the exit of a process by its descriptor, also if the
// process has exited before.
func TestProcdesc(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	descriptor, _ := forkDescriptor(t, r, 7)
	change := NewEvent(uintptr(descriptor), FilterProcdesc, FlagAdd, NoteExit, 0, 0)
	kqtest.Apply(t, q, change)
	kqtest.WaitNone(t, q)
	kqtest.Write(t, w, "x")
	e := kqtest.WaitOne(t, q)
	expect(t, "exit(7)", describe(e))
	if status, ok := e.WaitStatus(); !ok || !status.Exited() || status.ExitStatus() != 7 {
		t.Errorf("got %v, want the exit status 7", e)
	}
	expect(t, "EV_DELETE after that", errno(q.Apply(change.Delete())))
	kqtest.Apply(t, q, change)
	expect(t, "adding it again", poll(t, q))
}

// FreeBSD 15.0 does not have NotePdsigchld yet: a change may request it, but it is
// never returned.
func TestNotePdsigchld(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	descriptor, pid := forkDescriptor(t, r, 7)
	kqtest.Apply(t, q, NewEvent(uintptr(descriptor), FilterProcdesc, FlagAdd, NotePdsigchld|NoteExit, 0, 0))
	for _, sig := range []syscall.Signal{unix.SIGSTOP, unix.SIGCONT} {
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	kqtest.Write(t, w, "x")
	seen := Note(0)
	for seen&NoteExit == 0 { // a later release reports the stop first
		seen |= kqtest.WaitOne(t, q).Fflags
	}
	expect(t, "SIGSTOP, SIGCONT, exit(7)", FilterProcdesc.NoteString(seen))
}

// newJail makes a jail that lasts until the test ends or remove is called.
func newJail(t *testing.T) (id int, remove func()) {
	t.Helper()
	const create = 0x1 // sys/sys/jail.h
	name := fmt.Sprint("kqueue", os.Getpid())
	id, err := callNamed(unix.SYS_JAIL_SET, create, "name", name, "path", "/", "persist", nil)
	if errors.Is(err, unix.EPERM) {
		t.Skip("only the superuser may create a jail")
	} else if err != nil {
		t.Fatal(err)
	}
	remove = sync.OnceFunc(func() {
		if _, _, errno := unix.Syscall(unix.SYS_JAIL_REMOVE, uintptr(id), 0, 0); errno != 0 {
			t.Error(errno)
		}
	})
	t.Cleanup(remove)
	return id, remove
}

// Without NoteJailRemove, and without NoteExit of FilterProcdesc, the end gives no
// event, but the event leaves the queue.
func TestEndNotRequested(t *testing.T) {
	q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
	ask := func(name string, e Event) {
		t.Helper()
		expect(t, name, poll(t, q))
		expect(t, name+", EV_DELETE after that", errno(q.Apply(e.Delete())))
	}
	r, w := kqtest.NewPipe(t)
	descriptor, _ := forkDescriptor(t, r, 7)
	process := NewEvent(uintptr(descriptor), FilterProcdesc, FlagAdd, 0, 0, 0)
	kqtest.Apply(t, q, process)
	process.Fflags = NoteExit
	kqtest.Apply(t, watch, process)
	kqtest.Write(t, w, "x")
	kqtest.WaitOne(t, watch)
	ask("EVFILT_PROCDESC without NOTE_EXIT, exit(7)", process)

	if err := q.Apply(NewEvent(0, FilterJail, FlagAdd, NoteJailChild, 0, 0)); errors.Is(err, unix.EINVAL) {
		t.Skip("FreeBSD has no FilterJail before 15.0")
	}
	kqtest.Apply(t, q, NewEvent(0, FilterJail, FlagDelete, 0, 0, 0))
	id, remove := newJail(t)
	jail := NewEvent(uintptr(id), FilterJail, FlagAdd, NoteJailSet, 0, 0)
	kqtest.Apply(t, q, jail)
	remove()
	ask("EVFILT_JAIL without NOTE_JAIL_REMOVE, the jail is removed", jail)
}

// What a process in a jail may watch, and who may watch it.
func TestInsideJail(t *testing.T) {
	if what := peerTask(); what != "" {
		q := kqtest.NewQueue(t)
		var id, parent uintptr
		if _, err := fmt.Sscan(what, &id, &parent); err != nil {
			t.Fatal(err)
		}
		for _, e := range []Event{
			NewEvent(0, FilterJail, FlagAdd, NoteJailSet, 0, 0),
			NewEvent(id, FilterJail, FlagAdd, NoteJailSet, 0, 0),
			ProcEvent(int(parent), NoteExit),
			ProcEvent(os.Getpid(), NoteExit),
		} {
			hearTest()
			say(errno(q.Apply(e)))
		}
		hearTest()
		return
	}
	q := kqtest.NewQueue(t)
	if err := q.Apply(NewEvent(0, FilterJail, FlagAdd, NoteJailSet, 0, 0)); errors.Is(err, unix.EINVAL) {
		t.Skip("FreeBSD has no FilterJail before 15.0")
	}
	id, _ := newJail(t)
	p := startPeer(t, fmt.Sprint(id, " ", os.Getpid()), &syscall.SysProcAttr{Jail: id})
	for _, what := range []string{
		"inside it, adding the jail as 0", "inside it, adding the jail by its number",
		"inside it, adding a process outside", "inside it, adding itself",
	} {
		expect(t, what, p.ask(t))
	}
	expect(t, "outside, adding a process inside", errno(q.Apply(ProcEvent(p.Process.Pid, NoteExit))))
	p.goOn(t)
	p.Wait()
	expect(t, "outside, a process inside exits", describe(kqtest.WaitOne(t, q)))
}

// In capability mode, any process can be watched.
func TestProcInCapabilityMode(t *testing.T) {
	if what := peerTask(); what != "" {
		pid, _ := strconv.Atoi(what)
		q := kqtest.NewQueue(t)
		if err := unix.CapEnter(); err != nil {
			t.Fatal(err)
		}
		err := q.Apply(ProcEvent(pid, NoteExit))
		say(errno(err))
		if err == nil {
			say(describe(kqtest.WaitOne(t, q)))
		}
		return
	}
	c := kqtest.StartChild(t, "exit 7")
	p := startPeer(t, fmt.Sprint(c.Process.Pid), nil)
	expect(t, "adding a process that is no child", p.hear(t))
	c.Release()
	expect(t, "it exits", p.hear(t))
}

// The first two elements of Ext come back as the change set them, but not in the
// events of the children that NoteTrack adds.
func TestExt(t *testing.T) {
	q := kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "fork")
	r, w := kqtest.NewPipe(t)
	kqtest.Write(t, w, "x")
	user := UserEvent(1)
	list := []Event{ReadEvent(r), WriteEvent(w), TimerEvent(1, 1).With(FlagOneshot), user, ProcEvent(c.Process.Pid, exitWithStatus|NoteTrack)}
	for i := range list {
		list[i].Ext = [4]uint64{11, 22, 33, 44}
		list[i] = list[i].With(FlagClear)
	}
	kqtest.Apply(t, q, list...)
	user.Ext = [4]uint64{11, 22, 33, 44}
	kqtest.Apply(t, q, user.Trigger())
	c.Release()
	for exits := 0; exits < 2; {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			name := "EVFILT_" + e.Filter.String()
			if e.Filter == FilterProc && e.Ident != uintptr(c.Process.Pid) {
				name += " of a child by NOTE_TRACK"
			}
			if e.Fflags&NoteExit != 0 {
				exits++
			}
			expect(t, name, fmt.Sprint(e.Ext[:2]))
		}
	}
}
