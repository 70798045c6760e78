//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// inOwnProcess reports whether the test has a process of its own, with few
// threads. If not, it runs the test again in one.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	const variable = "KQUEUE_TEST_ALONE"
	if os.Getenv(variable) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Error(err)
	}
	return false
}

// A storm is another process that sends signals to this one as fast as it can.
type storm struct {
	// struck calls the functions that it receives on the thread that the signals
	// interrupt.
	struck chan func()
	caught atomic.Int64
}

// newStorm starts a storm that lasts until the test ends. Make the queue of the
// test later: on a busy machine, finding the thread that the signals interrupt
// may take longer than the watchdog of the queue allows.
func newStorm(t testing.TB) *storm {
	t.Helper()
	s := new(storm)
	c := make(chan os.Signal, 1000)
	signal.Notify(c, syscall.SIGTERM)
	sender := kqtest.StartChild(t, "storm")
	sender.Release()
	<-c
	go func() {
		for range c {
			s.caught.Add(1)
		}
	}()
	t.Cleanup(func() {
		sender.Process.Kill()
		sender.Wait()
		// There is no signal.Stop, because the last signals may still arrive, and
		// would end the process.
		t.Logf("%d signals were caught", s.caught.Load())
	})
	// Of the threads that do not block the signal, FreeBSD, DragonFly and macOS
	// interrupt the oldest one. NetBSD and OpenBSD interrupt the newest one, which
	// is the one that is made when the runtime has no idle thread left. On a busy
	// machine the signals may come too late for one try.
	for s.struck = kqtest.MainThread; !s.strikes(t); {
		if s.struck == kqtest.MainThread {
			s.struck = newThread(t)
		} else {
			s.struck = kqtest.MainThread
		}
	}
	return s
}

// strikes reports whether the storm interrupts several raw kevent calls.
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

// run calls do on the thread that is interrupted.
func (s *storm) run(do func()) {
	done := make(chan bool)
	s.struck <- func() {
		do()
		close(done)
	}
	<-done
}

// newThread returns the equivalent of mainThread for a new thread.
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
	s := newStorm(t)
	q := kqtest.NewQueue(t)
	const timeout = 300 * time.Millisecond
	buf := make([]Event, 1)
	for name, wait := range kqtest.WaitFuncs {
		var n int
		var err error
		start := time.Now()
		s.run(func() { n, err = wait(q, buf, timeout) })
		took := time.Since(start)
		if n != 0 || err != nil {
			t.Errorf("%s: got %d, %v", name, n, err)
		}
		if took < timeout {
			t.Errorf("%s: a wait of %v ended after %v", name, timeout, took)
		}
	}
}

// A signal does not end a poll with an error, nor a wait without an end.
func TestSignalsAndOtherTimeouts(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	s := newStorm(t)
	q := kqtest.NewQueue(t)
	for range 100 {
		var n int
		var err error
		s.run(func() { n, err = q.WaitInto(make([]Event, 1), 0) })
		if n != 0 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	for _, timeout := range []time.Duration{Forever, time.Hour} {
		kqtest.Apply(t, q, TimerEvent(1, 100*time.Millisecond).With(FlagOneshot))
		var events []Event
		var err error
		s.run(func() { events, err = q.Wait(timeout) })
		if len(events) != 1 || err != nil || events[0].Data < 1 {
			t.Fatalf("got %v, %v", events, err)
		}
	}
}

// After a signal, the changes of a combined call are not passed again: a delete
// would give ENOENT, and a timer or a trigger a second event.
func TestSignalsDoNotRepeatChanges(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	s := newStorm(t)
	q := kqtest.NewQueue(t)
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
		kqtest.Apply(t, q, UserEvent(1))
		// After the delete, there is nothing that could end the wait.
		got := combined(20*time.Millisecond, UserEvent(1).Delete())
		if len(got) != 0 {
			t.Fatalf("round %d: got %v", i, got)
		}
		// The timer would start again with each repetition.
		got = combined(Forever, TimerEvent(1, 10*time.Millisecond).With(FlagOneshot))
		if len(got) != 1 || got[0].Data < 1 {
			t.Fatalf("round %d: got %v", i, got)
		}
		e := UserEvent(2).With(FlagClear)
		got = combined(Forever, e, e.Trigger())
		if len(got) != 1 || got[0].Ident != 2 {
			t.Fatalf("round %d: got %v", i, got)
		}
		kqtest.WaitNone(t, q)
	}
}

func TestSignalsAndClose(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	s := newStorm(t)
	kqtest.Watchdog(t, kqtest.WatchdogTime)
	for range 50 {
		q := kqtest.OpenQueue(t)
		ended := kqtest.StartWaiters(t, q, 7)
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
		kqtest.WantClosed(t, ended, 7)
		kqtest.WantClosed(t, struck, 1)
	}
}
