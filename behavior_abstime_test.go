//go:build darwin || freebsd || netbsd || openbsd

package kqueue_test

import (
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
)

// timerAt is a timer that fires at a point in time.
func timerAt(ident uintptr, at time.Time) Event {
	return NewEvent(ident, FilterTimer, FlagAdd, noteAbsolute|NoteNseconds, at.UnixNano(), 0)
}

// A point in time that has passed fires at once.
func TestTimerInThePast(t *testing.T) {
	for _, ago := range []time.Duration{0, time.Second, time.Hour, 24 * 365 * time.Hour} {
		q := newQueue(t)
		timer := timerAt(1, time.Now().Add(-ago)).With(FlagOneshot)
		apply(t, q, timer)
		if e := waitOne(t, q); e.Ident != 1 || e.Filter != FilterTimer || e.Data < 1 {
			t.Errorf("%v ago: got %v", ago, e)
		}
		waitNone(t, q)
		waitGone(t, q, timer)
	}
}

// A point in time that is to come fires then. Without FlagClear and FlagOneshot,
// the event stays triggered, except on macOS. On NetBSD, a timer without FlagOneshot
// goes on with the time that was left when it was added as its period.
func TestTimerInTheFuture(t *testing.T) {
	q := newQueue(t)
	notEarly(t, "in 100ms", func() bool {
		start := time.Now()
		apply(t, q, timerAt(1, start.Add(100*time.Millisecond)))
		waitOne(t, q)
		took := time.Since(start)
		expect(t, "after that", returned(t, q), answers{
			"darwin":                 nothing,
			"freebsd netbsd openbsd": "returned",
		})
		expect(t, "deleting it", errno(q.Apply(timerAt(1, start).Delete())), answers{
			"darwin":                 "ENOENT",
			"freebsd netbsd openbsd": "ok",
		})
		return took < 100*time.Millisecond
	})

	// NetBSD repeats it with the time that is left when it is added, if any is
	// (sys/kern/kern_event.c, filt_timercompute).
	for left := 50 * time.Millisecond; ; left *= 2 {
		at := time.Now().Add(left)
		apply(t, q, timerAt(2, at).With(FlagClear))
		inTime := time.Now().Before(at)
		waitOne(t, q)
		if inTime {
			sleepOn(t, 3*left)
			break
		}
		q.Apply(timerAt(2, at).Delete())
	}
	expect(t, "with FlagClear, later", returned(t, q), answers{
		"darwin freebsd openbsd": nothing,
		"netbsd":                 "returned",
	})
}

// Each unit of a period, and the same time in the unit of TimerEvent.
func TestTimerUnits(t *testing.T) {
	const period = time.Second
	units := map[string]struct {
		note Note
		data int64
	}{
		"seconds":      {NoteSeconds, 1},
		"milliseconds": {noteMseconds, 1e3},
		"microseconds": {NoteUseconds, 1e6},
		"nanoseconds":  {NoteNseconds, 1e9},
	}
	q := newQueue(t)
	for name, unit := range units {
		timer := NewEvent(1, FilterTimer, FlagAdd|FlagOneshot, unit.note, unit.data, 0)
		notEarly(t, name, func() bool {
			start := time.Now()
			apply(t, q, timer, TimerEvent(2, time.Minute).With(FlagOneshot))
			if e := waitOne(t, q); e.Ident != 1 {
				t.Errorf("%s: got %v", name, e)
			}
			return time.Since(start) < period
		})
	}
}
