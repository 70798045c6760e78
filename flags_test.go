//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestFlagOneshot(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagOneshot))
	waitOne(t, q)
	waitNone(t, q)
	waitGone(t, q, WriteEvent(w))
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
	e := WriteEvent(w).With(FlagDispatch)
	apply(t, q, e)
	for range 3 {
		waitOne(t, q)
		waitNone(t, q)
		apply(t, q, e.Enable())
	}
}

func TestFlagDisable(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	e := WriteEvent(w)
	apply(t, q, e.With(FlagDisable))
	waitNone(t, q)
	apply(t, q, e.Enable())
	waitOne(t, q)
	apply(t, q, e.Disable())
	waitNone(t, q)
}

// Adding an event that is disabled does not enable it, except with FlagEnable.
func TestAddDoesNotEnable(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	e := WriteEvent(w)
	apply(t, q, e.With(FlagDisable), e)
	waitNone(t, q)
	apply(t, q, e.With(FlagEnable))
	waitOne(t, q)
}

func TestDelete(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	for _, e := range []Event{WriteEvent(w), WriteEvent(w).With(FlagDisable), TimerEvent(1, time.Hour), UserEvent(1).With(FlagClear)} {
		apply(t, q, e, e.Delete())
		waitGone(t, q, e)
		// FlagAdd beside FlagDelete deletes nothing on some systems.
		apply(t, q, e)
		if err := q.Apply(e.With(FlagDelete)); err != nil {
			t.Errorf("%v: %v", e.With(FlagDelete), err)
		}
		err := q.Apply(e.Delete())
		if kept := runtime.GOOS == "openbsd" || runtime.GOOS == "dragonfly"; kept == errors.Is(err, unix.ENOENT) {
			t.Errorf("after %v: got %v", e.With(FlagDelete), err)
		}
	}
	apply(t, q, WriteEvent(w))
	apply(t, q, waitOne(t, q).Delete()) // an event as it was returned
	waitGone(t, q, WriteEvent(w))
}

// A change to an event that exists does not change whether it has FlagClear,
// FlagOneshot or FlagDispatch.
func TestChangesKeepTheOptions(t *testing.T) {
	_, w := newPipe(t)
	for _, base := range []Event{WriteEvent(w), UserEvent(1)} {
		trigger := func(q *Queue) {
			if base.Filter == FilterUser {
				apply(t, q, base.Trigger())
			}
		}
		for _, has := range []Flag{0, FlagClear, FlagOneshot, FlagDispatch} {
			for _, change := range []Flag{FlagAdd, FlagAdd | FlagEnable, FlagEnable} {
				for _, option := range []Flag{0, FlagClear, FlagOneshot, FlagDispatch} {
					q := openQueue(t)
					name := fmt.Sprintf("%v with %v after %v", base.Filter, change|option, has)
					second := base
					second.Flags = change | option
					apply(t, q, base.With(has), second)
					trigger(q)
					waitOne(t, q)
					switch has {
					case 0:
						if events, err := q.Wait(0); len(events) != 1 || err != nil {
							t.Errorf("%s: got %v, %v; want it to stay triggered", name, events, err)
						}
					case FlagClear, FlagDispatch:
						if events, err := q.Wait(0); len(events) != 0 || err != nil {
							t.Errorf("%s: got %v, %v; want it to be reset or disabled", name, events, err)
						}
						if err := q.Apply(base.Delete()); err != nil {
							t.Errorf("%s: %v", name, err)
						}
					case FlagOneshot:
						if err := q.Apply(base.Delete()); !errors.Is(err, unix.ENOENT) {
							t.Errorf("%s: got %v, want ENOENT", name, err)
						}
					}
					q.Close()
				}
			}
		}
	}
}
