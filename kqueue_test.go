//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// closedCalls are all methods of a Queue that must fail when it is closed.
var closedCalls = map[string]func(q *Queue) error{
	"Apply":            func(q *Queue) error { return q.Apply(UserEvent(1)) },
	"Apply of several": func(q *Queue) error { return q.Apply(UserEvent(1), UserEvent(2)) },
	"Apply of nothing": func(q *Queue) error { return q.Apply() },
	"Wait":             func(q *Queue) error { _, err := q.Wait(Forever); return err },
	"WaitInto":         func(q *Queue) error { _, err := q.WaitInto(make([]Event, 1), Forever); return err },
	"WaitInto nothing": func(q *Queue) error { _, err := q.WaitInto(nil, Forever); return err },
	"Kevent":           func(q *Queue) error { _, err := q.Kevent(nil, make([]Event, 1), Forever); return err },
	"Kevent of a refused change": func(q *Queue) error {
		_, err := q.Kevent([]Event{UserEvent(^uintptr(0))}, make([]Event, 1), Forever)
		return err
	},
	"Close": (*Queue).Close,
}

// wantAllClosed checks that all methods of q say that it is closed.
func wantAllClosed(t *testing.T, q *Queue) {
	t.Helper()
	for name, call := range closedCalls {
		err := call(q)
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s gave %v, want os.ErrClosed", name, err)
			continue
		}
		operation, _, _ := strings.Cut(strings.ToLower(name), " ")
		operation = strings.TrimSuffix(operation, "into")
		if want := "kqueue: " + operation + ": the queue is closed"; err.Error() != want {
			t.Errorf("%s gave %q, want %q", name, err, want)
		}
	}
	if fd := q.Fd(); fd != ^uintptr(0) {
		t.Errorf("Fd() = %d", fd)
	}
}

func TestZeroAndNilQueueAreClosed(t *testing.T) {
	t.Run("zero", func(t *testing.T) { wantAllClosed(t, new(Queue)) })
	t.Run("nil", func(t *testing.T) { wantAllClosed(t, nil) })
}

func TestCallsAfterClose(t *testing.T) {
	q := kqtest.NewQueue(t)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	wantAllClosed(t, q)
}

func TestCloseWakesWaiters(t *testing.T) {
	for _, count := range []int{0, 1, 8, 64, maxWaiters()} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			q := kqtest.OpenQueue(t)
			fd := int(q.Fd())
			ended := kqtest.StartWaiters(t, q, count)
			kqtest.Watchdog(t, kqtest.WatchdogTime) // starting that many threads may take long
			// Most of them are inside the kernel once that many threads exist. It
			// does not matter if some are not yet.
			for range 100 {
				runtime.Gosched()
			}
			start := time.Now()
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			if err := unix.Fstat(fd, new(unix.Stat_t)); err != unix.EBADF {
				t.Errorf("after Close, the descriptor gives %v, want EBADF", err)
			}
			kqtest.WantClosed(t, ended, count)
			t.Logf("%d waiters were woken in %v", count, time.Since(start))
			if err := q.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("a second Close gave %v", err)
			}
		})
	}
}

// callUntilClosed starts a goroutine of group that repeats call until it says that
// the queue is closed. No call may return an event or another error, but the
// event that a change is meant for may be missing.
func callUntilClosed(t *testing.T, group *sync.WaitGroup, call func() (int, error)) {
	group.Add(1)
	go func() {
		defer group.Done()
		for {
			n, err := call()
			if errors.Is(err, os.ErrClosed) {
				return
			}
			if n != 0 || err != nil && !errors.Is(err, unix.ENOENT) {
				t.Errorf("got %d, %v", n, err)
				return
			}
		}
	}()
}

// inRounds calls do, which is told the number of the round, for so many rounds as
// a slow machine does in a few seconds, but at most limit.
func inRounds(t *testing.T, limit int, do func(round int)) {
	t.Helper()
	kqtest.Watchdog(t, kqtest.WatchdogTime)
	if testing.Short() {
		limit /= 20
	}
	round := 0
	for start := time.Now(); round < limit && time.Since(start) < 10*time.Second; round++ {
		do(round)
	}
	t.Logf("%d rounds", round)
}

