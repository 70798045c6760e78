package kqueue_test

import (
	"errors"
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
	stubKevent = StubKevent
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
		Sim.ExpectMisuse.Store(true)
		defer func() {
			text, _ = recover().(string)
			Sim.ExpectMisuse.Store(false)
		}()
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

// A kernel that leaves out answers of a batch, as those did that ignored
// FlagReceipt, makes Apply fail once.
func TestSimulatedKernelWithoutReceipts(t *testing.T) {
	q := kqtest.NewQueue(t)
	defer Sim.NoReceipts.Store(Sim.NoReceipts.Swap(true))
	good := TimerEvent(1, time.Hour)
	many := make([]Event, 3000)
	for i := range many {
		many[i] = good
	}
	for _, changes := range [][]Event{{good, good}, {good, ReadEvent(-1)}, many} {
		if err := q.Apply(changes...); err == nil || strings.Count(err.Error(), "ignored FlagReceipt") != 1 {
			t.Errorf("%d changes: got %v", len(changes), err)
		}
	}
	kqtest.Apply(t, q, good) // a single change needs no receipt
	if err := q.Apply(ReadEvent(-1)); !errors.Is(err, syscall.EBADF) {
		t.Error(err)
	}
}

// The event of Close wakes one call at a time, except on DragonFly.
func TestSimulatedWakeUps(t *testing.T) {
	fds, repeats := kqtest.OpenFDs(t), Sim.Repeats.Load()
	for _, count := range []int{1, 2, 50} {
		q := kqtest.NewQueue(t)
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
}

// A kernel without user events, or without room for one more, has no queue for the
// package, and New leaves no descriptor open.
func TestSimulatedNewWithoutAUserEvent(t *testing.T) {
	fds := kqtest.OpenFDs(t)
	Sim.NoUserEvents.Store(true)
	defer Sim.NoUserEvents.Store(false)
	q, err := New()
	if q != nil || !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "OpenBSD 7.8") {
		t.Errorf("without user events: got %v, %v", q, err)
	}
	kqtest.WantOpenFDs(t, fds)
}

// A queue whose descriptor does not admit changes any more, as Capsicum can have
// it, cannot wake a call. Close says so and does not wait, and the call releases
// the queue when it leaves.
func TestSimulatedCloseWithoutChanges(t *testing.T) {
	fds := kqtest.OpenFDs(t)
	q := kqtest.OpenQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r))
	ended := kqtest.StartWaiters(t, q, 1)
	for Sim.Sleepers(q) == 0 {
		time.Sleep(time.Millisecond)
	}
	Sim.NoChanges.Store(true)
	defer Sim.NoChanges.Store(false)
	err := q.Close()
	var call *os.SyscallError
	if !errors.Is(err, syscall.EPERM) || !errors.As(err, &call) || call.Syscall != "kevent" {
		t.Errorf("Close: got %v, want EPERM of kevent", err)
	}
	wantAllClosed(t, q)
	kqtest.Write(t, w, "x") // an event of the queue's own ends the wait
	kqtest.WantClosed(t, ended, 1)
	kqtest.CloseFD(r)
	kqtest.CloseFD(w)
	kqtest.WantOpenFDs(t, fds)
}

// Calls that come while the descriptor is being released neither use it nor release
// it again.
func TestSimulatedCallsDuringRelease(t *testing.T) {
	for _, waiters := range []int{0, 1, 3} {
		q := kqtest.OpenQueue(t)
		ended := kqtest.StartWaiters(t, q, waiters)
		for Sim.Sleepers(q) < waiters {
			time.Sleep(time.Millisecond)
		}
		releases := 0
		Sim.AtClose = func() {
			if releases++; releases == 1 {
				wantAllClosed(t, q)
			}
		}
		err := q.Close()
		Sim.AtClose = nil
		kqtest.WantClosed(t, ended, waiters)
		if err != nil || releases != 1 {
			t.Errorf("%d waiters: Close: %v, %d releases", waiters, err, releases)
		}
	}
}

// EINTR and its like end no wait, but where a change is answered with them they
// are the errno of that change. (A file system that can be interrupted might.)
func TestSimulatedChangeIsInterrupted(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EINTR, syscall.ETIMEDOUT} {
		q := kqtest.NewQueue(t)
		func() {
			Sim.AddErrno.Store(int32(errno))
			defer Sim.AddErrno.Store(0)
			for name, apply := range kqtest.ApplyFuncs {
				if name == "Kevent with less room than changes" {
					continue // the errno could be that of the wait
				}
				if err := apply(q, UserEvent(1)); !errors.Is(err, errno) {
					t.Errorf("%s: got %v, want %v", name, err, errno)
				}
			}
		}()
		kqtest.WaitGone(t, q, UserEvent(1))
	}
}

// The answers to changes that the package passes one at a time are those that the
// kernel gives to all of them together: nothing but FlagError is left of the flags.
func TestSimulatedAnswers(t *testing.T) {
	bad := NewEvent(^uintptr(0), FilterRead, FlagAdd|FlagClear|FlagReceipt, NoteLowat, 5, 77)
	good := UserEvent(1).With(FlagReceipt | FlagOneshot)
	refused := Event{Ident: 5} // by the package, so that the changes go one at a time
	var want []Event
	for _, changes := range [][]Event{{bad, good}, {bad, good, refused}} {
		q := kqtest.NewQueue(t)
		got := make([]Event, 4)
		n, err := q.Kevent(changes, got, 0)
		if n != len(changes) || err != nil {
			t.Fatalf("got %v, %v", got[:n], err)
		}
		if want == nil {
			want = got[:n]
		}
		if !slices.Equal(got[:2], want) || got[0].Flags != FlagError || got[0].Err() != syscall.EBADF {
			t.Errorf("%v: got the answers %v, want %v", changes, got[:n], want)
		}
		if n == 3 && (got[2].Ident != 5 || got[2].Filter != 0 || got[2].Err() != syscall.EINVAL) {
			t.Errorf("got the answer %v", got[2])
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
