//go:build dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// What file systems of macOS report, nobody has asked yet.

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
