//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// A storm is another process that sends signals to this one as fast as it can.
type storm struct {
	// struck calls the functions it is sent on the thread that the kernel picks
	// for the signals.
	struck chan func()
	caught atomic.Int64
}

// newStorm starts a storm that lasts until the test's end.
func newStorm(t testing.TB) *storm {
	t.Helper()
	s := new(storm)
	c := make(chan os.Signal, 1000)
	signal.Notify(c, syscall.SIGTERM)
	sender := startChild(t, "storm")
	sender.release()
	<-c
	go func() {
		for range c {
			s.caught.Add(1)
		}
	}()
	t.Cleanup(func() {
		sender.Process.Kill()
		sender.Wait()
		// No signal.Stop: the last signals may still be on their way, and would
		// end the process.
		t.Logf("%d signals were caught", s.caught.Load())
	})
	// FreeBSD and DragonFly pick the oldest thread, NetBSD and OpenBSD the newest:
	// the one that is made when the runtime has no idle one left. On a busy
	// machine the storm may come too late for a try.
	for s.struck = mainThread; !s.strikes(t); {
		if s.struck == mainThread {
			s.struck = newThread(t)
		} else {
			s.struck = mainThread
		}
	}
	return s
}

// strikes reports whether the storm interrupts a raw kevent, time and again.
func (s *storm) strikes(t testing.TB) bool {
	t.Helper()
	fd, err := unix.Kqueue()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for range 3 {
		s.run(func() {
			_, err = unix.Kevent(fd, nil, make([]unix.Kevent_t, 1), &unix.Timespec{Nsec: 1e8})
		})
		if err != unix.EINTR {
			return false
		}
	}
	return true
}

// run calls do on the thread that is struck.
func (s *storm) run(do func()) {
	done := make(chan bool)
	s.struck <- func() {
		do()
		close(done)
	}
	<-done
}

// newThread is mainThread on a thread of its own.
func newThread(t testing.TB) chan func() {
	c := make(chan func())
	t.Cleanup(func() { close(c) })
	go func() {
		runtime.LockOSThread()
		for do := range c {
			do()
		}
	}()
	return c
}

func TestSignalsDoNotEndAWait(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	watchdog(t, watchdogTime)
	q := newQueue(t)
	s := newStorm(t)
	const timeout = 300 * time.Millisecond
	buf := make([]Event, 1)
	for name, wait := range map[string]func() (int, error){
		"Wait":     func() (int, error) { e, err := q.Wait(timeout); return len(e), err },
		"WaitInto": func() (int, error) { return q.WaitInto(buf, timeout) },
		"Kevent":   func() (int, error) { return q.Kevent(nil, buf, timeout) },
	} {
		var n int
		var err error
		start := time.Now()
		s.run(func() { n, err = wait() })
		took := time.Since(start)
		if n != 0 || err != nil {
			t.Errorf("%s: got %d, %v", name, n, err)
		}
		if took < timeout {
			t.Errorf("%s: a wait of %v ended after %v", name, timeout, took)
		}
	}
}

// A poll takes no longer for being interrupted, and Forever does not end.
func TestSignalsAndOtherTimeouts(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	q := newQueue(t)
	s := newStorm(t)
	for range 100 {
		var n int
		var err error
		s.run(func() { n, err = q.WaitInto(make([]Event, 1), 0) })
		if n != 0 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	for _, timeout := range []time.Duration{Forever, time.Hour} {
		apply(t, q, TimerEvent(1, 100*time.Millisecond).With(FlagOneshot))
		var events []Event
		var err error
		s.run(func() { events, err = q.Wait(timeout) })
		if len(events) != 1 || err != nil || events[0].Data != 1 {
			t.Fatalf("got %v, %v", events, err)
		}
	}
}

// After a signal the changes of a combined call must not be sent again: a
// delete would give ENOENT, a timer or a trigger a second event.
func TestSignalsDoNotRepeatChanges(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	watchdog(t, watchdogTime)
	q := newQueue(t)
	s := newStorm(t)
	buf := make([]Event, 4)
	for i := range 30 {
		combined := func(timeout time.Duration, changes ...Event) []Event {
			var n int
			var err error
			s.run(func() { n, err = q.Kevent(changes, buf, timeout) })
			if err != nil {
				t.Fatalf("round %d: %v", i, err)
			}
			return buf[:n]
		}
		apply(t, q, UserEvent(1))
		// The delete is applied, then nothing is there to end the wait.
		got := combined(20*time.Millisecond, NewEvent(1, FilterUser, FlagDelete, 0, 0, 0))
		if len(got) != 0 {
			t.Fatalf("round %d: got %v", i, got)
		}
		// The timer goes off once, and would start anew with each repetition.
		got = combined(Forever, TimerEvent(1, 10*time.Millisecond).With(FlagOneshot))
		if len(got) != 1 || got[0].Data != 1 {
			t.Fatalf("round %d: got %v", i, got)
		}
		e := UserEvent(2).With(FlagClear)
		got = combined(Forever, e, e.Trigger())
		if len(got) != 1 || got[0].Ident != 2 {
			t.Fatalf("round %d: got %v", i, got)
		}
		waitNone(t, q)
	}
}

func TestSignalsAndClose(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	watchdog(t, watchdogTime)
	s := newStorm(t)
	for range 50 {
		q := openQueue(t)
		ended := waiters(t, q, 7)
		struck := make(chan error, 1)
		inside := make(chan bool)
		go s.run(func() {
			close(inside)
			_, err := q.Wait(Forever)
			struck <- err
		})
		<-inside
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		collect(t, ended, 7)
		collect(t, struck, 1)
	}
}
