package kqueue_test

import "golang.org/x/sys/unix"

func init() {
	// tmpfs reports neither NoteExtend for a write nor NoteDelete for a file that
	// another file replaces (sys/vfs/tmpfs/tmpfs_vnops.c). UFS reports both.
	reportsLittle = func(path string) bool {
		var fs unix.Statfs_t
		return unix.Statfs(path, &fs) == nil && unix.ByteSliceToString(fs.Fstypename[:]) == "tmpfs"
	}
}
