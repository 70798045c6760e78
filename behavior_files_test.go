//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

const allNotes = NoteDelete | NoteWrite | NoteExtend | NoteAttrib | NoteLink | NoteRename | NoteRevoke

// askedFileSystems are those that have been asked.
var askedFileSystems = map[string][]string{
	"dragonfly": {"tmpfs", "ufs"},
	"freebsd":   {"tmpfs", "ufs"},
	"netbsd":    {"ffs", "tmpfs"},
	"openbsd":   {"ffs", "tmpfs"},
}

// expectFile is expect for something that depends on the file system of path.
func expectFile(t *testing.T, path, what, got string, want answers) {
	t.Helper()
	kind := fileSystem(t, path)
	answer := unasked
	if slices.Contains(askedFileSystems[system()], kind) {
		answer = want.of(system()+"-"+kind, system())
	}
	compare(t, kind+", "+what, got, answer)
}

// step is something that happens to a file, and what a watch for all notes says.
type step struct {
	name string
	do   func() error
	want answers
}

// watchSteps watches path, takes the steps and checks what each of them reports.
func watchSteps(t *testing.T, path string, steps []step) {
	t.Helper()
	q := newQueue(t)
	fd := int(open(t, path).Fd())
	apply(t, q, VnodeEvent(fd, allNotes).With(FlagClear))
	waitNone(t, q)
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		expectFile(t, path, step.name, poll(t, q), step.want)
	}
}

// A program that watches a file for writes alone does not see that it was cut.
func TestVnodeTruncate(t *testing.T) {
	path := newFile(t, "0123456789").Name()
	cut := answers{
		"dragonfly freebsd netbsd": "VNODE fflags=ATTRIB",
		"dragonfly-tmpfs":          "VNODE fflags=WRITE",
		"openbsd":                  "VNODE fflags=ATTRIB|TRUNCATE",
		"openbsd-tmpfs":            nothing,
	}
	watchSteps(t, path, []step{
		{"ftruncate(2) to less", func() error { return os.Truncate(path, 5) }, cut},
		{"ftruncate(2) to more", func() error { return os.Truncate(path, 8) }, answers{
			"dragonfly freebsd openbsd": "VNODE fflags=ATTRIB",
			"dragonfly-tmpfs":           "VNODE fflags=WRITE|EXTEND",
			"netbsd":                    "VNODE fflags=EXTEND|ATTRIB",
			"openbsd-tmpfs":             "VNODE fflags=EXTEND",
		}},
		{"ftruncate(2) to 0", func() error { return os.Truncate(path, 0) }, cut},
		{"write(2)", func() error { return writeAt(path, 0, "0123") }, answers{
			"dragonfly freebsd netbsd openbsd": "VNODE fflags=WRITE|EXTEND",
			"dragonfly-tmpfs":                  "VNODE fflags=WRITE",
		}},
		{"open(2) with O_TRUNC", func() error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			return f.Close()
		}, cut},
	})
}

// Stores into a mapping are not reported as writes.
func TestVnodeMmap(t *testing.T) {
	path := newFile(t, "0123456789").Name()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	memory, err := unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	q := newQueue(t)
	apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteWrite|NoteExtend|NoteRename).With(FlagClear))
	copy(memory, "abc")
	expectFile(t, path, "a store", poll(t, q), answers{
		"dragonfly freebsd netbsd openbsd": nothing,
	})
	if err := unix.Msync(memory, unix.MS_SYNC); err != nil {
		t.Fatal(err)
	}
	expectFile(t, path, "msync(2)", poll(t, q), answers{
		"dragonfly freebsd-ufs openbsd":  "VNODE fflags=WRITE",
		"dragonfly-tmpfs freebsd netbsd": nothing,
	})
}

