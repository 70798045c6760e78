//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
)

// Short waits are never too short. Kernels that count clock ticks make them
// longer.
func TestShortWaits(t *testing.T) {
	q := newQueue(t)
	for _, timeout := range []time.Duration{
		1, time.Microsecond, time.Millisecond, 5 * time.Millisecond, 15 * time.Millisecond, 25 * time.Millisecond,
	} {
		start := time.Now()
		events, err := q.Wait(timeout)
		took := time.Since(start)
		if len(events) != 0 || err != nil {
			t.Errorf("%v: got %v, %v", timeout, events, err)
		}
		if took < timeout {
			t.Errorf("a wait of %v ended after %v", timeout, took)
		}
		t.Logf("a wait of %v took %v", timeout, took)
	}
}

// waitPending waits until q has a pending event, and leaves it there.
func waitPending(t *testing.T, q *Queue) {
	t.Helper()
	outer := newQueue(t)
	apply(t, outer, ReadEvent(int(q.Fd())))
	waitOne(t, outer)
	outer.Close()
}

// A timer with FlagOneshot has fired but was not returned yet when it is added
// again. On DragonFly, the old period is returned as if it were the new one, which
// never comes: delete the timer first.
func TestTimerFiredAndAddedAgain(t *testing.T) {
	q := newQueue(t)
	old := TimerEvent(1, time.Millisecond).With(FlagOneshot).WithUdata(1)
	fresh := TimerEvent(1, time.Hour).With(FlagOneshot).WithUdata(2)
	apply(t, q, old)
	waitPending(t, q)
	apply(t, q, fresh)
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	got := nothing
	if len(events) == 1 {
		got = fmt.Sprintf("fired %d times, udata %d", events[0].Data, events[0].Udata)
	}
	expect(t, "added again", got, answers{
		"darwin freebsd netbsd openbsd": nothing,
		"dragonfly":                     "fired 1 times, udata 2",
	})
	expect(t, "deleting it", errno(q.Apply(fresh.Delete())), answers{
		"darwin freebsd netbsd openbsd": "ok",
		"dragonfly":                     "ENOENT",
	})

	apply(t, q, old)
	waitPending(t, q)
	apply(t, q, old.Delete(), fresh)
	expect(t, "deleted and added", poll(t, q), answers{everywhere: nothing})
	apply(t, q, fresh.Delete())
}

// A timer that fires while it is disabled is returned when it is enabled, but on
// macOS, FlagEnable starts its period anew.
func TestTimerFiresWhileDisabled(t *testing.T) {
	q := newQueue(t)
	timer := TimerEvent(1, 2*time.Second)
	apply(t, q, timer.With(FlagDisable))
	sleepOn(t, 2500*time.Millisecond)
	waitNone(t, q)
	apply(t, q, timer.Enable())
	expect(t, "enabled", returned(t, q), answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "returned",
	})
}
