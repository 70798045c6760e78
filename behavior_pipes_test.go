//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"path/filepath"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// The end of a pipe is returned by every wait, with the bytes that are left.
func TestPipeEndStays(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r))
	write(t, w, "rest!")
	closeFD(w)
	for range 2 {
		expect(t, "5 bytes left", poll(t, q), answers{
			"darwin freebsd netbsd openbsd": "READ EOF data=5",
			"dragonfly":                     "READ HUP|EOF data=5",
		})
	}
	read(t, r, 5)
	for range 2 {
		expect(t, "nothing left", poll(t, q), answers{
			"darwin freebsd netbsd openbsd": "READ EOF",
			"dragonfly":                     "READ HUP|NODATA|EOF",
		})
	}
}

// The reader of a pipe closes after the writer was added. FreeBSD removes the
// event.
func TestPipeReaderCloses(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, WriteEvent(w))
	closeFD(r)
	expect(t, "the reader has closed", poll(t, q), answers{
		"darwin netbsd openbsd": "WRITE EOF",
		"dragonfly":             "WRITE HUP|NODATA|EOF",
		"freebsd":               "WRITE ONESHOT|EOF data=16384",
	})
	expect(t, "deleting the event", errno(q.Apply(WriteEvent(w).Delete())), answers{
		"darwin dragonfly netbsd openbsd": "ok",
		"freebsd":                         "ENOENT",
	})
}

// The reader of a pipe is gone before the writer is added.
func TestPipeReaderHasClosed(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	closeFD(r)
	expect(t, "adding the event", errno(q.Apply(WriteEvent(w))), answers{
		"darwin dragonfly openbsd": "ok",
		"freebsd":                  "EPIPE",
		"netbsd":                   "EBADF",
	})
	expect(t, "waiting", poll(t, q), answers{
		"darwin openbsd": "WRITE EOF",
		"dragonfly":      "WRITE HUP|NODATA|EOF",
		"freebsd netbsd": nothing,
	})
}

// The reader of a full pipe closes. NetBSD and OpenBSD do not tell the writer, but
// they do if it adds the event again.
func TestFullPipeReaderCloses(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	setNonblock(t, w)
	apply(t, q, WriteEvent(w))
	full := fill(t, w)
	waitNone(t, q)
	closeFD(r)
	expect(t, "the reader has closed", returned(t, q), answers{
		"darwin dragonfly freebsd": "returned",
		"netbsd openbsd":           nothing,
	})
	expect(t, "adding the event again", errno(q.Apply(WriteEvent(w))), answers{
		"darwin dragonfly netbsd openbsd": "ok",
		"freebsd":                         "EPIPE", // the event was removed
	})
	expect(t, "waiting after that", poll(t, q), answers{
		"darwin netbsd openbsd": "WRITE EOF",
		"dragonfly":             "WRITE HUP|NODATA|EOF",
		"freebsd":               nothing,
	})
	t.Logf("the pipe holds %d bytes", full)
}

// A pipe has room to write from 512 free bytes on. An event of DragonFly that
// waits is triggered only when half of the pipe is free.
func TestPipeRoom(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	setNonblock(t, w)
	apply(t, q, WriteEvent(w))
	full := fill(t, w)
	waitNone(t, q)
	drain(t, r, 511)
	expect(t, "511 bytes are free", returned(t, q), answers{everywhere: nothing})
	drain(t, r, 1)
	expect(t, "512 bytes are free", returned(t, q), answers{
		"darwin freebsd netbsd openbsd": "returned",
		"dragonfly":                     nothing,
	})
	apply(t, q, WriteEvent(w))
	expect(t, "512 bytes are free, and the event is added again", returned(t, q), answers{everywhere: "returned"})

	fill(t, w)
	waitNone(t, q)
	drain(t, r, full/2-1)
	expect(t, "almost half of the pipe is free", returned(t, q), answers{
		"darwin freebsd netbsd openbsd": "returned",
		"dragonfly":                     nothing,
	})
	drain(t, r, 1)
	expect(t, "half of the pipe is free", returned(t, q), answers{everywhere: "returned"})
}

// What returns an event with FlagClear again although nothing has arrived.
func TestPipeReadAgain(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	e := ReadEvent(r).With(FlagClear)
	apply(t, q, e)
	write(t, w, "abcde")
	waitOne(t, q)
	waitNone(t, q)
	apply(t, q, e)
	expect(t, "adding it again", poll(t, q), answers{everywhere: "READ data=5"})
	apply(t, q, e.Enable())
	expect(t, "enabling it while it is enabled", poll(t, q), answers{
		"darwin dragonfly freebsd netbsd": "READ data=5",
		"openbsd":                         nothing,
	})
	apply(t, q, e.Disable(), e.Enable())
	expect(t, "disabling and enabling it", poll(t, q), answers{everywhere: "READ data=5"})
	read(t, r, 2)
	expect(t, "reading a part of the data", poll(t, q), answers{
		"darwin freebsd netbsd openbsd": "READ data=3",
		"dragonfly":                     nothing,
	})
}

