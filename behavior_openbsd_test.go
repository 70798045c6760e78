package kqueue_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// NoteEOF triggers FilterRead at the end of a file. Without FlagClear, the event
// has it from then on.
func TestNoteEOF(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, NewEvent(f.Fd(), FilterRead, FlagAdd, NoteEOF, 0, 0))
	if e := waitOne(t, q); e.Data != 10 || e.Fflags&NoteEOF != 0 {
		t.Errorf("at the start: got %v", e)
	}
	if _, err := f.Seek(10, 0); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data != 0 || e.Fflags&NoteEOF == 0 {
		t.Errorf("at the end: got %v", e)
	}
	if err := writeAt(f.Name(), 10, "abc"); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data != 3 || e.Fflags&NoteEOF == 0 {
		t.Errorf("the file has grown: got %v", e)
	}
}

// NoteTruncate comes only if the file gets shorter.
func TestNoteTruncate(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteTruncate).With(FlagClear))
	for _, test := range []struct {
		name string
		size int64
		want answers
	}{
		{"longer", 20, answers{"openbsd": nothing}},
		{"shorter", 5, answers{"openbsd": "TRUNCATE", "openbsd-tmpfs": nothing}},
	} {
		if err := os.Truncate(f.Name(), test.size); err != nil {
			t.Fatal(err)
		}
		events, err := q.Wait(0)
		if err != nil {
			t.Fatal(err)
		}
		got := nothing
		if len(events) == 1 {
			got = FilterVnode.NoteString(events[0].Fflags & NoteTruncate)
		}
		expectFile(t, f.Name(), test.name, got, test.want)
	}
}

// In packet mode, FilterExcept on the master of a pseudo-terminal reports a
// control byte until it is read.
func TestExceptPacketMode(t *testing.T) {
	q := newQueue(t)
	master, slave := newTerminal(t)
	on := int32(1)
	if err := ioctl(master, unix.TIOCPKT, &on); err != nil {
		t.Fatal(err)
	}
	apply(t, q, NewEvent(uintptr(master), FilterExcept, FlagAdd, NoteOOB, 0, 0))
	waitNone(t, q)
	flush := int32(2) // FWRITE
	if err := ioctl(slave, unix.TIOCFLUSH, &flush); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := waitOne(t, q); e.Fflags&NoteOOB == 0 {
			t.Errorf("got %v", e)
		}
	}
	if got := read(t, master, 10); len(got) != 1 || got[0] != unix.TIOCPKT_FLUSHWRITE {
		t.Errorf("read %q", got)
	}
	waitNone(t, q)
}

// pledgeVariable makes TestPledge the process that is killed.
const pledgeVariable = "KQUEUE_TEST_PLEDGE"

// Everything but FilterProc needs the promise "stdio" alone. FilterProc without
// "proc" ends the program, even for the process itself.
func TestPledge(t *testing.T) {
	if os.Getenv(pledgeVariable) != "" {
		if err := unix.PledgePromises("stdio"); err != nil {
			t.Fatal(err)
		}
		q := newQueue(t)
		r, w := newPipe(t)
		apply(t, q, ReadEvent(r), WriteEvent(w), SignalEvent(syscall.SIGWINCH), UserEvent(1))
		apply(t, q, TimerEvent(1, time.Millisecond).With(FlagOneshot))
		waitPending(t, q)
		fmt.Println("pledged")
		fmt.Println("survived:", q.Apply(ProcEvent(os.Getpid(), NoteExit)))
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestPledge$")
	cmd.Env = append(os.Environ(), pledgeVariable+"=1")
	cmd.Dir = t.TempDir() // where the core goes
	output, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !strings.Contains(string(output), "pledged") || strings.Contains(string(output), "survived") || status.Signal() != syscall.SIGABRT {
		t.Errorf("got %v, want SIGABRT; output:\n%s", err, output)
	}
}

// Only displays have FilterDevice.
func TestDeviceRefused(t *testing.T) {
	q := newQueue(t)
	r, _ := newPipe(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, fd := range []int{r, int(null.Fd())} {
		err := q.Apply(NewEvent(uintptr(fd), FilterDevice, FlagAdd, NoteChange, 0, 0))
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("got %v, want EINVAL", err)
		}
	}
}

// fileSystem returns the name of the file system of path.
func fileSystem(t *testing.T, path string) string {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(fs.F_fstypename[:])
}
