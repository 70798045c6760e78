//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// Short waits are never too short. Kernels that count clock ticks make them
// longer.
func TestShortWaits(t *testing.T) {
	q := kqtest.NewQueue(t)
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

// A timer with FlagOneshot has fired but was not returned yet when it is added
// again. On DragonFly, the old period is returned as if it were the new one, which
// never comes: delete the timer first.
func TestTimerFiredAndAddedAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	old := TimerEvent(1, time.Millisecond).With(FlagOneshot).WithUdata(1)
	fresh := TimerEvent(1, time.Hour).With(FlagOneshot).WithUdata(2)
	kqtest.Apply(t, q, old)
	waitPending(t, q)
	kqtest.Apply(t, q, fresh)
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	got := nothing
	if len(events) == 1 {
		got = fmt.Sprintf("data=%d, udata=%d", events[0].Data, events[0].Udata)
	}
	expect(t, "adding it with one hour", got)
	expect(t, "deleting it", errno(q.Apply(fresh.Delete())))

	kqtest.Apply(t, q, old)
	waitPending(t, q)
	kqtest.Apply(t, q, old.Delete(), fresh)
	expect(t, "EV_DELETE, then adding it with one hour", poll(t, q))
	kqtest.Apply(t, q, fresh.Delete())
}

// A timer that fires while it is disabled is returned when it is enabled, but on
// macOS, FlagEnable starts its period anew.
func TestTimerFiresWhileDisabled(t *testing.T) {
	q := kqtest.NewQueue(t)
	timer := TimerEvent(1, 2*time.Second)
	kqtest.Apply(t, q, timer.With(FlagDisable))
	sleepOn(t, 2500*time.Millisecond)
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, timer.Enable())
	expect(t, "enabling it", returned(t, q))
}

// timerAt is a timer that fires at a point in time.
func timerAt(t *testing.T, ident uintptr, at time.Time) Event {
	t.Helper()
	name := "ABSTIME"
	if kqtest.MacOS {
		name = "ABSOLUTE"
	}
	notes := noteNamed(t, name) | noteNamed(t, "NSECONDS")
	return NewEvent(ident, FilterTimer, FlagAdd, notes, at.UnixNano(), 0)
}

// A point in time that has passed fires at once.
func TestTimerInThePast(t *testing.T) {
	for _, ago := range []time.Duration{0, time.Second, time.Hour, 24 * 365 * time.Hour} {
		q := kqtest.NewQueue(t)
		timer := timerAt(t, 1, time.Now().Add(-ago)).With(FlagOneshot)
		kqtest.Apply(t, q, timer)
		if e := kqtest.WaitOne(t, q); e.Ident != 1 || e.Filter != FilterTimer || e.Data < 1 {
			t.Errorf("%v ago: got %v", ago, e)
		}
		kqtest.WaitNone(t, q)
		kqtest.WaitGone(t, q, timer)
	}
}

// A point in time that is to come fires then. Without FlagClear and FlagOneshot,
// the event stays triggered, except on macOS. On NetBSD, a timer without FlagOneshot
// goes on with the time that was left when it was added as its period.
func TestTimerInTheFuture(t *testing.T) {
	q := kqtest.NewQueue(t)
	kqtest.NotEarly(t, "in 100ms", func() bool {
		start := time.Now()
		kqtest.Apply(t, q, timerAt(t, 1, start.Add(100*time.Millisecond)))
		kqtest.WaitOne(t, q)
		took := time.Since(start)
		expect(t, "it has fired", returned(t, q))
		expect(t, "deleting it", errno(q.Apply(timerAt(t, 1, start).Delete())))
		return took < 100*time.Millisecond
	})

	// NetBSD repeats it with the time that is left when it is added, if any is
	// (sys/kern/kern_event.c, filt_timercompute).
	for left := 50 * time.Millisecond; ; left *= 2 {
		at := time.Now().Add(left)
		kqtest.Apply(t, q, timerAt(t, 2, at).With(FlagClear))
		inTime := time.Now().Before(at)
		kqtest.WaitOne(t, q)
		if inTime {
			sleepOn(t, 3*left)
			break
		}
		q.Apply(timerAt(t, 2, at).Delete())
	}
	expect(t, "with EV_CLEAR, 3 times as long later", returned(t, q))
}

