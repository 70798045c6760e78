//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/go-kqueue/kqueue"
)

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
		{"/dev/null", func(fd int) Event { return VnodeEvent(fd, NoteWrite) }, answers{
			"darwin":            unasked,
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
