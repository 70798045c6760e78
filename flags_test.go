//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

func TestFlagOneshot(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(w).With(FlagOneshot))
	kqtest.WaitOne(t, q)
	kqtest.WaitNone(t, q)
	kqtest.WaitGone(t, q, WriteEvent(w))
}

func TestFlagClear(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r).With(FlagClear))
	kqtest.Write(t, w, "a")
	kqtest.WaitOne(t, q)
	kqtest.WaitNone(t, q) // the data is still there, but it is not new
	kqtest.Write(t, w, "b")
	if e := kqtest.WaitOne(t, q); e.Data != 2 {
		t.Errorf("got %v", e)
	}
}

func TestFlagDispatch(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	e := WriteEvent(w).With(FlagDispatch)
	kqtest.Apply(t, q, e)
	for range 3 {
		kqtest.WaitOne(t, q)
		kqtest.WaitNone(t, q)
		kqtest.Apply(t, q, e.Enable())
	}
}

func TestFlagDisable(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	e := WriteEvent(w)
	kqtest.Apply(t, q, e.With(FlagDisable))
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, e.Enable())
	kqtest.WaitOne(t, q)
	kqtest.Apply(t, q, e.Disable())
	kqtest.WaitNone(t, q)
}

// Adding an event that is disabled does not enable it, except with FlagEnable.
func TestAddDoesNotEnable(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	e := WriteEvent(w)
	kqtest.Apply(t, q, e.With(FlagDisable), e)
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, e.With(FlagEnable))
	kqtest.WaitOne(t, q)
}

func TestDelete(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	for _, e := range []Event{WriteEvent(w), WriteEvent(w).With(FlagDisable), TimerEvent(1, time.Hour), UserEvent(1).With(FlagClear)} {
		kqtest.Apply(t, q, e, e.Delete())
		kqtest.WaitGone(t, q, e)
		// FlagAdd beside FlagDelete deletes nothing on some systems.
		kqtest.Apply(t, q, e)
		if err := q.Apply(e.With(FlagDelete)); err != nil {
			t.Errorf("%v: %v", e.With(FlagDelete), err)
		}
		err := q.Apply(e.Delete())
		if kept := runtime.GOOS == "openbsd" || runtime.GOOS == "dragonfly"; kept == errors.Is(err, unix.ENOENT) {
			t.Errorf("after %v: got %v", e.With(FlagDelete), err)
		}
	}
	kqtest.Apply(t, q, WriteEvent(w))
	kqtest.Apply(t, q, kqtest.WaitOne(t, q).Delete()) // an event as it was returned
	kqtest.WaitGone(t, q, WriteEvent(w))
}

// A change to an event that exists does not change whether it has FlagClear,
// FlagOneshot or FlagDispatch.
func TestChangesKeepTheOptions(t *testing.T) {
	_, w := kqtest.NewPipe(t)
	for _, base := range []Event{WriteEvent(w), UserEvent(1)} {
		trigger := func(q *Queue) {
			if base.Filter == FilterUser {
				kqtest.Apply(t, q, base.Trigger())
			}
		}
		for _, has := range []Flag{0, FlagClear, FlagOneshot, FlagDispatch} {
			for _, change := range []Flag{FlagAdd, FlagAdd | FlagEnable, FlagEnable} {
				for _, option := range []Flag{0, FlagClear, FlagOneshot, FlagDispatch} {
					q := kqtest.OpenQueue(t)
					name := fmt.Sprintf("%v with %v after %v", base.Filter, change|option, has)
					second := base
					second.Flags = change | option
					kqtest.Apply(t, q, base.With(has), second)
					trigger(q)
					kqtest.WaitOne(t, q)
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