// Each unit of a period, and the same time in the unit of TimerEvent.
func TestTimerUnits(t *testing.T) {
	const period = time.Second
	q := kqtest.NewQueue(t)
	for name, data := range map[string]int64{"SECONDS": 1, "MSECONDS": 1e3, "USECONDS": 1e6, "NSECONDS": 1e9} {
		note := Note(0)
		if !kqtest.MacOS || name != "MSECONDS" { // macOS has no note for them: they are the default
			note = noteNamed(t, name)
		}
		timer := NewEvent(1, FilterTimer, FlagAdd|FlagOneshot, note, data, 0)
		kqtest.NotEarly(t, name, func() bool {
			start := time.Now()
			kqtest.Apply(t, q, timer, TimerEvent(2, time.Minute).With(FlagOneshot))
			if e := kqtest.WaitOne(t, q); e.Ident != 1 {
				t.Errorf("%s: got %v", name, e)
			}
			return time.Since(start) < period
		})
	}
}

// Timers whose time may be changed by the system, or is counted by another clock.
func TestTimerClocks(t *testing.T) {
	machtime, continuous := noteNamed(t, "MACHTIME"), noteNamed(t, "MACH_CONTINUOUS_TIME")
	leeway, critical, background := noteNamed(t, "LEEWAY"), noteNamed(t, "CRITICAL"), noteNamed(t, "BACKGROUND")
	q := kqtest.NewQueue(t)
	const period = 20 * time.Millisecond
	for _, note := range []Note{leeway, critical, background, continuous} {
		timer := TimerEvent(1, period).With(FlagOneshot)
		timer.Fflags |= note
		start := time.Now()
		kqtest.Apply(t, q, timer)
		kqtest.WaitOne(t, q)
		if took := time.Since(start); took < period {
			t.Errorf("%v fired after %v", timer, took)
		}
	}
	// A unit of mach_absolute_time is a nanosecond on Intel and longer on Apple
	// silicon.
	for _, note := range []Note{machtime, machtime | continuous} {
		timer := NewEvent(1, FilterTimer, FlagAdd|FlagOneshot, note, int64(period), 0)
		start := time.Now()
		kqtest.Apply(t, q, timer)
		kqtest.WaitOne(t, q)
		if took := time.Since(start); took < period {
			t.Errorf("%v fired after %v", timer, took)
		}
	}
	seconds, microseconds, nanoseconds := noteNamed(t, "SECONDS"), noteNamed(t, "USECONDS"), noteNamed(t, "NSECONDS")
	for name, units := range map[string]Note{"NOTE_SECONDS and NOTE_NSECONDS": seconds | nanoseconds, "NOTE_USECONDS and NOTE_MACHTIME": microseconds | machtime} {
		expect(t, name, errno(q.Apply(NewEvent(1, FilterTimer, FlagAdd, units, 1e9, 0))))
	}
}

// Periods that not all kernels can hold. The package refuses those that a kernel
// would take for short ones.
func TestTimerTooLong(t *testing.T) {
	q := kqtest.NewQueue(t)
	for name, period := range map[string]int64{"1<<62 ms": 1 << 62, "40 years in ms": 40 * 365 * 24 * 3600 * 1000} {
		timer := NewEvent(1, FilterTimer, FlagAdd|FlagOneshot, 0, period, 0)
		err := q.Apply(timer)
		expect(t, name, errno(err))
		kqtest.WaitNone(t, q)
		if err == nil {
			kqtest.Apply(t, q, timer.Delete())
		}
	}
}

// A timer with FlagDispatch that has been returned is disabled, and goes on.
func TestTimerDispatch(t *testing.T) {
	const period = 10 * time.Millisecond
	later := TimerEvent(1, time.Hour).With(FlagDispatch)
	for name, change := range map[string]Event{
		"EV_ENABLE":                     later.Enable(),
		"EV_ADD|EV_ENABLE with an hour": later.With(FlagEnable),
	} {
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, TimerEvent(1, period).With(FlagDispatch))
		kqtest.WaitOne(t, q)
		sleepOn(t, 10*period)
		expect(t, "while it is disabled", returned(t, q))
		if thisSystem == "netbsd" {
			return // it is not disabled
		}
		kqtest.Apply(t, q, change)
		expect(t, name, returned(t, q))
	}
}

