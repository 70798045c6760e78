//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"math"
	"math/bits"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestNewIsCloseOnExec(t *testing.T) {
	q := newQueue(t)
	flags, err := unix.FcntlInt(q.Fd(), unix.F_GETFD, 0)
	if err != nil {
		t.Fatal(err)
	}
	if flags&unix.FD_CLOEXEC == 0 {
		t.Error("the descriptor is not close-on-exec")
	}
}

func TestApplyNothing(t *testing.T) {
	q := newQueue(t)
	apply(t, q)
	waitNone(t, q)
}

func TestApplyOneRefused(t *testing.T) {
	q := newQueue(t)
	tests := []struct {
		name   string
		change Event
		want   error
	}{
		{"negative descriptor", ReadEvent(-1), unix.EBADF},
		{"closed descriptor", ReadEvent(3000), unix.EBADF},
		{"delete of nothing", ReadEvent(0).With(0), nil}, // replaced below
		{"unknown filter", NewEvent(0, FilterRead+100, FlagAdd, 0, 0, 0), unix.EINVAL},
		{"unknown process", ProcEvent(1<<29, NoteExit), unix.ESRCH},
		{"with a receipt", ReadEvent(-1).With(FlagReceipt), unix.EBADF},
	}
	r, _ := newPipe(t)
	tests[2].change, tests[2].want = NewEvent(uintptr(r), FilterRead, FlagDelete, 0, 0, 0), unix.ENOENT
	if FilterRead != 0 {
		tests = append(tests, struct {
			name   string
			change Event
			want   error
		}{"zero event", Event{}, unix.EINVAL})
	}
	for _, test := range tests {
		for _, changes := range [][]Event{{test.change}, {UserEvent(1), test.change}} {
			err := q.Apply(changes...)
			var change *ChangeError
			if !errors.Is(err, test.want) || !errors.As(err, &change) {
				t.Errorf("%s: got %v, want a *ChangeError of %v", test.name, err, test.want)
				continue
			}
			if change.Index != len(changes)-1 || change.Event != test.change {
				t.Errorf("%s: got change %d, %v", test.name, change.Index, change.Event)
			}
		}
	}
}

func TestApplyManyTriesAll(t *testing.T) {
	for _, size := range []int{5, 16, 17, 1000, 10000} {
		q := newQueue(t)
		r, w := newPipe(t)
		// Few events over and over, as some kernels allow few.
		changes := make([]Event, size)
		for i := range changes {
			changes[i] = UserEvent(uintptr(i % 15))
		}
		bad := map[int]error{0: unix.EBADF, size / 2: unix.ENOENT, size - 1: unix.EBADF}
		changes[0] = ReadEvent(-1)
		changes[size/2] = NewEvent(uintptr(r), FilterRead, FlagDelete, 0, 0, 0)
		changes[size-2] = WriteEvent(w)
		changes[size-1] = WriteEvent(-1)
		sent := slices.Clone(changes)

		err := q.Apply(changes...)
		list, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Fatalf("%d changes: got %v", size, err)
		}
		if got := len(list.Unwrap()); got != len(bad) {
			t.Errorf("%d changes: %d refused, want %d: %v", size, got, len(bad), err)
		}
		last := -1
		for _, err := range list.Unwrap() {
			change, ok := err.(*ChangeError)
			if !ok || !errors.Is(err, bad[change.Index]) || change.Index <= last || change.Event != sent[change.Index] {
				t.Fatalf("%d changes: got %v", size, err)
			}
			last = change.Index
		}
		if !slices.Equal(changes, sent) {
			t.Errorf("%d changes: Apply wrote to its argument", size)
		}
		if e := waitOne(t, q); e.Filter != FilterWrite || e.Ident != uintptr(w) {
			t.Errorf("%d changes: got %v, want the pipe", size, e)
		}
		for i, change := range sent[:15%size] {
			if change.Filter != FilterUser {
				continue
			}
			if err := q.Apply(NewEvent(change.Ident, FilterUser, FlagDelete, 0, 0, 0)); err != nil {
				t.Errorf("%d changes: change %d was not applied: %v", size, i, err)
			}
		}
		q.Close()
	}
}

