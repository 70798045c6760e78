package kernels_test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mountKind(kind, target, dir string, flags int) error {
	const mount = 410 // SYS___mount50
	tmpfs := struct { // struct tmpfs_args of fs/tmpfs/tmpfs_args.h
		version   int32
		nodes     uint64
		size      int64
		uid, gid  uint32
		mode      uint32
		alignment uint32
	}{version: 1, mode: 0o755}
	arguments, size := unsafe.Pointer(&tmpfs), unsafe.Sizeof(tmpfs)
	null := [32]*byte{unsafe.StringData(target + "\x00")} // struct null_args of miscfs/nullfs/null.h, and more
	if kind == "null" {
		arguments, size = unsafe.Pointer(&null), unsafe.Sizeof(null)
	}
	_, _, errno := unix.Syscall6(mount, uintptr(unsafe.Pointer(unsafe.StringData(kind+"\x00"))),
		uintptr(unsafe.Pointer(unsafe.StringData(dir+"\x00"))), uintptr(flags), uintptr(arguments), size, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
