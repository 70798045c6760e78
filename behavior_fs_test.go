//go:build dragonfly || freebsd || netbsd

package kqueue_test

import (
	"errors"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// FilterFS reports what happens to the mounts of the system. FreeBSD 15.0 reports
// only what the Fflags of the change select.
func TestMounts(t *testing.T) {
	none, q := newQueue(t), newQueue(t)
	apply(t, none, NewEvent(7, FilterFS, FlagAdd, 0, 0, 0))
	apply(t, q, NewEvent(7, FilterFS, FlagAdd, mounted|unmounted, 0, 0))
	waitNone(t, q)
	dir := t.TempDir()
	if err := mountTmpfs(dir); errors.Is(err, unix.EPERM) {
		t.Skip("only the superuser may mount a file system")
	} else if err != nil {
		t.Fatal(err)
	}
	e := waitOne(t, q)
	if e.Ident != 7 || e.Filter != FilterFS || e.Fflags != mounted {
		t.Errorf("after mount(2): got %v", e)
	}
	waitNone(t, q)
	expect(t, "mount(2), no note requested", returned(t, none), answers{
		"dragonfly netbsd": "returned",
		"freebsd":          nothing,
		"freebsd-14":       unasked,
	})

	// The end of the file system ends a watch of its root directory.
	vnodes := newQueue(t)
	root := open(t, dir)
	apply(t, vnodes, VnodeEvent(int(root.Fd()), NoteRevoke))
	if err := unix.Unmount(dir, unix.MNT_FORCE); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags&unmounted == 0 {
		t.Errorf("after unmount(2): got %v", e)
	}
	expect(t, "the root directory", poll(t, vnodes), answers{
		"dragonfly":      "VNODE NODATA|EOF fflags=REVOKE",
		"freebsd netbsd": "VNODE EOF fflags=REVOKE",
	})
}
