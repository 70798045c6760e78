//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
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

// inOwnProcess reports whether the test has a process for itself, with few
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
		q, err := New()
		if err != nil {
			t.Fatal(err)
		}
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

// Each event of 1,000 descriptors must reach exactly one of 8 waiters.
func TestManyWaitersShareEvents(t *testing.T) {
	for name, flag := range map[string]Flag{"dispatch": FlagDispatch, "oneshot": FlagOneshot} {
		t.Run(name, func(t *testing.T) {
			raiseDescriptorLimit(t, 2100)
			q := newQueue(t)
			const total, workers, rounds = 1000, 8, 3
			index := make(map[uintptr]int)
			var readers, writers [total]int
			for i := range total {
				readers[i], writers[i] = newPipe(t)
				index[uintptr(readers[i])] = i
			}
			changes := make([]Event, total)
			for i := range changes {
				changes[i] = ReadEvent(readers[i]).With(flag | FlagEnable)
			}
			var seen [total]atomic.Int32
			var left atomic.Int64
			var group sync.WaitGroup
			roundDone := make(chan bool)
			for range workers {
				group.Add(1)
				go func() {
					defer group.Done()
					buf := make([]Event, 16)
					for {
						n, err := q.WaitInto(buf, Forever)
						if errors.Is(err, os.ErrClosed) {
							return
						}
						if err != nil {
							t.Error(err)
							return
						}
						for _, e := range buf[:n] {
							i, ok := index[e.Ident]
							if !ok || e.Filter != FilterRead || e.Data != 1 {
								t.Errorf("got %v", e)
							}
							seen[i].Add(1)
							if left.Add(-1) == 0 {
								roundDone <- true
							}
						}
					}
				}()
			}
			for round := range rounds {
				left.Store(total)
				for i := range total {
					write(t, writers[i], "x")
				}
				apply(t, q, changes...) // adds them, or enables them again
				<-roundDone
				for i := range total {
					if n := seen[i].Load(); n != int32(round+1) {
						t.Errorf("descriptor %d was seen %d times in %d rounds", i, n, round+1)
					}
					read(t, readers[i], 1)
				}
			}
			waitNone(t, q)
			q.Close()
			group.Wait()
		})
	}
}

func raiseDescriptorLimit(t testing.TB, want uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) >= want {
		return
	}
	if uint64(limit.Max) < want {
		t.Skipf("RLIMIT_NOFILE allows %d descriptors, %d are needed", limit.Max, want)
	}
	old := limit
	setLimit(&limit.Cur, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

// setLimit hides that a limit is signed on FreeBSD and DragonFly.
func setLimit[T int64 | uint64](limit *T, value uint64) {
	*limit = T(value)
}
