//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestZeroAndNilQueueAreClosed(t *testing.T) {
	for name, q := range map[string]*Queue{"zero": new(Queue), "nil": nil} {
		buf := make([]Event, 1)
		calls := map[string]func() error{
			"Apply":    func() error { return q.Apply(ReadEvent(0)) },
			"Wait":     func() error { _, err := q.Wait(0); return err },
			"WaitInto": func() error { _, err := q.WaitInto(buf, 0); return err },
			"Kevent":   func() error { _, err := q.Kevent(nil, buf, 0); return err },
			"Close":    func() error { return q.Close() },
		}
		for call, do := range calls {
			if err := do(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s Queue: %s gave %v, want os.ErrClosed", name, call, err)
			}
		}
		if fd := q.Fd(); fd != ^uintptr(0) {
			t.Errorf("%s Queue: Fd() = %d", name, fd)
		}
	}
}

func TestCloseWakesWaiters(t *testing.T) {
	for _, count := range []int{0, 1, 8, 64, 500} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			q := openQueue(t)
			// To start that many threads may take long, so not under the watchdog.
			ended := waiters(t, q, count)
			watchdog(t, watchdogTime)
			// Most of them are inside the kernel when that many threads exist; that
			// some are not yet is as good a test.
			for range 100 {
				runtime.Gosched()
			}
			start := time.Now()
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			collect(t, ended, count)
			t.Logf("%d waiters were woken in %v", count, time.Since(start))
			if err := q.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("a second Close gave %v", err)
			}
		})
	}
}

// Events of the user's own, of every kind that stays triggered, must not keep
// waiters from being woken, and come back after the last one counts nowhere.
func TestCloseWithPendingEvents(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	e := UserEvent(1).With(FlagClear)
	apply(t, q, e)
	ended := waiters(t, q, 16)
	var stop atomic.Bool
	var appliers sync.WaitGroup
	for range 2 {
		appliers.Add(1)
		go func() {
			defer appliers.Done()
			for !stop.Load() {
				if err := q.Apply(WriteEvent(w).With(FlagDisable), UserEvent(2)); err != nil {
					if !errors.Is(err, os.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		}()
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, ended, 16)
	stop.Store(true)
	appliers.Wait()
}

func TestCloseFromMany(t *testing.T) {
	for range 50 {
		q := newQueue(t)
		ended := waiters(t, q, 4)
		results := make(chan error)
		const closers = 8
		for range closers {
			go func() { results <- q.Close() }()
		}
		succeeded := 0
		for range closers {
			if err := <-results; err == nil {
				succeeded++
			} else if !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		}
		if succeeded != 1 {
			t.Fatalf("%d of %d calls of Close succeeded", succeeded, closers)
		}
		collect(t, ended, 4)
	}
}

func TestCallsAfterClose(t *testing.T) {
	q := newQueue(t)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	buf := make([]Event, 1)
	for name, call := range map[string]func() error{
		"Apply":         func() error { return q.Apply(UserEvent(1)) },
		"Apply of many": func() error { return q.Apply(UserEvent(1), UserEvent(2)) },
		"Wait":          func() error { _, err := q.Wait(Forever); return err },
		"WaitInto":      func() error { _, err := q.WaitInto(buf, Forever); return err },
		"WaitInto nil":  func() error { _, err := q.WaitInto(nil, Forever); return err },
		"Kevent":        func() error { _, err := q.Kevent(nil, buf, Forever); return err },
		"Close":         func() error { return q.Close() },
	} {
		if err := call(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s gave %v, want os.ErrClosed", name, err)
		}
	}
	if fd := q.Fd(); fd != ^uintptr(0) {
		t.Errorf("Fd() = %d", fd)
	}
}

func TestCloseAtTheLimitOfUserEvents(t *testing.T) {
	q := newQueue(t)
	ended := waiters(t, q, 20)
	if !exhaustUserEvents(t) {
		t.Skipf("%s does not limit user events below 5,000", runtime.GOOS)
	}
	before := openFDs(t)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, ended, 20)
	if after := openFDs(t); after != before-1 {
		t.Errorf("%d descriptors are open, want %d", after, before-1)
	}
}

func TestCloseWithoutADescriptor(t *testing.T) {
	q := newQueue(t)
	ended := waiters(t, q, 20)
	exhaustDescriptors(t)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, ended, 20)
}

// With neither, Close cannot wake anyone. It must say so and not hang, and the
// queue must count as closed.
func TestCloseAtAllLimits(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r))
	ended := waiters(t, q, 1)
	for q.Fd() == ^uintptr(0) {
		runtime.Gosched()
	}
	if !exhaustUserEvents(t) {
		t.Skipf("%s does not limit user events below 5,000", runtime.GOOS)
	}
	release := exhaustDescriptors(t)
	err := q.Close()
	release()
	if err == nil {
		// The waiter was not inside yet, so nobody had to be woken.
		collect(t, ended, 1)
		return
	}
	if !errors.Is(err, unix.EMFILE) || !errors.Is(err, unix.ENOMEM) {
		t.Errorf("got %v, want EMFILE and ENOMEM", err)
	}
	if err := q.Apply(UserEvent(1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Apply after it gave %v", err)
	}
	before := openFDs(t)
	write(t, w, "x") // an event of the queue's own ends the wait
	collect(t, ended, 1)
	if after := openFDs(t); after != before-1 {
		t.Errorf("%d descriptors are open, want %d", after, before-1)
	}
}