// What a watch of a directory says about its entries.
func TestVnodeDirectoryNotes(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	file, sub := filepath.Join(dir, "file"), filepath.Join(dir, "sub")
	write := answers{
		"dragonfly freebsd netbsd openbsd": "VNODE fflags=WRITE",
	}
	link := answers{
		"dragonfly freebsd netbsd openbsd": "VNODE fflags=WRITE|LINK",
	}
	watchSteps(t, dir, []step{
		{"create a file", func() error { return os.WriteFile(file, nil, 0o600) }, write},
		{"write to the file", func() error { return writeAt(file, 0, "x") }, answers{
			"dragonfly freebsd netbsd openbsd": nothing,
		}},
		{"rename the file", func() error { return os.Rename(file, file+"2") }, write},
		{"rename it out of the directory", func() error { return os.Rename(file+"2", filepath.Join(elsewhere, "file")) }, answers{
			"dragonfly netbsd openbsd": "VNODE fflags=WRITE",
			"freebsd":                  "VNODE fflags=WRITE|EXTEND",
		}},
		{"rename it into the directory", func() error { return os.Rename(filepath.Join(elsewhere, "file"), file) }, answers{
			"dragonfly openbsd": "VNODE fflags=WRITE",
			"freebsd netbsd":    "VNODE fflags=WRITE|EXTEND",
		}},
		{"make a symbolic link", func() error { return os.Symlink("file", sub) }, answers{
			"dragonfly freebsd netbsd openbsd": "VNODE fflags=WRITE",
			"dragonfly-tmpfs":                  nothing,
		}},
		{"remove the link", func() error { return os.Remove(sub) }, write},
		{"make a directory", func() error { return os.Mkdir(sub, 0o700) }, link},
		{"remove the directory", func() error { return os.Remove(sub) }, link},
		{"rename over the file", func() error {
			fresh := filepath.Join(elsewhere, "fresh")
			if err := os.WriteFile(fresh, nil, 0o600); err != nil {
				return err
			}
			return os.Rename(fresh, file)
		}, answers{
			"dragonfly netbsd openbsd": "VNODE fflags=WRITE",
			"dragonfly-tmpfs":          "VNODE fflags=DELETE|WRITE",
			"freebsd":                  "VNODE fflags=WRITE|EXTEND",
		}},
		{"remove the file", func() error { return os.Remove(file) }, write},
		{"chmod the directory", func() error { return os.Chmod(dir, 0o750) }, answers{
			"dragonfly freebsd netbsd openbsd": "VNODE fflags=ATTRIB",
		}},
	})
}

// Adding a watch again with other notes, without FlagClear, keeps what has
// happened before.
func TestVnodeAddAgainKeepsNotes(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteWrite|NoteDelete))
	if err := writeAt(f.Name(), 0, "x"); err != nil {
		t.Fatal(err)
	}
	waitOne(t, q)
	apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete))
	if e := waitOne(t, q); e.Fflags&NoteWrite == 0 {
		t.Errorf("got %v, want WRITE", e)
	}
}

// Behind the end of a file, Data is negative. lseek(2) does not trigger the event,
// except on macOS.
func TestReadFileOffset(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	e := ReadEvent(int(f.Fd()))
	seek := func(offset int64) {
		t.Helper()
		if _, err := f.Seek(offset, 0); err != nil {
			t.Fatal(err)
		}
	}
	seek(15)
	apply(t, q, e)
	expect(t, "behind the end", poll(t, q), answers{everywhere: "READ data=-5"})
	seek(10)
	expect(t, "at the end", poll(t, q), answers{everywhere: nothing})
	seek(4)
	expect(t, "before the end", poll(t, q), answers{
		"darwin":                           "READ data=6",
		"dragonfly freebsd netbsd openbsd": nothing,
	})
	apply(t, q, e)
	expect(t, "before the end, added again", poll(t, q), answers{everywhere: "READ data=6"})
}

// FilterRead on a directory.
func TestReadDirectory(t *testing.T) {
	q := newQueue(t)
	d := open(t, filepath.Dir(newFile(t, "").Name())) // with an entry: NetBSD's tmpfs counts them
	expect(t, "adding it", errno(q.Apply(ReadEvent(int(d.Fd())))), answers{
		"darwin":                           "EINVAL",
		"dragonfly freebsd netbsd openbsd": "ok",
	})
	expect(t, "waiting", returned(t, q), answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "returned",
	})
}

// Which devices can be watched, and which trigger.
func TestDevices(t *testing.T) {
	for _, test := range []struct {
		path   string
		change func(fd int) Event
		want   answers
	}{
		{"/dev/null", ReadEvent, answers{
			"darwin":                   "EINVAL",
			"dragonfly netbsd openbsd": "returned",
			"freebsd":                  nothing,
		}},
		{"/dev/null", WriteEvent, answers{
			"darwin":                           "EINVAL",
			"dragonfly freebsd netbsd openbsd": "returned",
		}},
		{"/dev/zero", ReadEvent, answers{
			"darwin":                           "EINVAL",
			"dragonfly freebsd netbsd openbsd": "returned",
		}},
		{"/dev/urandom", ReadEvent, answers{
			"darwin":                   "EINVAL",
			"dragonfly netbsd openbsd": "returned",
			"freebsd":                  "ENODEV",
		}},
		{"/dev/null", func(fd int) Event { return VnodeEvent(fd, allNotes) }, answers{
			"dragonfly freebsd": "EOPNOTSUPP",
			"netbsd openbsd":    "EINVAL",
		}},
	} {
		q := newQueue(t)
		f, err := os.OpenFile(test.path, os.O_RDWR, 0)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		defer f.Close()
		change := test.change(int(f.Fd()))
		got := errno(q.Apply(change))
		if got == "ok" {
			got = returned(t, q)
		}
		expect(t, test.path+", "+change.Filter.String(), got, test.want)
	}
}
