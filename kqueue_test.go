//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	"Kevent of the event of Close": func(q *Queue) error {
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

// closeEvent is an event of the program with the key of the event with which
// Close wakes the waiters. Close must work in any state of it.
var closeEvent = UserEvent(^uintptr(0))

func TestCloseOverwritesItsEvent(t *testing.T) {
	for name, changes := range map[string][]Event{
		"plain":              {closeEvent},
		"cleared":            {closeEvent.With(FlagClear)},
		"oneshot":            {closeEvent.With(FlagOneshot)},
		"dispatch":           {closeEvent.With(FlagDispatch)},
		"added disabled":     {closeEvent.With(FlagDisable)},
		"disabled":           {closeEvent, closeEvent.Disable()},
		"disabled, cleared":  {closeEvent.With(FlagClear | FlagDisable)},
		"disabled, oneshot":  {closeEvent.With(FlagOneshot | FlagDisable)},
		"disabled, dispatch": {closeEvent.With(FlagDispatch | FlagDisable)},
		"disabled, pending":  {closeEvent.With(FlagDisable), closeEvent.Trigger()},
	} {
		t.Run(name, func(t *testing.T) {
			q := kqtest.NewQueue(t)
			kqtest.Apply(t, q, changes...)
			ended := kqtest.StartWaiters(t, q, 9)
			for range 20 {
				runtime.Gosched()
			}
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			kqtest.WantClosed(t, ended, 9)
		})
	}
}

// The program deletes, disables and adds the event of Close while Close uses it,
// also by calls that then wait. Half of the rounds have only one call, because no
// other one then makes up for a lost wake-up.
func TestCloseDuringChangesOfItsEvent(t *testing.T) {
	changes := [][]Event{
		{closeEvent.Delete()},
		{closeEvent.Disable()},
		{closeEvent.With(FlagDisable)},
		{closeEvent.With(FlagOneshot)},
		{closeEvent.With(FlagDispatch)},
		{closeEvent, closeEvent.Delete()},
		{closeEvent.Delete(), closeEvent.With(FlagDisable)},
		{closeEvent.Delete(), closeEvent.With(FlagOneshot)},
		{UserEvent(1), closeEvent.Disable(), UserEvent(2), UserEvent(3)},
	}
	inRounds(t, 2000, func(round int) {
		q := kqtest.OpenQueue(t)
		var calls sync.WaitGroup
		var started atomic.Bool
		change := changes[rand.IntN(len(changes))]
		callUntilClosed(t, &calls, func() (int, error) {
			started.Store(true)
			buf := make([]Event, 4)
			n, err := q.Kevent(change, buf, Forever)
			if refused := kqtest.EventErrors(buf[:n]); refused != nil {
				return 0, refused
			}
			return n, err
		})
		if round%2 == 0 {
			change := changes[rand.IntN(len(changes))]
			callUntilClosed(t, &calls, func() (int, error) { return 0, q.Apply(change...) })
			for _, wait := range kqtest.WaitFuncs {
				callUntilClosed(t, &calls, func() (int, error) { return wait(q, make([]Event, 1), Forever) })
			}
		}
		for !started.Load() {
			runtime.Gosched()
		}
		for range rand.IntN(100) { // up to a few microseconds
			q.Fd()
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		calls.Wait()
	})
}

// Without a user event left, Close wakes the waiters by a pipe.
func TestCloseAtTheLimitOfUserEvents(t *testing.T) {
	if !exhaustUserEvents(t) {
		t.Skipf("%s does not limit user events to less than 5,000", runtime.GOOS)
	}
	for _, count := range []int{1, 20, 200} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			q := kqtest.NewQueue(t)
			ended := kqtest.StartWaiters(t, q, count)
			for range 100 {
				runtime.Gosched()
			}
			before := kqtest.OpenFDs(t)
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			kqtest.WantClosed(t, ended, count)
			kqtest.WantOpenFDs(t, before-1)
		})
	}
}

func TestCloseWithoutADescriptor(t *testing.T) {
	q := kqtest.NewQueue(t)
	ended := kqtest.StartWaiters(t, q, 20)
	exhaustDescriptors(t)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	kqtest.WantClosed(t, ended, 20)
}

// With neither, Close cannot wake anyone. It says why instead of waiting, and the
// queue counts as closed.
func TestCloseAtAllLimits(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r))
	if !exhaustUserEvents(t) {
		t.Skipf("%s does not limit user events to less than 5,000", runtime.GOOS)
	}
	ended := kqtest.StartWaiters(t, q, 1)
	for range 100 {
		runtime.Gosched()
	}
	release := exhaustDescriptors(t)
	err := q.Close()
	release()
	if err == nil {
		// The waiter was not inside yet, so nobody had to be woken.
		kqtest.WantClosed(t, ended, 1)
		return
	}
	var calls []string
	var visit func(err error)
	visit = func(err error) {
		switch err := err.(type) {
		case *os.SyscallError:
			calls = append(calls, err.Error())
		case interface{ Unwrap() error }:
			visit(err.Unwrap())
		case interface{ Unwrap() []error }:
			for _, err := range err.Unwrap() {
				visit(err)
			}
		}
	}
	visit(err)
	want := []string{"kevent: " + unix.ENOMEM.Error(), "pipe: " + unix.EMFILE.Error()}
	if !slices.Equal(calls, want) {
		t.Errorf("%v: got %q, want %q", err, calls, want)
	}
	wantAllClosed(t, q)
	before := kqtest.OpenFDs(t)
	kqtest.Write(t, w, "x") // an event of the queue's own ends the wait
	kqtest.WantClosed(t, ended, 1)
	kqtest.WantOpenFDs(t, before-1)
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
