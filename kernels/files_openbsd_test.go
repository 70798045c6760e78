package kernels_test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mountKind(kind, target, dir string, flags int) error {
	tmpfs := struct { // struct tmpfs_args of sys/mount.h
		version  int32
		nodes    uint64
		size     int64
		uid, gid uint32
		mode     uint32
	}{version: 1, mode: 0o755}
	return unix.Mount(kind, dir, flags, unsafe.Pointer(&tmpfs))
}
