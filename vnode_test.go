//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// reportsLittle reports whether path is on DragonFly's tmpfs, which reports neither
// NoteExtend for a write nor NoteDelete for a file that another file replaces
// (sys/vfs/tmpfs/tmpfs_vnops.c). UFS reports both.
func reportsLittle(t *testing.T, path string) bool {
	return runtime.GOOS == "dragonfly" && kqtest.FileSystem(t, path) == "tmpfs"
}

func TestVnode(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	path := f.Name()
	other := filepath.Join(filepath.Dir(path), "other")
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()),
		NoteDelete|NoteWrite|NoteExtend|NoteAttrib|NoteLink|NoteRename|NoteRevoke).With(FlagClear))
	kqtest.WaitNone(t, q)
	extended := NoteWrite | NoteExtend
	if reportsLittle(t, path) {
		extended = NoteWrite
	}
	steps := []struct {
		name string
		do   func() error
		want Note
	}{
		{"write", func() error { return kqtest.WriteAt(path, 0, "x") }, NoteWrite},
		{"extend", func() error { return kqtest.WriteAt(path, 10, "y") }, extended},
		{"attrib", func() error { return os.Chmod(path, 0o640) }, NoteAttrib},
		{"link", func() error { return os.Link(path, other) }, NoteLink},
		{"rename", func() error { return os.Rename(path, path+".new") }, NoteRename},
		// What a truncation alone reports depends on the file system: NoteAttrib,
		// OpenBSD's NoteTruncate, or nothing (OpenBSD's tmpfs).
		{"truncate and write", func() error {
			return errors.Join(os.Truncate(path+".new", 3), kqtest.WriteAt(path+".new", 0, "z"))
		}, NoteWrite},
		{"delete", func() error { return errors.Join(os.Remove(other), os.Remove(path+".new")) }, NoteDelete},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		e := kqtest.WaitOne(t, q)
		if e.Ident != f.Fd() || e.Filter != FilterVnode || e.Fflags&step.want != step.want || e.Fflags == 0 {
			t.Errorf("%s: got %v", step.name, e)
		}
		t.Logf("%s: %v", step.name, e)
		kqtest.WaitNone(t, q)
	}
}

// Without FlagClear the notes accumulate and the event stays triggered.
func TestVnodeWithoutClear(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteWrite|NoteAttrib))
	if err := kqtest.WriteAt(f.Name(), 0, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := kqtest.WaitOne(t, q); e.Fflags&(NoteWrite|NoteAttrib) != NoteWrite {
			t.Fatalf("got %v", e)
		}
	}
	if err := os.Chmod(f.Name(), 0o640); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Fflags&(NoteWrite|NoteAttrib) != NoteWrite|NoteAttrib {
		t.Fatalf("got %v", e)
	}
}

// Disable and Enable carry the notes of the event, without which it would report
// nothing any more on most kernels.
func TestVnodeEnableKeepsTheNotes(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	e := VnodeEvent(int(f.Fd()), NoteWrite).With(FlagClear)
	kqtest.Apply(t, q, e)
	for _, changes := range [][]Event{{e.Disable()}, {e.Enable()}, {e.Disable(), e.Enable()}} {
		kqtest.Apply(t, q, changes...)
		if err := kqtest.WriteAt(f.Name(), 0, "x"); err != nil {
			t.Fatal(err)
		}
		if changes[len(changes)-1] == e.Disable() {
			kqtest.WaitNone(t, q)
		} else if got := kqtest.WaitOne(t, q); got.Fflags&NoteWrite == 0 {
			t.Errorf("after %v: got %v", changes, got)
		}
	}
}

// NetBSD reports only the notes with which the event was added at first, so a
// portable program deletes it before it adds it with other notes.
func TestVnodeOtherNotes(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	e := VnodeEvent(int(f.Fd()), NoteDelete).With(FlagClear)
	kqtest.Apply(t, q, e)
	kqtest.Apply(t, q, e.Delete(), VnodeEvent(int(f.Fd()), NoteAttrib))
	if err := os.Chmod(f.Name(), 0o640); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Fflags&NoteAttrib == 0 {
		t.Errorf("got %v", e)
	}
}

// Which note reports that one of several names was unlinked depends on the file
// system. Some report nothing before the last name.
func TestVnodeUnlinkOneName(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	other := f.Name() + ".other"
	if err := os.Link(f.Name(), other); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteLink|NoteAttrib).With(FlagClear))
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	events, err := q.Wait(0)
	t.Logf("one of two names: %v, %v", events, err)
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Fflags&NoteDelete == 0 {
		t.Errorf("the last name: got %v, want DELETE", e)
	}
}

// A file that is replaced by a rename is deleted.
func TestVnodeRenameOver(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "old")
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteRename|NoteLink).With(FlagClear))
	fresh := f.Name() + ".fresh"
	if err := os.WriteFile(fresh, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := kqtest.Open(t, filepath.Dir(fresh))
	kqtest.Apply(t, q, VnodeEvent(int(dir.Fd()), NoteWrite).With(FlagClear))
	if err := os.Rename(fresh, f.Name()); err != nil {
		t.Fatal(err)
	}
	events, err := q.Wait(Forever)
	if err != nil {
		t.Fatal(err)
	}
	notes := make(map[uintptr]Note)
	for _, e := range events {
		notes[e.Ident] = e.Fflags
	}
	if notes[dir.Fd()]&NoteWrite == 0 {
		t.Errorf("got %v, want WRITE for the directory", events)
	}
	if notes[f.Fd()]&(NoteDelete|NoteLink) == 0 && !reportsLittle(t, f.Name()) {
		t.Errorf("got %v, want DELETE for the file", events)
	}
}

func TestVnodeDirectory(t *testing.T) {
	q := kqtest.NewQueue(t)
	dir := t.TempDir()
	d := kqtest.Open(t, dir)
	kqtest.Apply(t, q, VnodeEvent(int(d.Fd()), NoteWrite).With(FlagClear))
	kqtest.WaitNone(t, q)
	path := filepath.Join(dir, "entry")
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"create", func() error { return os.WriteFile(path, nil, 0o600) }},
		{"rename", func() error { return os.Rename(path, path+".new") }},
		{"remove", func() error { return os.Remove(path + ".new") }},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		if e := kqtest.WaitOne(t, q); e.Fflags&NoteWrite == 0 {
			t.Errorf("%s: got %v", change.name, e)
		}
		kqtest.WaitNone(t, q)
	}
}
