//go:build darwin || dragonfly || openbsd

package kqueue_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestExceptOutOfBand(t *testing.T) {
	q := newQueue(t)
	_, _, fd, peer := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterExcept, FlagAdd, NoteOOB, 0, 0))
	write(t, peer, "in band")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Ident != uintptr(fd) || e.Filter != FilterExcept || e.Fflags&NoteOOB == 0 {
		t.Errorf("got %v", e)
	}
}
