//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
)

func TestFlagOneshot(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagOneshot))
	waitOne(t, q)
	waitNone(t, q)
	if err := q.Apply(NewEvent(uintptr(w), FilterWrite, FlagDelete, 0, 0, 0)); err == nil {
		t.Error("the event is still there")
	}
}

func TestFlagClear(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r).With(FlagClear))
	write(t, w, "a")
	waitOne(t, q)
	waitNone(t, q) // the data is still there, but it is not new
	write(t, w, "b")
	if e := waitOne(t, q); e.Data != 2 {
		t.Errorf("got %v", e)
	}
}

func TestFlagDispatch(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagDispatch))
	waitOne(t, q)
	waitNone(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagEnable|FlagDispatch, 0, 0, 0))
	waitOne(t, q)
	waitNone(t, q)
}

func TestFlagDisable(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagDisable))
	waitNone(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagEnable, 0, 0, 0))
	waitOne(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagDisable, 0, 0, 0))
	waitNone(t, q)
}