// A FilterWrite event with FlagClear comes again without the pipe having been
// full: at each read and, on some systems, at each write.
func TestPipeWriteAgain(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagClear))
	waitOne(t, q)
	waitNone(t, q)
	write(t, w, "abcde")
	expect(t, "after a write", returned(t, q), answers{
		"darwin freebsd netbsd openbsd": "returned",
		"dragonfly":                     nothing,
	})
	read(t, r, 5)
	expect(t, "after the read", returned(t, q), answers{
		everywhere: "returned",
	})
	waitNone(t, q)
}

// Each end of a pipe may be added with the filter of the other end.
func TestPipeOtherFilter(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, WriteEvent(r))
	expect(t, "FilterWrite on the read end", returned(t, q), answers{
		"darwin netbsd":             nothing,
		"dragonfly freebsd openbsd": "returned",
	})
	apply(t, q, WriteEvent(r).Delete(), ReadEvent(w))
	waitNone(t, q)
	closeFD(r)
	expect(t, "FilterRead on the write end, the reader closes", returned(t, q), answers{
		everywhere: "returned",
	})
}

// openFIFO opens the FIFO path until the test ends.
func openFIFO(t *testing.T, path string, mode int) int {
	t.Helper()
	fd, err := unix.Open(path, mode|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ownFD(t, fd)
	return fd
}

func newFIFO(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A FIFO that has had no writer yet is not at its end.
func TestFIFOEnd(t *testing.T) {
	q := newQueue(t)
	path := newFIFO(t)
	r := openFIFO(t, path, unix.O_RDONLY)
	apply(t, q, ReadEvent(r))
	expect(t, "before the first writer", poll(t, q), answers{everywhere: nothing})

	w := openFIFO(t, path, unix.O_WRONLY)
	write(t, w, "abc")
	closeFD(w)
	expect(t, "the writer has come and gone", poll(t, q), answers{
		"darwin":                 "READ data=3",
		"dragonfly":              "READ HUP|EOF data=3",
		"freebsd netbsd openbsd": "READ EOF data=3",
	})
	read(t, r, 3)
	end := answers{
		"darwin":                 nothing,
		"dragonfly":              "READ HUP|NODATA|EOF",
		"freebsd netbsd openbsd": "READ EOF",
	}
	expect(t, "nothing left", poll(t, q), end)
	read(t, r, 1) // of 0 bytes
	end["netbsd"], end["freebsd openbsd"] = nothing, end["freebsd netbsd openbsd"]
	delete(end, "freebsd netbsd openbsd")
	expect(t, "after a read of 0 bytes", poll(t, q), end)

	openFIFO(t, path, unix.O_WRONLY)
	expect(t, "a new writer", poll(t, q), answers{everywhere: nothing})
}

// The reader of a FIFO closes, and the writer watches.
func TestFIFOReaderCloses(t *testing.T) {
	for _, full := range []bool{false, true} {
		q := newQueue(t)
		path := newFIFO(t)
		r := openFIFO(t, path, unix.O_RDONLY)
		w := openFIFO(t, path, unix.O_WRONLY)
		apply(t, q, WriteEvent(w))
		if full {
			fill(t, w)
			waitNone(t, q)
		}
		closeFD(r)
		got := ended(t, q)
		if full {
			expect(t, "the reader of a full FIFO has closed", got, answers{
				"darwin":                           nothing,
				"dragonfly freebsd netbsd openbsd": "EOF",
			})
		} else {
			expect(t, "the reader has closed", got, answers{
				"darwin":                           "returned",
				"dragonfly freebsd netbsd openbsd": "EOF",
			})
		}
	}
}

// FilterRead on the write end of a FIFO.
func TestFIFOOtherFilter(t *testing.T) {
	q := newQueue(t)
	path := newFIFO(t)
	openFIFO(t, path, unix.O_RDONLY)
	w := openFIFO(t, path, unix.O_WRONLY)
	expect(t, "adding FilterRead to the write end", errno(q.Apply(ReadEvent(w))), answers{
		"darwin dragonfly freebsd netbsd": "ok",
		"openbsd":                         "EINVAL",
	})
	write(t, w, "abc")
	expect(t, "3 bytes are in the FIFO", poll(t, q), answers{
		"darwin dragonfly netbsd": "READ data=3",
		"freebsd openbsd":         nothing,
	})
}
