package kqueue_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func init() {
	if version, err := unix.SysctlUint32("kern.osreldate"); err == nil && version < 1500000 {
		release = "freebsd-14"
	}
}

// FlagForceoneshot triggers an event that exists and removes it. In the change
// that adds the event, it does nothing.
func TestFlagForceoneshot(t *testing.T) {
	q := newQueue(t)
	r, _ := newPipe(t)
	for _, e := range []Event{ReadEvent(r), UserEvent(1)} {
		apply(t, q, e.With(FlagForceoneshot))
		waitNone(t, q)
		force := e
		force.Flags = FlagForceoneshot
		apply(t, q, force)
		if got := waitOne(t, q); got.Ident != e.Ident || got.Filter != e.Filter || got.Flags&FlagOneshot == 0 {
			t.Errorf("got %v", got)
		}
		waitGone(t, q, e)
	}
}

// FlagKeepudata keeps Udata in a change, and is refused in one that adds.
func TestFlagKeepudata(t *testing.T) {
	q := newQueue(t)
	e := UserEvent(1).WithUdata(7)
	apply(t, q, e)
	wantRefused(t, q, e.With(FlagKeepudata), unix.EINVAL)
	e = e.WithUdata(8)
	apply(t, q, e.Trigger().With(FlagKeepudata))
	if got := waitOne(t, q); got.Udata != 7 {
		t.Errorf("with FlagKeepudata: got %v", got)
	}
	apply(t, q, e.Trigger())
	if got := waitOne(t, q); got.Udata != 8 {
		t.Errorf("without it: got %v", got)
	}
}

// NoteFilePoll triggers FilterRead at the end of a file too.
func TestNoteFilePoll(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	if _, err := f.Seek(10, 0); err != nil {
		t.Fatal(err)
	}
	apply(t, q, ReadEvent(int(f.Fd())))
	waitNone(t, q)
	apply(t, q, NewEvent(f.Fd(), FilterRead, FlagAdd, NoteFilePoll, 0, 0))
	for range 2 {
		if e := waitOne(t, q); e.Data != 0 || e.EOF() {
			t.Errorf("got %v", e)
		}
	}
}

// Only the kernel itself registers these filters.
func TestFiltersOfTheKernel(t *testing.T) {
	q := newQueue(t)
	for filter, want := range map[Filter]error{
		FilterAIO:      unix.EPERM,
		FilterLIO:      unix.EPERM,
		FilterSendfile: unix.ENXIO,
	} {
		if err := q.Apply(NewEvent(1, filter, FlagAdd, 0, 0, 0)); !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", filter, err, want)
		}
	}
}

// A descriptor without CAP_EVENT cannot be added.
func TestCapsicum(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	rights, err := unix.CapRightsInit([]uint64{unix.CAP_READ})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.CapRightsLimit(uintptr(r), rights); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, q, ReadEvent(r), unix.ENOTCAPABLE)
	apply(t, q, WriteEvent(w))
}

// VMIN does not keep FilterRead from being triggered. At the hang-up, Data keeps
// its last value.
func TestTerminalKeepsData(t *testing.T) {
	q := newQueue(t)
	master, slave := newTerminal(t)
	apply(t, q, ReadEvent(slave))
	write(t, master, "abcd\n")
	expect(t, "a line", poll(t, q), answers{"freebsd": "READ data=5"})
	read(t, slave, 10)
	closeFD(master)
	expect(t, "the hang-up, all was read", poll(t, q), answers{"freebsd": "READ EOF data=5"})
}

// VQ_MOUNT and VQ_UNMOUNT of sys/mount.h.
const mounted, unmounted Note = 0x8, 0x10

func mountTmpfs(dir string) error {
	_, err := call(unix.SYS_NMOUNT, 0, "fstype", "tmpfs", "fspath", dir)
	return err
}

