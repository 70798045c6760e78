package kqueue_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// This file tests what only the simulated kernel does: see sim_linux_test.go.

func init() {
	limitUserEvents = func(t testing.TB, limit int64) {
		old := Sim.MaxUserEvents.Swap(limit)
		t.Cleanup(func() { Sim.MaxUserEvents.Store(old) })
	}
}

// An interrupted call goes on for the time that is left, and does not apply its
// changes again.
func TestSimulatedSignals(t *testing.T) {
	q := kqtest.NewQueue(t)
	defer Sim.Signals.Store(Sim.Signals.Swap(1))
	before := Sim.Interrupts.Load()
	buf := make([]Event, 1)
	const timeout = 20 * time.Millisecond
	for range 10 {
		kqtest.Apply(t, q, UserEvent(1))
		start := time.Now()
		n, err := q.Kevent([]Event{UserEvent(1).Delete()}, buf, timeout)
		if took := time.Since(start); n != 0 || err != nil || took < timeout {
			t.Fatalf("got %v, %v after %v", buf[:n], err, took)
		}
	}
	if n := Sim.Interrupts.Load() - before; n < 20 {
		t.Errorf("calls were interrupted %d times", n)
	}
}

// A call that is interrupted shortly before its timeout does not start anew.
func TestSimulatedLateSignal(t *testing.T) {
	q := kqtest.NewQueue(t)
	defer Sim.Signals.Store(Sim.Signals.Swap(0))
	const timeout, late, tooLate = 400 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond
	var took time.Duration
	for range 3 { // the machine may be busy
		start := time.Now()
		ended := make(chan bool)
		go func() {
			q.Wait(timeout)
			took = time.Since(start)
			close(ended)
		}()
		time.Sleep(late)
		Sim.Signals.Store(1)
		for before := Sim.Interrupts.Load(); Sim.Interrupts.Load() == before && time.Since(start) < timeout; {
			time.Sleep(time.Millisecond)
		}
		Sim.Signals.Store(0)
		if <-ended; took < tooLate {
			return
		}
	}
	t.Errorf("a wait of %v ended after %v", timeout, took)
}

// A copy of a Queue knows nothing of the calls of the original, so it does what a
// Queue must never do. The simulated kernel tells.
func TestSimulatedMisuse(t *testing.T) {
	original := kqtest.OpenQueue(t)
	twin := func() *Queue {
		q := new(Queue)
		reflect.ValueOf(q).Elem().Set(reflect.ValueOf(original).Elem())
		return q
	}
	first, second, third := twin(), twin(), twin()
	misuse := func(do func() error) (text string, err error) {
		defer func() { text, _ = recover().(string) }()
		return "", do()
	}

	defer Sim.Signals.Store(Sim.Signals.Swap(0))
	ended := kqtest.StartWaiters(t, original, 1)
	for Sim.Sleepers(original) == 0 {
		time.Sleep(time.Millisecond)
	}
	text, err := misuse(first.Close)
	if os.Getenv("KQUEUE_SIM") == "darwin" {
		if woken := <-ended; !errors.Is(woken, syscall.EBADF) || err != nil || text != "" {
			t.Errorf("the call returned %v, Close %v, %s", woken, err, text)
		}
	} else {
		if !strings.Contains(text, "calls inside") {
			t.Errorf("Close with a call inside: %v, %q", err, text)
		}
		if err := original.Close(); err != nil {
			t.Error(err)
		}
		kqtest.WantClosed(t, ended, 1)
	}
	for _, do := range []func() error{func() error { return second.Apply(UserEvent(1)) }, third.Close} {
		if text, err := misuse(do); !strings.Contains(text, "released") {
			t.Errorf("a call on a released descriptor: %v, %q", err, text)
		}
	}
}