// Calls that come and go while Close wakes the others must not take the wake-up
// with them.
func TestCloseDuringCalls(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	ended := kqtest.StartWaiters(t, q, 16)
	var appliers sync.WaitGroup
	for range 2 {
		callUntilClosed(t, &appliers, func() (int, error) {
			return 0, q.Apply(WriteEvent(w).With(FlagDisable), UserEvent(2))
		})
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	kqtest.WantClosed(t, ended, 16)
	appliers.Wait()
}

func TestCloseFromMany(t *testing.T) {
	for range 50 {
		q := kqtest.NewQueue(t)
		ended := kqtest.StartWaiters(t, q, 4)
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
		kqtest.WantClosed(t, ended, 4)
	}
}

// The program may not touch the event with which Close wakes the waiters, whatever
// the change is and however it is passed.
func TestEventOfCloseIsRefused(t *testing.T) {
	q := kqtest.NewQueue(t)
	ended := kqtest.StartWaiters(t, q, 9)
	e := UserEvent(^uintptr(0))
	for _, change := range []Event{
		e, e.With(FlagClear), e.With(FlagOneshot), e.With(FlagDispatch), e.With(FlagDisable),
		e.Disable(), e.Enable(), e.Trigger(), e.Delete(), e.Trigger().With(FlagAdd),
	} {
		kqtest.WantRefused(t, q, change, unix.EINVAL)
	}
	kqtest.WaitGone(t, q, UserEvent(^uintptr(0)-1)) // a neighbor is not refused
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	kqtest.WantClosed(t, ended, 9)
}

// Close needs no memory, user event or descriptor.
func TestCloseAtTheLimits(t *testing.T) {
	for _, count := range []int{1, 20, 200} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			q := kqtest.NewQueue(t)
			limited := exhaustUserEvents(t)
			ended := kqtest.StartWaiters(t, q, count)
			before := kqtest.OpenFDs(t)
			exhaustDescriptors(t)
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			kqtest.WantClosed(t, ended, count)
			t.Logf("the user events were exhausted too: %v; %d descriptors were open", limited, before)
		})
	}
}

// New needs room for one user event, and leaves nothing open where there is none.
func TestNewAtTheLimitOfUserEvents(t *testing.T) {
	if !exhaustUserEvents(t) {
		t.Skipf("%s does not limit user events to less than 5,000", runtime.GOOS)
	}
	before := kqtest.OpenFDs(t)
	q, err := New()
	var call *os.SyscallError
	if q != nil || !errors.Is(err, unix.ENOMEM) || !errors.As(err, &call) || call.Syscall != "kevent" {
		t.Errorf("got %v, %v; want ENOMEM of kevent", q, err)
	}
	kqtest.WantOpenFDs(t, before)
}

