package kernels_test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mountKind(kind, target, dir string, flags int) error {
	var arguments [64]*byte // struct tmpfs_mount_info of vfs/tmpfs/tmpfs_args.h
	if kind == "null" {
		arguments[0] = unsafe.StringData(target + "\x00") // struct null_args of vfs/nullfs/null.h
	}
	_, _, errno := unix.Syscall6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(unsafe.StringData(kind+"\x00"))),
		uintptr(unsafe.Pointer(unsafe.StringData(dir+"\x00"))), uintptr(flags), uintptr(unsafe.Pointer(&arguments)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
