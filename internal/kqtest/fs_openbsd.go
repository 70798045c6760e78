package kqtest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// FileSystem returns the name of the file system of path.
func FileSystem(t testing.TB, path string) string {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(fs.F_fstypename[:])
}