// Apply must leave pending events in the queue, also those that a read resets
// or removes, and must have room for answers only.
func TestApplyTakesNoPendingEvent(t *testing.T) {
	q := newQueue(t)
	clear, once := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagOneshot)
	apply(t, q, clear, once, clear.Trigger(), once.Trigger())
	apply(t, q, UserEvent(3))
	apply(t, q, UserEvent(4), UserEvent(5))
	if err := q.Apply(ReadEvent(-1)); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	if err := q.Apply(ReadEvent(-1), UserEvent(6), ReadEvent(-1)); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	events, err := q.Wait(0)
	if err != nil || len(events) != 2 {
		t.Fatalf("got %v, %v; want the two events", events, err)
	}
	waitNone(t, q)
}

func TestWaitTimeouts(t *testing.T) {
	q := newQueue(t)
	buf := make([]Event, 4)
	for name, wait := range map[string]func(time.Duration) (int, error){
		"Wait":     func(d time.Duration) (int, error) { e, err := q.Wait(d); return len(e), err },
		"WaitInto": func(d time.Duration) (int, error) { return q.WaitInto(buf, d) },
		"Kevent":   func(d time.Duration) (int, error) { return q.Kevent(nil, buf, d) },
	} {
		for _, d := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 35 * time.Millisecond} {
			start := time.Now()
			n, err := wait(d)
			took := time.Since(start)
			if n != 0 || err != nil {
				t.Errorf("%s(%v) = %d, %v", name, d, n, err)
			}
			if took < d {
				t.Errorf("%s(%v) ended after %v", name, d, took)
			}
		}
		// These would not end, but for the event, and must not be refused.
		for _, d := range []time.Duration{Forever, -time.Hour, math.MinInt64, math.MaxInt64, 1000 * 24 * time.Hour, 25 * time.Hour} {
			apply(t, q, TimerEvent(1, 5*time.Millisecond).With(FlagOneshot))
			if n, err := wait(d); n != 1 || err != nil {
				t.Errorf("%s(%v) = %d, %v", name, d, n, err)
			}
		}
	}
}

func TestWaitReturnsAFreshSlice(t *testing.T) {
	q := newQueue(t)
	e := UserEvent(1)
	apply(t, q, e, e.Trigger())
	first, err := q.Wait(0)
	if err != nil || len(first) != 1 || cap(first) != 1 {
		t.Fatalf("got %v with capacity %d, %v", first, cap(first), err)
	}
	f := UserEvent(2)
	apply(t, q, NewEvent(1, FilterUser, FlagDelete, 0, 0, 0), f, f.Trigger())
	if second := waitOne(t, q); second.Ident != 2 || first[0].Ident != 1 {
		t.Errorf("got %v and then %v", first[0], second)
	}
	events, err := q.Wait(0)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	apply(t, q, NewEvent(2, FilterUser, FlagDelete, 0, 0, 0))
	if events, err := q.Wait(0); events != nil || err != nil {
		t.Errorf("got %v, %v; want nil", events, err)
	}
}

// What Wait has returned is the caller's: no other call may write there, be it a
// later one or one at the same time.
func TestWaitSlicesAreApart(t *testing.T) {
	q := newQueue(t)
	const total = 900 // OpenBSD has 1,024 user events for a process
	results := make(chan [][]Event)
	var got atomic.Int64
	const workers = 4
	for range workers {
		go func() {
			var all [][]Event
			for {
				events, err := q.Wait(Forever)
				if err != nil {
					results <- all
					return
				}
				all = append(all, events)
				got.Add(int64(len(events)))
			}
		}()
	}
	for i := range uintptr(total) {
		e := UserEvent(i).With(FlagOneshot)
		apply(t, q, e, e.Trigger())
		runtime.Gosched()
	}
	for got.Load() < total {
		runtime.Gosched()
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[uintptr]int)
	for range workers {
		for _, events := range <-results {
			for _, e := range events {
				seen[e.Ident]++
			}
			_ = append(events, Event{}) // must not reach the next slice
		}
	}
	for i := range uintptr(total) {
		if seen[i] != 1 {
			t.Errorf("event %d is there %d times", i, seen[i])
		}
	}
}