// call makes a system call that takes names with values, such as nmount(2) and
// jail_set(2).
func call(number, flags uintptr, namesAndValues ...any) (result int, err error) {
	var vectors []unix.Iovec
	for _, value := range namesAndValues {
		var v unix.Iovec
		switch value := value.(type) {
		case string:
			v.Base = unsafe.StringData(value + "\x00")
			v.SetLen(len(value) + 1)
		case *int32:
			v.Base = (*byte)(unsafe.Pointer(value))
			v.SetLen(4)
		}
		vectors = append(vectors, v)
	}
	n, _, errno := unix.Syscall(number, uintptr(unsafe.Pointer(&vectors[0])), uintptr(len(vectors)), flags)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// A jail is created, changed and removed, and processes are attached to it.
func TestJail(t *testing.T) {
	const create, update, getDescriptor = 0x1, 0x2, 0x40 // sys/sys/jail.h
	q := newQueue(t)
	if err := q.Apply(NewEvent(0, FilterJail, FlagAdd, NoteJailChild, 0, 0)); errors.Is(err, unix.EINVAL) {
		t.Skip("FreeBSD has no FilterJail before 15.0")
	} else if err != nil {
		t.Fatal(err)
	}
	waitNone(t, q)
	name := fmt.Sprint("kqueue", os.Getpid())
	id, err := call(unix.SYS_JAIL_SET, create, "name", name, "path", "/", "persist", nil)
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
	if e := waitOne(t, q); e.Filter != FilterJail || e.Fflags != NoteJailChild || e.Data != int64(id) {
		t.Errorf("a jail was created: got %v, want the jail %d", e, id)
	}

	jail := NewEvent(uintptr(id), FilterJail, FlagAdd, NoteJailCtrlmask&^NoteJailRemove, 0, 0)
	apply(t, q, jail)
	waitNone(t, q)
	number := int32(id)
	if _, err := call(unix.SYS_JAIL_SET, update, "jid", &number, "host.hostname", "example.com"); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Ident != uintptr(id) || e.Fflags != NoteJailSet || e.Data != 0 {
		t.Errorf("the jail was changed: got %v", e)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runInside := func() (pid int) {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), childVariable+"=exit 0")
		cmd.SysProcAttr = &syscall.SysProcAttr{Jail: id}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid
	}
	pid := runInside()
	if e := waitOne(t, q); e.Fflags != NoteJailAttach || e.Data != int64(pid) {
		t.Errorf("a process was attached: got %v, want the process %d", e, pid)
	}
	runInside()
	runInside()
	if e := waitOne(t, q); e.Fflags != NoteJailAttach|NoteJailMulti || e.Data != 0 {
		t.Errorf("two processes were attached: got %v", e)
	}
	apply(t, q, jail.Delete())

	descriptor := int32(-1)
	if _, err := call(unix.SYS_JAIL_SET, update|getDescriptor, "jid", &number, "desc", &descriptor); err != nil {
		t.Fatal(err)
	}
	ownFD(t, int(descriptor))
	apply(t, q, NewEvent(uintptr(descriptor), FilterJaildesc, FlagAdd, NoteJailRemove, 0, 0))
	waitNone(t, q)
	remove()
	e := waitOne(t, q)
	if e.Ident != uintptr(descriptor) || e.Filter != FilterJaildesc || e.Fflags != NoteJailRemove || !e.EOF() || e.Flags&FlagOneshot == 0 {
		t.Errorf("the jail was removed: got %v", e)
	}
	if err := q.Apply(jail); !errors.Is(err, unix.ENOENT) {
		t.Errorf("adding a jail that does not exist: got %v, want ENOENT", err)
	}
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
	ownFD(t, int(number))
	return int(number), int(r)
}

// FilterProcdesc reports the exit of a process by its descriptor, also if the
// process has exited before.
func TestProcdesc(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	descriptor, _ := forkDescriptor(t, r, 7)
	change := NewEvent(uintptr(descriptor), FilterProcdesc, FlagAdd, NoteExit, 0, 0)
	apply(t, q, change)
	waitNone(t, q)
	write(t, w, "x")
	check := func(e Event) {
		t.Helper()
		status, ok := e.WaitStatus()
		if e.Ident != uintptr(descriptor) || e.Filter != FilterProcdesc || !ok || !status.Exited() || status.ExitStatus() != 7 {
			t.Errorf("got %v, want the exit status 7", e)
		}
	}
	check(waitOne(t, q))
	waitGone(t, q, change)
	apply(t, q, change)
	check(waitOne(t, q))
}

// FreeBSD 15.0 does not have NotePdsigchld yet: a change may request it, but it is
// never returned.
func TestNotePdsigchld(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	descriptor, pid := forkDescriptor(t, r, 7)
	apply(t, q, NewEvent(uintptr(descriptor), FilterProcdesc, FlagAdd, NotePdsigchld|NoteExit, 0, 0))
	for _, sig := range []syscall.Signal{unix.SIGSTOP, unix.SIGCONT} {
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	write(t, w, "x")
	e := waitOne(t, q)
	t.Log(e)
	for e.Fflags&NoteExit == 0 { // a later release reports the stop first
		e = waitOne(t, q)
	}
}

// fileSystem returns the name of the file system of path.
func fileSystem(t *testing.T, path string) string {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(fs.Fstypename[:])
}
