package kqueue_test

import (
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// VQ_MOUNT and VQ_UNMOUNT of sys/mount.h.
const mounted, unmounted Note = 0x8, 0x10

func mountTmpfs(dir string) error {
	path, err := unix.BytePtrFromString(dir)
	if err != nil {
		return err
	}
	kind := [...]byte{'t', 'm', 'p', 'f', 's', 0}
	_, _, errno := unix.Syscall6(unix.SYS_MOUNT,
		uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(path)), 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// FlagHup comes when both sides are closed, FlagNodata when there is nothing left
// to read.
func TestHupAndNodata(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, ReadEvent(a))
	write(t, b, "abc")
	conditions := func() Flag {
		t.Helper()
		return waitOne(t, q).Flags & (FlagEOF | FlagHup | FlagNodata)
	}
	if got := conditions(); got != 0 {
		t.Errorf("data: got %v", got)
	}
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if got := conditions(); got != FlagEOF {
		t.Errorf("one side is closed, data is left: got %v", got)
	}
	read(t, a, 3)
	if got := conditions(); got != FlagEOF|FlagNodata {
		t.Errorf("one side is closed, no data is left: got %v", got)
	}
	closeFD(b)
	if got := conditions(); got != FlagEOF|FlagNodata|FlagHup {
		t.Errorf("both sides are closed: got %v", got)
	}
}

// FilterExcept without NoteOOB is FilterRead, and FilterRead takes NoteOOB.
func TestExceptIsRead(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, NewEvent(uintptr(a), FilterExcept, FlagAdd, 0, 0, 0))
	waitNone(t, q)
	write(t, b, "abc")
	if e := waitOne(t, q); e.Filter != FilterExcept || e.Data != 3 {
		t.Errorf("got %v", e)
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