// A program stops a loop by a user event: the loop sees it and closes the queue.
// The change that triggers it has been applied by then, so it does not fail.
func TestChangesAreReportedAsTaken(t *testing.T) {
	stop := UserEvent(1)
	ways := []func(q *Queue) error{
		func(q *Queue) error { return q.Apply(stop.Trigger()) },
		func(q *Queue) error { return q.Apply(UserEvent(2), stop.Trigger()) },
		func(q *Queue) error { _, err := q.Kevent([]Event{stop.Trigger()}, nil, 0); return err },
		func(q *Queue) error { // with a refused change, which Kevent returns
			var buf [4]Event
			n, err := q.Kevent([]Event{stop.Trigger(), ReadEvent(-1)}, buf[:], Forever)
			if err == nil && (n != 1 || buf[0].Err() != unix.EBADF) {
				err = fmt.Errorf("got %v", buf[:n])
			}
			return err
		},
		func(q *Queue) error { // likewise, without room for it
			if _, err := q.Kevent([]Event{stop.Trigger(), ReadEvent(-1)}, nil, Forever); !errors.Is(err, unix.EBADF) {
				return fmt.Errorf("got %v", err)
			}
			return nil
		},
	}
	inRounds(t, 2000, func(round int) {
		q := kqtest.OpenQueue(t)
		kqtest.Apply(t, q, stop)
		closed := make(chan error)
		go func() {
			_, err := q.Wait(Forever)
			closed <- errors.Join(err, q.Close())
		}()
		if err := ways[round%len(ways)](q); err != nil {
			t.Fatalf("way %d: %v", round%len(ways), err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
	})
}

// A change happens before the wait that returns its event, so a program may pass
// memory that way. The race detector knows.
func TestTriggerHappensBeforeItsWait(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1).With(FlagClear)
	kqtest.Apply(t, q, e)
	const rounds = 1000
	var memory, seen int
	back := make(chan bool, 1)
	go func() {
		for range rounds {
			memory++
			if err := q.Apply(e.Trigger()); err != nil {
				t.Error(err)
			}
			<-back
		}
	}()
	for range rounds {
		kqtest.WaitOne(t, q)
		if seen++; memory != seen {
			t.Fatalf("got %d, want %d", memory, seen)
		}
		back <- true
	}
}

// No call may use the number of a closed queue's descriptor after it belongs to
// something else. Here calls race with Close, and another queue takes the number
// at once.
func TestDescriptorReuse(t *testing.T) {
	reused := 0
	inRounds(t, 2000, func(int) {
		q := kqtest.OpenQueue(t)
		number := q.Fd()
		var calls sync.WaitGroup
		buf, buf2 := make([]Event, 4), make([]Event, 4)
		for _, call := range []func() (int, error){
			func() (int, error) { return 0, q.Apply(UserEvent(1)) },
			func() (int, error) { return 0, q.Apply(UserEvent(2), UserEvent(3)) },
			func() (int, error) { return q.WaitInto(buf, Forever) },
			func() (int, error) { return q.Kevent([]Event{UserEvent(4)}, buf2, Forever) },
		} {
			callUntilClosed(t, &calls, call)
		}
		for range rand.IntN(20) {
			runtime.Gosched()
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		other := kqtest.OpenQueue(t)
		if other.Fd() == number {
			reused++
		}
		foreign := UserEvent(99)
		kqtest.Apply(t, other, foreign, foreign.Trigger())
		calls.Wait()
		if e := kqtest.WaitOne(t, other); e.Ident != 99 {
			t.Fatalf("got %v", e)
		}
		for i := range uintptr(5) {
			kqtest.WaitGone(t, other, UserEvent(i)) // no change has reached this queue
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if reused == 0 {
		t.Error("no number was reused")
	}
}

func TestManyQueuesLeaveNothingOpen(t *testing.T) {
	kqtest.Watchdog(t, kqtest.WatchdogTime)
	before := kqtest.OpenFDs(t)
	for i := range 10000 {
		q := kqtest.OpenQueue(t)
		if i%100 == 0 {
			kqtest.Apply(t, q, UserEvent(1), TimerEvent(1, time.Hour))
		}
		if err := q.Close(); err != nil {
			t.Fatalf("queue %d: %v", i, err)
		}
	}
	kqtest.WantOpenFDs(t, before)
}

func TestNewIsCloseOnExec(t *testing.T) {
	kqtest.NewQueue(t)
	c := kqtest.StartChild(t, "cloexec")
	c.Release()
	if err := c.Wait(); err != nil {
		t.Errorf("the descriptor is open after exec: %v", err)
	}
}

func TestNewWithoutADescriptor(t *testing.T) {
	kqtest.NewQueue(t)
	release := exhaustDescriptors(t)
	before := kqtest.OpenFDs(t)
	for range 100 {
		q, err := New()
		var call *os.SyscallError
		if q != nil || !errors.Is(err, unix.EMFILE) || !errors.As(err, &call) || call.Syscall != "kqueue" {
			t.Fatalf("got %v, %v; want EMFILE", q, err)
		}
	}
	kqtest.WantOpenFDs(t, before)
	release()
	kqtest.NewQueue(t)
}

// At the system's limit of open files, New fails with ENFILE. Reaching it disturbs
// all other programs, so this test runs only on request.
func TestNewAtTheSystemsLimit(t *testing.T) {
	if os.Getenv("KQUEUE_EXHAUST") == "" {
		t.Skip("KQUEUE_EXHAUST is not set")
	}
	if runtime.GOOS == "openbsd" {
		t.Skip("closing many queues takes minutes: each close of a descriptor visits all queues of the process (knote_fdclose)")
	}
	kqtest.Watchdog(t, kqtest.WatchdogTime)
	kqtest.RaiseDescriptorLimit(t, min(6000, kqtest.MaxDescriptors(t)))
	before := kqtest.OpenFDs(t)
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
	kqtest.WantOpenFDs(t, before)
}