// A process is stopped while it waits. A timer and the timeout of the wait pass
// before it goes on.
func TestTimersWhileStopped(t *testing.T) {
	const (
		tick    = 10 * time.Millisecond
		due     = time.Second
		stopped = 3 * time.Second
	)
	once, ticks := TimerEvent(1, due).With(FlagOneshot), TimerEvent(2, tick)
	switch peerTask() {
	case "wait":
		q := kqtest.NewQueue(t)
		added := time.Now()
		kqtest.Apply(t, q, once)
		say("ready")
		began := time.Now()
		events, err := q.Wait(due + due/4)
		if err != nil {
			t.Fatal(err)
		}
		if began.Sub(added) > due/2 || time.Since(began) < 2*due {
			say("again") // it was not stopped during the wait
			return
		}
		say(len(events), " events, then ", returned(t, q))
		return
	case "count":
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, ticks)
		say("ready")
		hearTest()
		if events, err := q.Wait(0); err != nil || len(events) != 1 || events[0].Data < int64(stopped/tick/10) {
			say(events, err)
		}
		say("counts on")
		return
	}
	stop := func(task string) string {
		p := startPeer(t, task, nil)
		p.hear(t)
		sleepOn(t, due/4) // for it to begin the wait
		if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Wait4(p.Process.Pid, nil, unix.WUNTRACED, nil); err != nil {
			t.Fatal(err)
		}
		sleepOn(t, stopped)
		if err := p.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if task == "count" {
			p.goOn(t)
		}
		return p.hear(t)
	}
	got := stop("wait")
	for range 10 {
		if got != "again" {
			break
		}
		got = stop("wait")
	}
	expect(t, "the wait returns", got)
	expect(t, "a periodic timer", stop("count"))
}

// One-shot timers that have fired count against the limit until they are returned.
func TestTimersFiredAndTheLimit(t *testing.T) {
	limit := 5000
	switch thisSystem {
	case "darwin":
		t.Skip("there is no limit")
	case "dragonfly":
		t.Skip("the limit is too large to be reached quickly")
	}
	q := kqtest.NewQueue(t)
	var err error
	added := 0
	for ; added < limit && err == nil; added++ {
		if err = q.Apply(TimerEvent(uintptr(added), 1).With(FlagOneshot)); err == nil && added == 0 {
			waitPending(t, q)
		}
	}
	time.Sleep(100 * time.Millisecond) // sleepOn would need a timer
	expect(t, "all have fired, adding another one", errno(q.Apply(TimerEvent(uintptr(limit), 1).With(FlagOneshot))))
	if events, err := q.Wait(0); len(events) == 0 || err != nil {
		t.Fatalf("got %v, %v", events, err)
	}
	expect(t, "some were returned, adding another one", errno(q.Apply(TimerEvent(uintptr(limit), 1).With(FlagOneshot))))
}

// Periods of 0 and less, and whether the timer fires more than once. The package
// refuses those that a kernel gets wrong.
func TestTimerShortest(t *testing.T) {
	for _, period := range []int64{0, -1} {
		q := kqtest.NewQueue(t)
		err := q.Apply(NewEvent(1, FilterTimer, FlagAdd, 0, period, 0))
		expect(t, fmt.Sprint(period, ", adding it"), errno(err))
		if err != nil {
			continue
		}
		kqtest.WaitOne(t, q)
		sleepOn(t, 200*time.Millisecond)
		expect(t, fmt.Sprint(period, ", it has fired"), returned(t, q))
	}
}

// A periodic timer is added again with FlagOneshot.
func TestTimerMadeOneshot(t *testing.T) {
	q := kqtest.NewQueue(t)
	timer := TimerEvent(1, 20*time.Millisecond)
	kqtest.Apply(t, q, timer)
	kqtest.Apply(t, q, timer.With(FlagOneshot))
	kqtest.WaitOne(t, q)
	sleepOn(t, 200*time.Millisecond)
	expect(t, "it has fired", returned(t, q))
}

// A bit that is no unit of a period.
func TestTimerUnknownNote(t *testing.T) {
	q := kqtest.NewQueue(t)
	expect(t, "0x800 in `fflags`", errno(q.Apply(NewEvent(1, FilterTimer, FlagAdd, 0x800, 3600*1000, 0))))
}
