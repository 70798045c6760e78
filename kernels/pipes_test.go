//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"path/filepath"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// The end of a pipe is returned by every wait, with the bytes that are left.
func TestPipeEndStays(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r))
	kqtest.Write(t, w, "rest!")
	kqtest.CloseFD(w)
	for range 2 { // every wait returns it
		expect(t, "5 bytes left", poll(t, q))
	}
	kqtest.Read(t, r, 5)
	for range 2 {
		expect(t, "nothing left", poll(t, q))
	}
}

// The reader of a pipe closes after the writer was added. FreeBSD removes the
// event.
func TestPipeReaderCloses(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(w))
	kqtest.CloseFD(r)
	expect(t, "the reader has closed", poll(t, q))
	expect(t, "deleting the event", errno(q.Apply(WriteEvent(w).Delete())))
}

// The reader of a pipe is gone before the writer is added.
func TestPipeReaderHasClosed(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.CloseFD(r)
	expect(t, "adding EVFILT_WRITE", errno(q.Apply(WriteEvent(w))))
	expect(t, "waiting for it", poll(t, q))
}

// The reader of a full pipe closes. NetBSD and OpenBSD do not tell the writer, but
// they do if it adds the event again.
func TestFullPipeReaderCloses(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	setNonblock(t, w)
	kqtest.Apply(t, q, WriteEvent(w))
	full := fill(t, w)
	kqtest.WaitNone(t, q)
	kqtest.CloseFD(r)
	expect(t, "the reader has closed", returned(t, q))
	expect(t, "EV_ADD again", errno(q.Apply(WriteEvent(w))))
	expect(t, "waiting after that", poll(t, q))
	t.Logf("the pipe holds %d bytes", full)
}

// A pipe has room to write from 512 free bytes on. An event of DragonFly that
// waits is triggered only when half of the pipe is free.
func TestPipeRoom(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	setNonblock(t, w)
	kqtest.Apply(t, q, WriteEvent(w))
	full := fill(t, w)
	kqtest.WaitNone(t, q)
	drain(t, r, 511)
	expect(t, "511 bytes are free", returned(t, q))
	drain(t, r, 1)
	expect(t, "512 bytes are free", returned(t, q))
	kqtest.Apply(t, q, WriteEvent(w))
	expect(t, "512 bytes are free, and the event is added again", returned(t, q))

	fill(t, w)
	kqtest.WaitNone(t, q)
	drain(t, r, full/2-1)
	expect(t, "almost half of the pipe is free", returned(t, q))
	drain(t, r, 1)
	expect(t, "half of the pipe is free", returned(t, q))
}

// What returns an event with FlagClear again although nothing has arrived.
func TestPipeReadAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	e := ReadEvent(r).With(FlagClear)
	kqtest.Apply(t, q, e)
	kqtest.Write(t, w, "abcde")
	kqtest.WaitOne(t, q)
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, e)
	expect(t, "EV_ADD again", poll(t, q))
	kqtest.Apply(t, q, e.Enable())
	expect(t, "EV_ENABLE although it is enabled", poll(t, q))
	kqtest.Apply(t, q, e.Disable(), e.Enable())
	expect(t, "EV_DISABLE and EV_ENABLE", poll(t, q))
	kqtest.Read(t, r, 2)
	expect(t, "a read of 2 of the 5 bytes", poll(t, q))
}

// A FilterWrite event with FlagClear comes again without the pipe having been
// full: at each read and, on some systems, at each write.
func TestPipeWriteAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(w).With(FlagClear))
	kqtest.WaitOne(t, q)
	kqtest.WaitNone(t, q)
	kqtest.Write(t, w, "abcde")
	expect(t, "after a write", returned(t, q))
	kqtest.Read(t, r, 5)
	expect(t, "after the read", returned(t, q))
	kqtest.WaitNone(t, q)
}

// Each end of a pipe may be added with the filter of the other end.
func TestPipeOtherFilter(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(r))
	expect(t, "EVFILT_WRITE on the read end", returned(t, q))
	kqtest.Apply(t, q, WriteEvent(r).Delete(), ReadEvent(w))
	kqtest.WaitNone(t, q)
	kqtest.CloseFD(r)
	expect(t, "EVFILT_READ on the write end, the reader closes", returned(t, q))
}

// openFIFO opens the FIFO path until the test ends.
func openFIFO(t *testing.T, path string, mode int) int {
	t.Helper()
	fd, err := unix.Open(path, mode|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, fd)
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
	q := kqtest.NewQueue(t)
	path := newFIFO(t)
	r := openFIFO(t, path, unix.O_RDONLY)
	kqtest.Apply(t, q, ReadEvent(r))
	expect(t, "before the first writer", poll(t, q))

	w := openFIFO(t, path, unix.O_WRONLY)
	kqtest.Write(t, w, "abc")
	kqtest.CloseFD(w)
	expect(t, "the writer has come and gone", poll(t, q))
	kqtest.Read(t, r, 3)
	expect(t, "nothing left", poll(t, q))
	kqtest.Read(t, r, 1) // of 0 bytes
	expect(t, "after a read of 0 bytes", poll(t, q))

	openFIFO(t, path, unix.O_WRONLY)
	expect(t, "a new writer", poll(t, q))
}

// The reader of a FIFO closes, and the writer watches.
func TestFIFOReaderCloses(t *testing.T) {
	for _, full := range []bool{false, true} {
		q := kqtest.NewQueue(t)
		path := newFIFO(t)
		r := openFIFO(t, path, unix.O_RDONLY)
		w := openFIFO(t, path, unix.O_WRONLY)
		kqtest.Apply(t, q, WriteEvent(w))
		if full {
			fill(t, w)
			kqtest.WaitNone(t, q)
		}
		kqtest.CloseFD(r)
		if full {
			expect(t, "the FIFO is full", ended(t, q))
		} else {
			expect(t, "it has room", ended(t, q))
		}
	}
}

// A pipe may have NoteLowat.
func TestPipeLowat(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, NewEvent(uintptr(r), FilterRead, FlagAdd, NoteLowat, 10, 0))
	kqtest.Write(t, w, "123456789")
	expect(t, "9 bytes", poll(t, q))
	kqtest.Write(t, w, "0")
	expect(t, "10 bytes", poll(t, q))
}

// FilterRead on the write end of a FIFO.
func TestFIFOOtherFilter(t *testing.T) {
	q := kqtest.NewQueue(t)
	path := newFIFO(t)
	openFIFO(t, path, unix.O_RDONLY)
	w := openFIFO(t, path, unix.O_WRONLY)
	expect(t, "EVFILT_READ on the write end", errno(q.Apply(ReadEvent(w))))
	kqtest.Write(t, w, "abc")
	expect(t, "3 bytes are in the FIFO", poll(t, q))
}

// How much must be read from a full FIFO until its event is returned again.
func TestFIFORoom(t *testing.T) {
	q := kqtest.NewQueue(t)
	path := newFIFO(t)
	r := openFIFO(t, path, unix.O_RDONLY)
	w := openFIFO(t, path, unix.O_WRONLY)
	kqtest.Apply(t, q, WriteEvent(w))
	full := fill(t, w)
	kqtest.WaitNone(t, q)
	read := 0
	for returned(t, q) == nothing && read < full {
		drain(t, r, 1)
		read++
	}
	expect(t, "bytes to read", fmt.Sprint(read))
}