// A kernel that ignores FlagReceipt, as NetBSD's did before 10, leaves out answers
// of a batch. Apply must not take anything else for them.
func TestSimulatedKernelWithoutReceipts(t *testing.T) {
	defer Sim.NoReceipts.Store(Sim.NoReceipts.Swap(true))
	good, bad := TimerEvent(1, time.Hour), ReadEvent(-1)
	many := make([]Event, 200)
	for i := range many {
		many[i] = good
	}
	pending := UserEvent(2)
	pending.Data = int64(syscall.ENOMEM) // which is the Data of the event, not an errno
	other := pending
	other.Ident++
	for name, test := range map[string]struct{ before, changes []Event }{
		"accepted":               {nil, []Event{good, good}},
		"the first one refused":  {nil, []Event{bad, good}},
		"the second one refused": {nil, []Event{good, bad}},
		"pending events":         {[]Event{pending, pending.Trigger()}, []Event{good, good}},
		"as many pending events": {[]Event{pending, other, pending.Trigger(), other.Trigger()}, []Event{good, good}},
		"with FlagError":         {nil, []Event{good.With(FlagError), good.With(FlagError)}},
		"several batches":        {nil, many},
	} {
		q := kqtest.NewQueue(t)
		for _, change := range test.before {
			kqtest.Apply(t, q, change)
		}
		if err := q.Apply(test.changes...); err == nil || strings.Count(err.Error(), "ignored FlagReceipt") != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, good) // a single change needs no receipt
	if err := q.Apply(bad); !errors.Is(err, syscall.EBADF) {
		t.Error(err)
	}
}

// Close wakes waiting calls by a user event, and by a pipe on a kernel without user
// events. In either case the event wakes one call at a time, except on DragonFly.
func TestSimulatedWakeUps(t *testing.T) {
	for _, noUserEvents := range []bool{false, true} {
		t.Run(fmt.Sprint("no user events: ", noUserEvents), func(t *testing.T) {
			defer Sim.NoUserEvents.Store(Sim.NoUserEvents.Swap(noUserEvents))
			fds, repeats := kqtest.OpenFDs(t), Sim.Repeats.Load()
			for _, count := range []int{1, 2, 50} {
				q := kqtest.NewQueue(t)
				if noUserEvents {
					kqtest.WantRefused(t, q, UserEvent(1), syscall.EINVAL)
				}
				ended := kqtest.StartWaiters(t, q, count)
				for Sim.Sleepers(q) < count {
					time.Sleep(time.Millisecond)
				}
				if err := q.Close(); err != nil {
					t.Fatal(err)
				}
				kqtest.WantClosed(t, ended, count)
			}
			kqtest.WantOpenFDs(t, fds)
			if n := Sim.Repeats.Load() - repeats; n != 0 && os.Getenv("KQUEUE_SIM") != "dragonfly" {
				t.Errorf("an event that was triggered once woke %d more calls", n)
			}
		})
	}
}

// The answers to changes that the package passes one at a time are those that the
// kernel gives to all of them together: nothing but FlagError is left of the flags.
func TestSimulatedAnswers(t *testing.T) {
	bad := NewEvent(^uintptr(0), FilterRead, FlagAdd|FlagClear|FlagReceipt, NoteLowat, 5, 77)
	good := UserEvent(1).With(FlagReceipt | FlagOneshot)
	careful := UserEvent(^uintptr(0)) // changes with the event of Close go one at a time
	var want []Event
	for _, changes := range [][]Event{{bad, good}, {bad, good, careful}} {
		q := kqtest.NewQueue(t)
		got := make([]Event, 4)
		n, err := q.Kevent(changes, got, 0)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got[:n]
		}
		if got = got[:n]; !slices.Equal(got, want) || n != 2 || got[0].Flags != FlagError || got[0].Err() != syscall.EBADF {
			t.Errorf("%v: got the answers %v, want %v", changes, got, want)
		}
	}
}

// The tests of waiting, changing and closing hold on simulated kernels that are
// like those of other systems too. The gate runs all tests on them.
func TestSimulatedSystems(t *testing.T) {
	if os.Getenv("KQUEUE_SIM") != "" {
		t.Skip("KQUEUE_SIM is set")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"dragonfly", "darwin"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, "-test.short", "-test.run=^Test(Apply|Close|Descriptor|Kevent|Simulated|Wait)")
			cmd.Env = append(os.Environ(), "KQUEUE_SIM="+system)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