// No call may ever use the number of a closed queue's descriptor that now
// belongs to something else: calls race with Close, and the freed number is
// taken at once by queues with an event of their own and by pipes.
func TestDescriptorReuse(t *testing.T) {
	watchdog(t, watchdogTime)
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	deadline := time.Now().Add(10 * time.Second) // a slow machine does fewer
	done := 0
	for ; done < rounds && time.Now().Before(deadline); done++ {
		q := openQueue(t)
		number := int(q.Fd())
		var calls sync.WaitGroup
		for i := range 4 {
			calls.Add(1)
			go func() {
				defer calls.Done()
				buf := make([]Event, 4)
				for {
					var n int
					var err error
					switch i {
					case 0:
						err = q.Apply(UserEvent(1))
					case 1:
						err = q.Apply(UserEvent(2), UserEvent(3))
					case 2:
						n, err = q.WaitInto(buf, Forever)
					case 3:
						n, err = q.Kevent([]Event{UserEvent(4)}, buf, Forever)
					}
					if errors.Is(err, os.ErrClosed) {
						return
					}
					if err != nil || n != 0 {
						t.Errorf("got %v, %v", buf[:n], err)
						return
					}
				}
			}()
		}
		for range rand.IntN(20) {
			runtime.Gosched()
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		// Take the number.
		other := openQueue(t)
		foreign := UserEvent(99)
		apply(t, other, foreign, foreign.Trigger())
		calls.Wait()
		if other.Fd() != uintptr(number) {
			t.Logf("round %d: the number %d was not reused", done, number)
		}
		if e := waitOne(t, other); e.Ident != 99 {
			t.Fatalf("got %v", e)
		}
		for i := uintptr(1); i <= 4; i++ {
			if err := other.Apply(NewEvent(i, FilterUser, FlagDelete, 0, 0, 0)); !errors.Is(err, unix.ENOENT) {
				t.Fatalf("a change reached a foreign queue: %v", err)
			}
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds", done)
}

func TestManyQueuesLeaveNothingOpen(t *testing.T) {
	watchdog(t, watchdogTime)
	before := openFDs(t)
	for i := range 10000 {
		q := openQueue(t)
		if i%100 == 0 {
			apply(t, q, UserEvent(1), TimerEvent(1, time.Hour))
		}
		if err := q.Close(); err != nil {
			t.Fatalf("queue %d: %v", i, err)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func TestNewWithoutADescriptor(t *testing.T) {
	newQueue(t)
	release := exhaustDescriptors(t)
	before := openFDs(t)
	for range 100 {
		q, err := New()
		var call *os.SyscallError
		if q != nil || !errors.Is(err, unix.EMFILE) || !errors.As(err, &call) || call.Syscall != "kqueue" {
			t.Fatalf("got %v, %v; want EMFILE", q, err)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	release()
	newQueue(t)
}

// The system's own limit of open files, ENFILE, is met only where it is lower
// than RLIMIT_NOFILE; to meet it disturbs all other programs, so this runs only
// when it is asked for.
func TestNewAtTheSystemsLimit(t *testing.T) {
	if os.Getenv("KQUEUE_EXHAUST") == "" {
		t.Skip("KQUEUE_EXHAUST is not set")
	}
	if runtime.GOOS == "openbsd" {
		t.Skip("closing many queues takes minutes: each close of a descriptor visits all queues of the process (knote_fdclose)")
	}
	watchdog(t, watchdogTime)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	raiseDescriptorLimit(t, min(6000, uint64(limit.Max)))
	before := openFDs(t)
	var queues []*Queue
	for {
		q, err := New()
		if err == nil {
			queues = append(queues, q)
			continue
		}
		t.Logf("%d queues, then %v", len(queues), err)
		if !errors.Is(err, unix.ENFILE) && !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENOMEM) {
			t.Errorf("got %v", err)
		}
		break
	}
	for _, q := range queues {
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}
