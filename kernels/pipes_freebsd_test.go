package kernels_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

func TestInotify(t *testing.T) {
	flags := uint32(4)                                                                         // IN_NONBLOCK
	fd := specialFD(t, 577, 2, uintptr(unsafe.Pointer(&flags)), uintptr(unsafe.Sizeof(flags))) // __specialfd
	dir := t.TempDir()
	path, err := unix.BytePtrFromString(dir)
	if err != nil {
		t.Fatal(err)
	}
	const create = 0x100                                                                                                   // IN_CREATE
	if _, _, err := unix.Syscall6(593, uintptr(fd), ^uintptr(99), uintptr(unsafe.Pointer(path)), create, 0, 0); err != 0 { // inotify_add_watch_at, AT_FDCWD
		t.Fatal(err)
	}
	q := kqtest.NewQueue(t)
	expect(t, "EVFILT_WRITE", errno(q.Apply(WriteEvent(fd))))
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "a file was made", poll(t, q))
	size := len(kqtest.Read(t, fd, 4096))
	expect(t, "read(2) returns", fmt.Sprint(size))
	expect(t, "after read(2)", poll(t, q))
}
