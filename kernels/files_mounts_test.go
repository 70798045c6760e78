//go:build dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// mount mounts a file system of a kind on dir until the test ends: a tmpfs, or a
// nullfs of target. It skips the test if that is not allowed or not there.
func mount(t *testing.T, kind, target, dir string) {
	t.Helper()
	switch err := mountKind(kind, target, dir, 0); {
	case errors.Is(err, unix.EPERM):
		t.Skip("only the superuser may mount a file system")
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.EOPNOTSUPP):
		t.Skipf("the kernel has no %s: %v", kind, err)
	case err != nil:
		t.Fatalf("%s: %v", kind, err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_FORCE) })
}

// unmount unmounts by force.
func unmount(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Unmount(dir, unix.MNT_FORCE); err != nil {
		t.Fatal(err)
	}
}

// FilterFS reports what happens to the mounts of the system. FreeBSD 15.0 reports
// only what the Fflags of the change select.
func TestMounts(t *testing.T) {
	filter := filterNamed(t, "FS")
	// VQ_MOUNT and VQ_UNMOUNT of sys/mount.h.
	mounted, unmounted := Note(0x8), Note(0x10)
	if runtime.GOOS == "netbsd" {
		mounted, unmounted = 0x1, 0x2
	}
	none, q := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, none, NewEvent(7, filter, FlagAdd, 0, 0, 0))
	kqtest.Apply(t, q, NewEvent(7, filter, FlagAdd, mounted|unmounted, 0, 0))
	kqtest.WaitNone(t, q)
	dir := t.TempDir()
	mount(t, "tmpfs", "", dir)
	if e := kqtest.WaitOne(t, q); e.Ident != 7 || e.Filter != filter || e.Fflags != mounted {
		t.Errorf("after mount(2): got %v", e)
	}
	kqtest.WaitNone(t, q)
	expect(t, "mount(2), no note requested", returned(t, none))

	if err := mountKind("tmpfs", "", dir, unix.MNT_UPDATE); err == nil { // DragonFly refuses it
		expect(t, "mount(2) with MNT_UPDATE", poll(t, q))
	}

	// The end of the file system ends a watch of its root directory.
	vnodes := kqtest.NewQueue(t)
	root := kqtest.Open(t, dir)
	kqtest.Apply(t, vnodes, VnodeEvent(int(root.Fd()), NoteRevoke))
	unmount(t, dir)
	if e := kqtest.WaitOne(t, q); e.Fflags&unmounted == 0 {
		t.Errorf("after unmount(2): got %v", e)
	}
	expect(t, "unmount(2), its root directory with NOTE_REVOKE", poll(t, vnodes))
}

// A file system is unmounted by force while what is in it is watched.
func TestUnmountForce(t *testing.T) {
	dir := t.TempDir()
	mount(t, "tmpfs", "", dir)
	fd := int(newFile(t, dir, "0123456789").Fd())
	var questions []func()
	for _, ask := range []struct {
		what  string
		event Event
	}{
		{"with NOTE_REVOKE", VnodeEvent(fd, NoteRevoke)},
		{"without NOTE_REVOKE", VnodeEvent(fd, allNotes&^NoteRevoke)},
	} {
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, ask.event)
		poll(t, q)
		questions = append(questions, func() { expect(t, ask.what, poll(t, q)) })
	}
	unmount(t, dir)
	for _, ask := range questions {
		ask()
	}
	expect(t, "added afterwards", errno(kqtest.NewQueue(t).Apply(VnodeEvent(fd, NoteRevoke))))
}

// A file system is mounted over a directory that is watched.
func TestMountOver(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, parent string) {
		dir := filepath.Join(parent, "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		newFileThere := func() error { return os.WriteFile(filepath.Join(dir, "file"), nil, 0o600) }
		watchSteps(t, dir, allNotes, []step{
			{"mount(2)", func() error { mount(t, "tmpfs", "", dir); return nil }},
			{"make a file in it", newFileThere},
			{"unmount(2)", func() error { return unix.Unmount(dir, 0) }},
			{"make a file afterwards", newFileThere},
		})
	})
}

// A directory is mounted at a second place, and files are changed by both paths.
func TestNullfs(t *testing.T) {
	if runtime.GOOS == "openbsd" {
		t.Skip("OpenBSD has no nullfs")
	}
	eachFileSystem(t, func(t *testing.T, parent string) {
		lower, upper := filepath.Join(parent, "lower"), filepath.Join(parent, "upper")
		if err := errors.Join(os.Mkdir(lower, 0o700), os.Mkdir(upper, 0o700)); err != nil {
			t.Fatal(err)
		}
		low := newFile(t, lower, "0123456789")
		file := func(dir string) string { return filepath.Join(dir, "file") }
		watchSteps(t, file(lower), allNotes, []step{
			{"mount(2), the lower file is watched alone", func() error { mount(t, "null", lower, upper); return nil }},
			{"chmod(2) by the upper path", func() error { return os.Chmod(file(upper), 0o640) }},
			{"unmount(2) without force", func() error { return unix.Unmount(upper, 0) }},
			{"chmod(2) by the lower path", func() error { return os.Chmod(file(lower), 0o600) }},
		})
		mount(t, "null", lower, upper)
		high := kqtest.Open(t, filepath.Join(upper, "file"))
		q := kqtest.NewQueue(t)
		names := []string{"lower file", "upper file", "lower directory", "upper directory"}
		for i, f := range []*os.File{low, high, kqtest.Open(t, lower), kqtest.Open(t, upper)} {
			kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), allNotes).With(FlagClear).WithUdata(uintptr(i)))
		}
		for _, step := range []step{
			{"write(2) by the lower path", func() error { return kqtest.WriteAt(file(lower), 0, "x") }},
			{"write(2) by the upper path", func() error { return kqtest.WriteAt(file(upper), 0, "x") }},
			{"make a file by the lower path", func() error { return os.WriteFile(file(lower)+"2", nil, 0o600) }},
			{"make a file by the upper path", func() error { return os.WriteFile(file(upper)+"3", nil, 0o600) }},
			{"unmount(2) by force", func() error { return unix.Unmount(upper, unix.MNT_FORCE) }},
			{"write(2) after that", func() error { return kqtest.WriteAt(file(lower), 0, "x") }},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			events, err := q.Wait(0)
			if err != nil {
				t.Fatal(err)
			}
			answers := make([]string, len(names))
			for _, e := range events {
				answers[e.Udata] = names[e.Udata] + " " + e.Filter.NoteString(e.Fflags)
			}
			answers = slices.DeleteFunc(answers, func(s string) bool { return s == "" })
			expect(t, step.name, cmp.Or(strings.Join(answers, ", "), nothing))
		}
	})
}