func TestWaitIntoWithoutRoom(t *testing.T) {
	q := newQueue(t)
	for _, buf := range [][]Event{nil, {}} {
		if n, err := q.WaitInto(buf, Forever); n != 0 || !errors.Is(err, os.ErrInvalid) {
			t.Errorf("got %d, %v; want os.ErrInvalid", n, err)
		}
	}
}

func TestMoreEventsThanRoom(t *testing.T) {
	q := newQueue(t)
	const total = 200
	for i := range uintptr(total) {
		e := UserEvent(i).With(FlagOneshot)
		apply(t, q, e, e.Trigger())
	}
	seen := make(map[uintptr]int)
	buf := make([]Event, 7)
	for len(seen) < 50 {
		n, err := q.WaitInto(buf, 0)
		if n < 1 || n > len(buf) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		for _, e := range buf[:n] {
			seen[e.Ident]++
		}
	}
	for len(seen) < total {
		events, err := q.Wait(0)
		if len(events) == 0 || err != nil {
			t.Fatalf("%d of %d events, then %v, %v", len(seen), total, events, err)
		}
		for _, e := range events {
			seen[e.Ident]++
		}
	}
	waitNone(t, q)
	for ident, n := range seen {
		if n != 1 {
			t.Errorf("event %d came %d times", ident, n)
		}
	}
}

func TestKevent(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	buf := make([]Event, 4)

	n, err := q.Kevent([]Event{ReadEvent(r), WriteEvent(w)}, buf, Forever)
	if n != 1 || err != nil || buf[0].Filter != FilterWrite || buf[0].Ident != uintptr(w) {
		t.Fatalf("got %v, %v", buf[:n], err)
	}
	// No room means no wait, however long the timeout.
	n, err = q.Kevent([]Event{NewEvent(uintptr(w), FilterWrite, FlagDelete, 0, 0, 0)}, nil, Forever)
	if n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if n, err = q.Kevent(nil, nil, Forever); n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	// The same slice in and out.
	write(t, w, "abc")
	both := []Event{UserEvent(1), UserEvent(2)}
	n, err = q.Kevent(both, both, Forever)
	if n != 1 || err != nil || both[0].Filter != FilterRead || both[0].Data != 3 {
		t.Fatalf("got %v, %v", both[:n], err)
	}
}

