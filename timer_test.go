//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"math"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// until waits for the user's timer ident and returns how often another timer has
// fired until then.
func until(t *testing.T, q *Queue, ident, other uintptr) (fired int64) {
	t.Helper()
	for {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		done := false
		for _, e := range events {
			if e.Filter != FilterTimer || e.Data < 1 || e.Flags&FlagError != 0 {
				t.Fatalf("got %v", e)
			}
			switch e.Ident {
			case ident:
				done = true
			case other:
				fired += e.Data
			}
		}
		if done {
			return fired
		}
	}
}

func TestTimerOneshot(t *testing.T) {
	q := kqtest.NewQueue(t)
	for _, period := range []time.Duration{500 * time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond, time.Second} {
		timer := TimerEvent(1, period).With(FlagOneshot)
		kqtest.NotEarly(t, period.String(), func() bool {
			start := time.Now()
			kqtest.Apply(t, q, timer)
			e := kqtest.WaitOne(t, q)
			took := time.Since(start)
			// macOS counts the periods that have passed.
			if e.Ident != 1 || e.Filter != FilterTimer || e.Data < 1 || e.Data > 1 && !kqtest.MacOS {
				t.Errorf("%v: got %v", period, e)
			}
			kqtest.WaitNone(t, q)
			kqtest.WaitGone(t, q, timer)
			return took < period
		})
	}
}

func TestTimerPeriodic(t *testing.T) {
	q := kqtest.NewQueue(t)
	const period = 10 * time.Millisecond
	kqtest.NotEarly(t, "periodic", func() bool {
		start := time.Now()
		kqtest.Apply(t, q, TimerEvent(1, period))
		var count int64
		for count < 10 {
			e := kqtest.WaitOne(t, q)
			if e.Data < 1 {
				t.Fatalf("got %v", e)
			}
			count += e.Data
		}
		passed := int64(time.Since(start) / period)
		kqtest.Apply(t, q, TimerEvent(1, period).Delete())
		return count > passed+1
	})
}

// Adding a timer again gives it the new period. DragonFly finishes the running
// period first (sys/kern/kern_event.c, kqueue_register).
func TestTimerAddedAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	if runtime.GOOS != "dragonfly" {
		kqtest.NotEarly(t, "shorter", func() bool {
			kqtest.Apply(t, q, TimerEvent(1, time.Hour))
			start := time.Now()
			kqtest.Apply(t, q, TimerEvent(1, 20*time.Millisecond))
			until(t, q, 1, 0)
			return time.Since(start) < 20*time.Millisecond
		})
	}
	// The old period may end once more before the change and, on DragonFly, once
	// after it. A timer that kept it would fire about ten times before the other one
	// does.
	kqtest.Apply(t, q, TimerEvent(1, 20*time.Millisecond))
	until(t, q, 1, 0)
	kqtest.Apply(t, q, TimerEvent(1, time.Hour))
	kqtest.Apply(t, q, TimerEvent(2, 200*time.Millisecond).With(FlagOneshot))
	if fired := until(t, q, 2, 1); fired > 2 {
		t.Errorf("the old period ended %d times after the timer was given a new one", fired)
	}
}

func TestTimerDeleted(t *testing.T) {
	q := kqtest.NewQueue(t)
	timer := TimerEvent(1, time.Millisecond)
	kqtest.Apply(t, q, timer)
	until(t, q, 1, 0)
	kqtest.Apply(t, q, timer.Delete()) // while it runs
	kqtest.Apply(t, q, TimerEvent(2, 30*time.Millisecond).With(FlagOneshot))
	if fired := until(t, q, 2, 1); fired != 0 {
		t.Errorf("it fired %d times after it was deleted", fired)
	}
	kqtest.WaitGone(t, q, timer)
}

// A timer goes on with its period after Disable and Enable.
func TestTimerEnable(t *testing.T) {
	q := kqtest.NewQueue(t)
	timer := TimerEvent(1, 5*time.Millisecond)
	kqtest.Apply(t, q, timer)
	until(t, q, 1, 0)
	kqtest.Apply(t, q, timer.Disable(), TimerEvent(2, 30*time.Millisecond).With(FlagOneshot))
	if fired := until(t, q, 2, 1); fired != 0 {
		t.Errorf("it was returned although it was disabled")
	}
	kqtest.Apply(t, q, timer.Enable())
	for range 3 {
		until(t, q, 1, 0)
	}
}

