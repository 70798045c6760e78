//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	. "github.com/go-kqueue/kqueue"
)

const allVnodeNotes = NoteDelete | NoteWrite | NoteExtend | NoteAttrib | NoteLink | NoteRename | NoteRevoke

func TestVnode(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	path := f.Name()
	other := filepath.Join(filepath.Dir(path), "other")
	apply(t, q, VnodeEvent(int(f.Fd()), allVnodeNotes).With(FlagClear))
	waitNone(t, q)
	steps := []struct {
		name string
		do   func() error
		want Note
	}{
		{"write", func() error { return writeAt(path, 0, "x") }, NoteWrite},
		{"extend", func() error { return writeAt(path, 10, "y") }, NoteWrite | NoteExtend},
		{"attrib", func() error { return os.Chmod(path, 0o640) }, NoteAttrib},
		{"link", func() error { return os.Link(path, other) }, NoteLink},
		{"rename", func() error { return os.Rename(path, path+".new") }, NoteRename},
		// What a truncation alone tells depends on the file system: ATTRIB,
		// OpenBSD's TRUNCATE, or nothing (OpenBSD's tmpfs).
		{"truncate and write", func() error {
			return errors.Join(os.Truncate(path+".new", 3), writeAt(path+".new", 0, "z"))
		}, NoteWrite},
		{"delete", func() error { os.Remove(other); return os.Remove(path + ".new") }, NoteDelete},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		e := waitOne(t, q)
		if e.Ident != f.Fd() || e.Filter != FilterVnode || e.Fflags&step.want != step.want || e.Fflags == 0 {
			t.Errorf("%s: got %v", step.name, e)
		}
		t.Logf("%s: %v", step.name, e)
		waitNone(t, q)
	}
}

func writeAt(path string, offset int64, data string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte(data), offset)
	return err
}

// Without FlagClear the notes add up and the event stays triggered.
func TestVnodeWithoutClear(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteWrite|NoteAttrib))
	if err := writeAt(f.Name(), 0, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := waitOne(t, q); e.Fflags != NoteWrite {
			t.Fatalf("got %v", e)
		}
	}
	if err := os.Chmod(f.Name(), 0o640); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteWrite|NoteAttrib {
		t.Fatalf("got %v", e)
	}
}

// A file that another one is renamed over is deleted, for whoever has it open.
func TestVnodeRenameOver(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "old")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteRename|NoteLink).With(FlagClear))
	fresh := f.Name() + ".fresh"
	if err := os.WriteFile(fresh, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, f.Name()); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags&(NoteDelete|NoteLink) == 0 {
		t.Errorf("got %v, want DELETE", e)
	}
}

func TestVnodeDirectory(t *testing.T) {
	q := newQueue(t)
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	apply(t, q, VnodeEvent(int(d.Fd()), NoteWrite).With(FlagClear))
	waitNone(t, q)
	if err := os.WriteFile(filepath.Join(dir, "entry"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteWrite {
		t.Errorf("got %v", e)
	}
}
