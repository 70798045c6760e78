//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestTimerOneshot(t *testing.T) {
	for _, period := range []time.Duration{500 * time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond, time.Second} {
		q := newQueue(t)
		start := time.Now()
		apply(t, q, TimerEvent(1, period).With(FlagOneshot))
		e := waitOne(t, q)
		took := time.Since(start)
		if e.Ident != 1 || e.Filter != FilterTimer || e.Data != 1 {
			t.Errorf("%v: got %v", period, e)
		}
		if took < period {
			t.Errorf("a timer of %v went off after %v", period, took)
		}
		waitNone(t, q)
		if err := q.Apply(NewEvent(1, FilterTimer, FlagDelete, 0, 0, 0)); err == nil {
			t.Errorf("%v: the timer is still there", period)
		}
		q.Close()
	}
}

func TestTimerPeriodic(t *testing.T) {
	q := newQueue(t)
	const period = 10 * time.Millisecond
	start := time.Now()
	apply(t, q, TimerEvent(1, period))
	var count int64
	for count < 10 {
		e := waitOne(t, q)
		if e.Data < 1 {
			t.Fatalf("got %v", e)
		}
		count += e.Data
		if passed := int64(time.Since(start) / period); count > passed+1 {
			t.Fatalf("went off %d times in %d periods", count, passed)
		}
	}
}

func TestTimerChanged(t *testing.T) {
	if runtime.GOOS == "dragonfly" {
		t.Skip("the kernel takes a new period when the old one is over (filt_timertouch)")
	}
	q := newQueue(t)
	apply(t, q, TimerEvent(1, time.Hour))
	start := time.Now()
	apply(t, q, TimerEvent(1, 20*time.Millisecond))
	if e := waitOne(t, q); e.Ident != 1 || e.Data < 1 {
		t.Errorf("got %v", e)
	}
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("a timer set to 20ms went off after %v", took)
	}
	apply(t, q, TimerEvent(1, time.Hour))
	waitNone(t, q)
}

func TestTimerDeleted(t *testing.T) {
	q := newQueue(t)
	remove := NewEvent(1, FilterTimer, FlagDelete, 0, 0, 0)
	apply(t, q, TimerEvent(1, time.Millisecond), TimerEvent(2, 30*time.Millisecond).With(FlagOneshot))
	if e := waitOne(t, q); e.Ident != 1 {
		t.Fatalf("got %v", e)
	}
	apply(t, q, remove) // while it runs
	if e := waitOne(t, q); e.Ident != 2 {
		t.Errorf("got %v, want the timer that is left", e)
	}
	if err := q.Apply(remove); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v, want ENOENT", err)
	}
}

// Kernels disagree about 0 and less, so TimerEvent sends 1; what they cannot
// hold they must refuse or clamp, not wrap.
func TestTimerExtremes(t *testing.T) {
	for _, period := range []time.Duration{0, -1, -time.Hour, -1 << 63} {
		q := newQueue(t)
		apply(t, q, TimerEvent(1, period).With(FlagOneshot))
		if e := waitOne(t, q); e.Data != 1 {
			t.Errorf("%v: got %v", period, e)
		}
	}
	for _, period := range []time.Duration{1<<63 - 1, 1 << 62, 200 * 365 * 24 * time.Hour, 25 * 24 * time.Hour, 100 * 24 * time.Hour} {
		q := newQueue(t)
		err := q.Apply(TimerEvent(1, period))
		t.Logf("%v: %v", period, err)
		waitNone(t, q)
	}
}
