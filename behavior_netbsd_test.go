package kqueue_test

import (
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// VQ_MOUNT and VQ_UNMOUNT of sys/mount.h.
const mounted, unmounted Note = 0x1, 0x2

func mountTmpfs(dir string) error {
	path, err := unix.BytePtrFromString(dir)
	if err != nil {
		return err
	}
	kind := [...]byte{'t', 'm', 'p', 'f', 's', 0}
	args := struct { // struct tmpfs_args
		version   int32
		nodes     uint64
		size      int64
		uid, gid  uint32
		mode      uint32
		alignment uint32
	}{version: 1, mode: 0o755}
	const mount50 = 410 // sys/sys/syscall.h; x/sys lacks it
	_, _, errno := unix.Syscall6(mount50, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(path)), 0,
		uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// fileSystem returns the name of the file system of path.
func fileSystem(t *testing.T, path string) string {
	t.Helper()
	var fs unix.Statvfs_t
	if err := unix.Statvfs(path, &fs); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(fs.Fstypename[:])
}
