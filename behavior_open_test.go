//go:build freebsd || netbsd

package kqueue_test

import (
	"errors"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// Opening, reading and closing a file is reported. A duplicate of a descriptor is
// closed with the last one.
func TestVnodeOpenReadClose(t *testing.T) {
	q := newQueue(t)
	path := newFile(t, "0123456789").Name()
	const notes = NoteOpen | NoteRead | NoteClose | NoteCloseWrite | NoteWrite
	apply(t, q, VnodeEvent(int(open(t, path).Fd()), notes).With(FlagClear))
	waitNone(t, q)
	fd := -1
	openFD := func(mode int) func() error {
		return func() (err error) {
			fd, err = unix.Open(path, mode, 0)
			return err
		}
	}
	closeIt := func() error { return unix.Close(fd) }
	for _, step := range []struct {
		name string
		do   func() error
		want Note
	}{
		{"open(2) to read", openFD(unix.O_RDONLY), NoteOpen},
		{"read(2)", func() error { _, err := unix.Read(fd, make([]byte, 3)); return err }, NoteRead},
		{"close(2)", closeIt, NoteClose},
		{"open(2) to write", openFD(unix.O_WRONLY), NoteOpen},
		{"write(2)", func() error { _, err := unix.Write(fd, []byte("x")); return err }, NoteWrite},
		{"close(2) of a duplicate", func() error {
			other, err := unix.Dup(fd)
			return errors.Join(err, unix.Close(other))
		}, 0},
		{"close(2) of the last one", closeIt, NoteCloseWrite},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		want := nothing
		if step.want != 0 {
			want = describe(Event{Filter: FilterVnode, Fflags: step.want})
		}
		if got := poll(t, q); got != want {
			t.Errorf("%s: got %q, want %q", step.name, got, want)
		}
	}
}

// FilterEmpty is triggered while everything that was sent is acknowledged.
func TestEmpty(t *testing.T) {
	q := newQueue(t)
	_, b, fd, _ := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterEmpty, FlagAdd, 0, 0, 0))
	if e := waitOne(t, q); e.Ident != uintptr(fd) || e.Filter != FilterEmpty || e.EOF() {
		t.Errorf("got %v", e)
	}
	sent := 0
	for block := make([]byte, 65536); ; {
		n, err := unix.Write(fd, block)
		if err == unix.EAGAIN {
			if poll(t, q) == nothing {
				break
			}
			continue // the peer has acknowledged all of it
		}
		if err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	done := make(chan error)
	go func() {
		buf := make([]byte, sent)
		var err error
		for n := 0; n < sent && err == nil; {
			var got int
			got, err = b.Read(buf[n:])
			n += got
		}
		done <- err
	}()
	waitOne(t, q)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// FilterEmpty on Unix sockets. FreeBSD 15.0 has it the wrong way round. On NetBSD,
// what was sent is in the buffer of the receiver, and that of the sender is empty.
func TestEmptyUnixSocket(t *testing.T) {
	a, b := newSocketpair(t)
	setNonblock(t, a)
	for _, test := range []struct {
		name string
		do   func()
		want answers
	}{
		{"nothing was sent", func() {}, answers{"freebsd": nothing}},
		{"3 bytes were sent", func() { write(t, a, "abc") }, answers{"freebsd": nothing}},
		{"the buffer is full", func() { fill(t, a) }, answers{"freebsd": "returned"}},
		{"the peer has closed", func() { closeFD(b) }, answers{"freebsd": "returned"}},
	} {
		test.do()
		q := newQueue(t)
		apply(t, q, NewEvent(uintptr(a), FilterEmpty, FlagAdd, 0, 0, 0))
		test.want["freebsd-14"], test.want["netbsd"] = unasked, "returned"
		expect(t, test.name, returned(t, q), test.want)
	}

	q, f := newQueue(t), newFile(t, "")
	expect(t, "a file", errno(q.Apply(NewEvent(f.Fd(), FilterEmpty, FlagAdd, 0, 0, 0))), answers{
		"freebsd": "EINVAL",
		"netbsd":  "EINVAL",
	})
}

// A child that NoteTrack reports stays in the queue although its first event has
// FlagOneshot.
func TestNoteChildIsOneshot(t *testing.T) {
	q := newQueue(t)
	c := startChild(t, "fork")
	apply(t, q, ProcEvent(c.Process.Pid, NoteTrack|exitWithStatus))
	c.release()
	var child uintptr
	for exited := false; !exited; {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch {
			case e.Fflags&NoteChild != 0:
				child = e.Ident
				if e.Flags&FlagOneshot == 0 || e.Fflags&NoteExit != 0 {
					t.Errorf("got %v, want CHILD alone with ONESHOT", e)
				}
			case e.Ident == child && e.Fflags&NoteExit != 0:
				exited = true
			}
		}
	}
}
