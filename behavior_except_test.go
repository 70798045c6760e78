//go:build darwin || dragonfly || openbsd

package kqueue_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// Out-of-band data of a TCP connection is reported until a byte behind the mark was
// read.
func TestExceptUntilBehindTheMark(t *testing.T) {
	q := newQueue(t)
	_, _, fd, peer := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterExcept, FlagAdd, NoteOOB, 0, 0))
	waitNone(t, q)
	write(t, peer, "abc")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	notes := func() string {
		t.Helper()
		events, err := q.Wait(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 1 {
			return nothing
		}
		return FilterExcept.NoteString(events[0].Fflags)
	}
	arrived := answers{everywhere: "OOB"}
	expectSoon(t, "out-of-band data", notes, arrived)
	if got := read(t, fd, 10); got != "abc" {
		t.Errorf("read %q", got)
	}
	expect(t, "the data before it was read", notes(), answers{everywhere: "OOB"})
	if n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_OOB); n != 1 || err != nil {
		t.Errorf("recv(2): %d, %v", n, err)
	}
	expect(t, "it was read", notes(), answers{everywhere: "OOB"})

	level := newQueue(t)
	apply(t, level, ReadEvent(fd))
	write(t, peer, "d")
	waitOne(t, level)
	read(t, fd, 1)
	expect(t, "the data behind it was read", notes(), answers{
		everywhere: nothing,
	})
}

// FilterExcept without NoteOOB.
func TestExceptWithoutOOB(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, NewEvent(uintptr(a), FilterExcept, FlagAdd, 0, 0, 0))
	write(t, b, "abc")
	expect(t, "ordinary data", returned(t, q), answers{
		"darwin dragonfly": "returned",
		"openbsd":          nothing,
	})
}

// FilterRead may request NoteOOB as well, except on OpenBSD, which ignores it.
func TestReadOutOfBand(t *testing.T) {
	q := newQueue(t)
	_, _, fd, peer := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterRead, FlagAdd, NoteOOB, 0, 0))
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	pending := newQueue(t)
	apply(t, pending, NewEvent(uintptr(fd), FilterExcept, FlagAdd, NoteOOB, 0, 0))
	waitOne(t, pending)
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	got := nothing
	if len(events) == 1 && events[0].Fflags&NoteOOB != 0 {
		got = "OOB"
	}
	expect(t, "out-of-band data", got, answers{
		"darwin dragonfly": "OOB",
		"openbsd":          nothing,
	})
}

// FilterExcept with FlagClear is returned once more when the peer closes, without
// FlagEOF.
func TestExceptPeerCloses(t *testing.T) {
	q, ends := newQueue(t), newQueue(t)
	_, b, fd, peer := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterExcept, FlagAdd|FlagClear, NoteOOB, 0, 0))
	write(t, peer, "abc")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	waitOne(t, q)
	waitNone(t, q)
	apply(t, ends, ReadEvent(fd))
	b.Close()
	for !waitOne(t, ends).EOF() {
	}
	expectSoon(t, "the peer has closed", func() string { return ended(t, q) }, answers{everywhere: "returned"})
}

// What is no socket.
func TestExceptOfAPipe(t *testing.T) {
	q := newQueue(t)
	r, _ := newPipe(t)
	expect(t, "adding a pipe", errno(q.Apply(NewEvent(uintptr(r), FilterExcept, FlagAdd, NoteOOB, 0, 0))), answers{
		"darwin openbsd": "EINVAL",
		"dragonfly":      "EOPNOTSUPP",
	})
}
