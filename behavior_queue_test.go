//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
)

// The Data of a queue in another one counts events whose condition is gone until
// the inner queue is waited on.
func TestNestedData(t *testing.T) {
	inner, outer := newQueue(t), newQueue(t)
	r, w := newPipe(t)
	apply(t, inner, ReadEvent(r))
	apply(t, outer, ReadEvent(int(inner.Fd())))
	waitNone(t, outer)
	write(t, w, "x")
	expectSoon(t, "one pending event", func() string { return poll(t, outer) }, answers{everywhere: "READ data=1"})
	read(t, r, 1)
	expect(t, "its condition is gone", poll(t, outer), answers{everywhere: "READ data=1"})
	waitNone(t, inner)
	expect(t, "the inner queue was waited on", poll(t, outer), answers{everywhere: nothing})

	user := UserEvent(1)
	apply(t, inner, user, user.Trigger(), user.Disable())
	expectSoon(t, "a disabled event", func() string { return poll(t, outer) }, answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "READ data=1",
	})
}

// With FlagClear, a queue in another one is returned again for each of its events,
// but on macOS only after the inner queue was waited on.
func TestNestedWithClear(t *testing.T) {
	inner, outer := newQueue(t), newQueue(t)
	first, second := UserEvent(1), UserEvent(2)
	apply(t, inner, first, second)
	apply(t, outer, ReadEvent(int(inner.Fd())).With(FlagClear))
	apply(t, inner, first.Trigger())
	expectSoon(t, "the first event", func() string { return poll(t, outer) }, answers{everywhere: "READ data=1"})
	expect(t, "nothing new", poll(t, outer), answers{everywhere: nothing})
	apply(t, inner, second.Trigger())
	expectSoon(t, "the second event", func() string { return poll(t, outer) }, answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "READ data=2",
	})
}

// A wait that is longer than what the package asks of a kernel at once applies its
// changes once: a second deletion would be refused.
func TestLongWaits(t *testing.T) {
	q := newQueue(t)
	start := time.Now()
	if events, err := q.Wait(3 * time.Second); len(events) != 0 || err != nil {
		t.Errorf("got %v, %v", events, err)
	}
	if took := time.Since(start); took < 3*time.Second {
		t.Errorf("a wait of 3s ended after %v", took)
	}

	const period = 1200 * time.Millisecond
	for _, timeout := range []time.Duration{Forever, time.Hour} {
		timer := TimerEvent(1, period).With(FlagOneshot)
		notEarly(t, timeout.String(), func() bool {
			apply(t, q, UserEvent(1))
			buf := make([]Event, 4)
			start := time.Now()
			n, err := q.Kevent([]Event{UserEvent(1).Delete(), timer}, buf, timeout)
			took := time.Since(start)
			if n != 1 || err != nil || buf[0].Filter != FilterTimer || buf[0].Err() != nil {
				t.Fatalf("got %v, %v; want the timer", buf[:n], err)
			}
			waitGone(t, q, timer)
			return took < period
		})
	}
	waitNone(t, q)
}