// Kernels disagree about periods of 0 and less, so TimerEvent passes the shortest
// period that they can express.
func TestTimerShortest(t *testing.T) {
	for _, period := range []time.Duration{0, -1, -time.Hour, math.MinInt64} {
		q := kqtest.NewQueue(t)
		timer := TimerEvent(1, period)
		kqtest.Apply(t, q, timer.With(FlagOneshot))
		until(t, q, 1, 0)
		kqtest.WaitGone(t, q, timer)
		if runtime.GOOS == "freebsd" {
			continue // a slow machine would do nothing but serve a timer of 1 ns
		}
		kqtest.Apply(t, q, timer)
		for range 3 { // it is periodic
			until(t, q, 1, 0)
		}
	}
}

// A period that the kernel cannot hold is refused. The longest one that is
// accepted does not fire at once.
func TestTimerLongest(t *testing.T) {
	const day = 24 * time.Hour
	longest := time.Duration(1 << 30 * time.Second) // FreeBSD: 34 years
	switch {
	case kqtest.MacOS:
		longest = 200 * 365 * day // with the time since 1970 it still fits into 64 bits
	case kqtest.CountsTicks:
		longest = 248 * day
	}
	q := kqtest.NewQueue(t)
	for i, period := range []time.Duration{25 * day, 100 * day, longest - time.Millisecond, longest} {
		if period > longest {
			continue
		}
		for name, apply := range kqtest.ApplyFuncs {
			if err := apply(q, TimerEvent(uintptr(i), period)); err != nil {
				t.Errorf("%v by %s: %v", period, name, err)
			}
		}
	}
	kqtest.Apply(t, q, TimerEvent(99, 50*time.Millisecond).With(FlagOneshot))
	if e := kqtest.WaitOne(t, q); e.Ident != 99 {
		t.Errorf("got %v", e)
	}
	if kqtest.MacOS {
		return // it has no limit but that of time.Duration
	}
	const tickLimit = 21474836*time.Second + 900*time.Millisecond // overflows on DragonFly
	for _, period := range []time.Duration{longest + 1, tickLimit, longest + day, math.MaxInt64} {
		if period > longest {
			kqtest.WantRefused(t, q, TimerEvent(200, period), unix.EINVAL)
			kqtest.WaitGone(t, q, TimerEvent(200, period))
		}
	}
}

// A timer with a negative Data is refused, except on macOS, where it fires at
// once and only once.
func TestTimerNegative(t *testing.T) {
	q := kqtest.NewQueue(t)
	for _, data := range []int64{-1, -1000, math.MinInt64} {
		timer := NewEvent(1, FilterTimer, FlagAdd, 0, data, 0)
		if kqtest.MacOS {
			kqtest.Apply(t, q, timer)
			until(t, q, 1, 0)
			kqtest.WaitNone(t, q)
			continue
		}
		kqtest.WantRefused(t, q, timer, unix.EINVAL)
		kqtest.WaitGone(t, q, timer)
	}
}

// A refused change of a running timer leaves the timer alone.
func TestTimerRefusedWhileItRuns(t *testing.T) {
	var bad []Event
	change := func(notes Note, data int64) {
		bad = append(bad, NewEvent(1, FilterTimer, FlagAdd, notes, data, 0))
	}
	if !kqtest.MacOS {
		change(0, -1)
		change(TimerEvent(1, 1).Fflags, math.MinInt64)
		bad = append(bad, TimerEvent(1, math.MaxInt64))
	}
	switch {
	case runtime.GOOS == "netbsd":
		change(0, 0)
	case runtime.GOOS == "freebsd", kqtest.Simulated:
		change(0x3, 1) // two units
		change(1<<20, 1)
	}
	if len(bad) == 0 {
		t.Skip("this system refuses no timer that the test could add")
	}
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, TimerEvent(1, 20*time.Millisecond))
	until(t, q, 1, 0)
	for _, timer := range bad {
		kqtest.WantRefused(t, q, timer, unix.EINVAL)
		until(t, q, 1, 0)
	}
	if err := q.Apply(TimerEvent(1, 0).Delete()); errors.Is(err, unix.ENOENT) {
		t.Error("the timer is gone")
	}
}