func TestKeventRefusedChanges(t *testing.T) {
	r, w := newPipe(t)
	user := func(i uintptr) Event { return UserEvent(i) }
	gone := func(q *Queue, i uintptr) bool {
		return errors.Is(q.Apply(NewEvent(i, FilterUser, FlagDelete, 0, 0, 0)), unix.ENOENT)
	}
	bad := ReadEvent(-1)
	bad.Udata = 77

	t.Run("with room", func(t *testing.T) {
		q := newQueue(t)
		apply(t, q, WriteEvent(w)) // pending, and not to be returned
		buf := make([]Event, 8)
		n, err := q.Kevent([]Event{user(1), bad, user(2), bad, user(3)}, buf, Forever)
		if n != 2 || err != nil {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		for _, e := range buf[:n] {
			if !errors.Is(e.Err(), unix.EBADF) || e.Ident != bad.Ident || e.Filter != bad.Filter || e.Udata != 77 {
				t.Errorf("got %v", e)
			}
		}
		if gone(q, 1) || gone(q, 2) || gone(q, 3) {
			t.Error("a good change was not applied")
		}
	})
	t.Run("with less room than changes", func(t *testing.T) {
		q := newQueue(t)
		buf := make([]Event, 3)
		buf[2].Udata = 12345 // stands behind the room that is given
		n, err := q.Kevent([]Event{user(1), bad, user(2), bad, user(3)}, buf[:2], Forever)
		if n != 2 || err != nil {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		if gone(q, 1) || gone(q, 2) || gone(q, 3) {
			t.Error("a good change was not applied")
		}
		n, err = q.Kevent([]Event{user(1), bad, user(2), bad, user(3)}, buf[:1], Forever)
		if !errors.Is(err, unix.EBADF) || n != 0 {
			t.Fatalf("got %d, %v", n, err)
		}
		if gone(q, 1) || gone(q, 2) || !gone(q, 3) {
			t.Error("the changes before the last bad one must be applied, those after must not")
		}
		if buf[2] != (Event{Udata: 12345}) {
			t.Errorf("written past the end: %v", buf[2])
		}
	})
	t.Run("without room", func(t *testing.T) {
		q := newQueue(t)
		n, err := q.Kevent([]Event{user(1), bad, user(2)}, nil, 0)
		var call *os.SyscallError
		if n != 0 || !errors.Is(err, unix.EBADF) || !errors.As(err, &call) || call.Syscall != "kevent" {
			t.Fatalf("got %d, %v", n, err)
		}
		if gone(q, 1) || !gone(q, 2) {
			t.Error("the change before must be applied, the one after must not")
		}
	})
	t.Run("less room than changes, all good", func(t *testing.T) {
		q := newQueue(t)
		buf := make([]Event, 1)
		n, err := q.Kevent([]Event{user(1), user(2), WriteEvent(w), ReadEvent(r)}, buf, Forever)
		if n != 1 || err != nil || buf[0].Filter != FilterWrite {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
	})
	t.Run("receipts", func(t *testing.T) {
		q := newQueue(t)
		buf := make([]Event, 3)
		changes := []Event{user(1).With(FlagReceipt), bad.With(FlagReceipt), user(2).With(FlagReceipt)}
		n, err := q.Kevent(changes, buf, Forever)
		if n != 3 || err != nil {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		for i, want := range []error{nil, unix.EBADF, nil} {
			if buf[i].Flags&FlagError == 0 || buf[i].Ident != changes[i].Ident || buf[i].Err() != want {
				t.Errorf("receipt %d is %v", i, buf[i])
			}
		}
		// Without room for receipts the changes are applied all the same.
		n, err = q.Kevent([]Event{user(3).With(FlagReceipt), user(4).With(FlagReceipt), user(5)}, nil, Forever)
		if n != 0 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		if gone(q, 3) || gone(q, 4) || gone(q, 5) {
			t.Error("a change was not applied")
		}
		n, err = q.Kevent([]Event{user(3).With(FlagReceipt), user(4).With(FlagReceipt), user(5)}, buf[:1], Forever)
		if n != 1 || err != nil || buf[0].Ident != 3 || buf[0].Flags&FlagError == 0 {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		if gone(q, 3) || gone(q, 4) || gone(q, 5) {
			t.Error("a change was not applied")
		}
	})
	t.Run("zero event", func(t *testing.T) {
		if FilterRead == 0 {
			t.Skip("filter 0 is FilterRead on this system")
		}
		q := newQueue(t)
		buf := make([]Event, 2)
		n, err := q.Kevent([]Event{{}, user(1)}, buf, Forever)
		if n != 1 || err != nil || !errors.Is(buf[0].Err(), unix.EINVAL) || buf[0].Filter != 0 {
			t.Errorf("got %v, %v", buf[:n], err)
		}
		if n, err := q.Kevent([]Event{{}, user(1)}, nil, 0); n != 0 || !errors.Is(err, unix.EINVAL) {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestUdataIsKept(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	for _, udata := range []uintptr{0, 1, 0xdeadbeef, math.MaxUint, 1 << (bits.UintSize - 1)} {
		e := WriteEvent(w)
		e.Udata = udata
		apply(t, q, e)
		runtime.GC() // must not take the number for a pointer
		if got := waitOne(t, q); got.Udata != udata {
			t.Errorf("got udata %#x, want %#x", got.Udata, udata)
		}
	}
}

func TestQueueInAQueue(t *testing.T) {
	inner, outer := newQueue(t), newQueue(t)
	apply(t, outer, ReadEvent(int(inner.Fd())))
	waitNone(t, outer)
	e := UserEvent(1).With(FlagClear)
	f := UserEvent(2).With(FlagClear)
	apply(t, inner, e, f, e.Trigger(), f.Trigger())
	if got := waitOne(t, outer); got.Ident != inner.Fd() || got.Data != 2 {
		t.Errorf("got %v, want 2 pending events of the inner queue", got)
	}
	events, err := inner.Wait(0)
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	waitNone(t, outer)
}

// FreeBSD refuses that; NetBSD would hang; the others take it for any other
// queue.
func TestQueueInItself(t *testing.T) {
	q := newQueue(t)
	self := ReadEvent(int(q.Fd()))
	refused := runtime.GOOS == "freebsd" || runtime.GOOS == "netbsd"
	e := UserEvent(1).With(FlagClear)
	apply(t, q, e)
	buf := make([]Event, 8)
	for name, do := range map[string]func() error{
		"Apply":         func() error { return q.Apply(self) },
		"Apply of many": func() error { return q.Apply(e, self) },
		"Kevent": func() error {
			n, err := q.Kevent([]Event{self}, buf, 0)
			return errors.Join(append([]error{err}, errs(buf[:n])...)...)
		},
		"Kevent without room": func() error { _, err := q.Kevent([]Event{self}, nil, 0); return err },
	} {
		if err := do(); errors.Is(err, unix.EINVAL) != refused && runtime.GOOS != "darwin" {
			t.Errorf("%s: got %v", name, err)
		}
		apply(t, q, e.Trigger())
		for found := false; !found; {
			events, err := q.Wait(Forever)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range events {
				found = found || got.Ident == 1 && got.Filter == FilterUser
			}
		}
	}
}

func TestErrorsAreSystemCallErrors(t *testing.T) {
	// A queue whose descriptor someone else closed under it: EBADF.
	q := openQueue(t)
	unix.Close(int(q.Fd()))
	_, err := q.Wait(0)
	var call *os.SyscallError
	if !errors.As(err, &call) || call.Syscall != "kevent" || !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v", err)
	}
	if err := q.Apply(UserEvent(1), UserEvent(2)); !errors.As(err, &call) || !errors.Is(err, syscall.EBADF) {
		t.Errorf("got %v", err)
	}
	if err := q.Close(); !errors.As(err, &call) || call.Syscall != "close" || !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v", err)
	}
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	q := newQueue(t)
	_, w := newPipe(t)
	pending := WriteEvent(w)
	idle := newQueue(t)
	buf := make([]Event, 8)
	change := []Event{pending}
	changes := make([]Event, 16)
	for i := range changes {
		changes[i] = UserEvent(uintptr(i))
	}
	apply(t, q, pending)
	tests := []struct {
		name string
		want float64
		do   func() error
	}{
		{"Apply of one change", 0, func() error { return q.Apply(pending) }},
		{"Apply of 16 changes", 0, func() error { return q.Apply(changes...) }},
		{"WaitInto", 0, func() error { _, err := q.WaitInto(buf, Forever); return err }},
		{"WaitInto with a timeout", 0, func() error { _, err := q.WaitInto(buf, time.Second); return err }},
		{"WaitInto of nothing", 0, func() error { _, err := idle.WaitInto(buf, 0); return err }},
		{"Kevent", 0, func() error { _, err := q.Kevent(change, buf, Forever); return err }},
		{"Kevent without events", 0, func() error { _, err := q.Kevent(change, nil, 0); return err }},
		{"Kevent of many changes", 0, func() error { _, err := q.Kevent(changes, buf, 0); return err }},
		{"Wait", 0, func() error { _, err := q.Wait(Forever); return err }},
		{"Wait of nothing", 0, func() error { _, err := idle.Wait(0); return err }},
	}
	// Wait allocates for several hundred events at a time, which AllocsPerRun
	// rounds down to 0.
	for _, test := range tests {
		var err error
		got := testing.AllocsPerRun(100, func() { err = errors.Join(test.do()) })
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
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
