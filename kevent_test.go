//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

func TestApplyNothing(t *testing.T) {
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q)
	kqtest.WaitNone(t, q)
}

// A single refused change is a ChangeError, whether it was passed alone or not.
func TestApplyRefused(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	tests := []struct {
		name   string
		change Event
		want   error
	}{
		{"negative descriptor", ReadEvent(-1), unix.EBADF},
		{"closed descriptor", ReadEvent(3000), unix.EBADF},
		{"delete of nothing", ReadEvent(r).Delete(), unix.ENOENT},
		{"unknown filter", NewEvent(0, FilterRead+100, FlagAdd, 0, 0, 0), unix.EINVAL},
		{"unknown process", ProcEvent(1<<29, NoteExit|NoteExitStatus), unix.ESRCH},
		{"with a receipt", ReadEvent(-1).With(FlagReceipt), unix.EBADF},
	}
	for _, test := range tests {
		for _, changes := range [][]Event{{test.change}, {UserEvent(1), test.change}} {
			err := q.Apply(changes...)
			change, ok := err.(*ChangeError)
			if !ok || !errors.Is(err, test.want) {
				t.Errorf("%s: %d changes: got %v, want a *ChangeError of %v", test.name, len(changes), err, test.want)
				continue
			}
			if change.Index != len(changes)-1 || change.Event != test.change {
				t.Errorf("%s: got change %d, %v", test.name, change.Index, change.Event)
			}
			if all := ChangeErrors(fmt.Errorf("wrapped: %w", err)); len(all) != 1 || all[0] != change {
				t.Errorf("%s: got the ChangeErrors %v", test.name, all)
			}
			if strings.Contains(err.Error(), "exit status") {
				t.Errorf("%s: got the text %q", test.name, err)
			}
		}
	}
}

// FreeBSD skips filter 0 without an error, so the package refuses it.
func TestFilterZeroIsRefused(t *testing.T) {
	if FilterRead == 0 {
		t.Skip("filter 0 is FilterRead on this system")
	}
	q := kqtest.NewQueue(t)
	kqtest.WantRefused(t, q, Event{}, unix.EINVAL)
	kqtest.Apply(t, q, UserEvent(8888).Delete()) // the change after it is applied
}

func TestApplyManyTriesAll(t *testing.T) {
	for _, size := range []int{5, 16, 17, 1000, 10000} {
		q := kqtest.NewQueue(t)
		r, w := kqtest.NewPipe(t)
		// A few events over and over, because some kernels do not allow many.
		changes := make([]Event, size)
		for i := range changes {
			changes[i] = UserEvent(uintptr(i % 15))
		}
		bad := map[int]error{0: unix.EBADF, 1: unix.EBADF, size / 2: unix.ENOENT, size - 1: unix.EBADF}
		changes[0] = ReadEvent(-1)
		changes[1] = ReadEvent(-1)
		changes[size/2] = ReadEvent(r).Delete()
		changes[size-2] = WriteEvent(w)
		changes[size-1] = WriteEvent(-1)
		sent := slices.Clone(changes)

		err := q.Apply(changes...)
		if got := len(ChangeErrors(err)); got != len(bad) {
			t.Errorf("%d changes: %d refused, want %d: %v", size, got, len(bad), err)
		}
		last := -1
		for _, change := range ChangeErrors(err) {
			if !errors.Is(change, bad[change.Index]) || change.Index <= last || change.Event != sent[change.Index] {
				t.Fatalf("%d changes: got %v", size, err)
			}
			last = change.Index
		}
		if !slices.Equal(changes, sent) {
			t.Errorf("%d changes: Apply wrote to its argument", size)
		}
		if e := kqtest.WaitOne(t, q); e.Filter != FilterWrite || e.Ident != uintptr(w) {
			t.Errorf("%d changes: got %v, want the pipe", size, e)
		}
		changes[0], changes[1], changes[size/2] = WriteEvent(w), WriteEvent(w), WriteEvent(w)
		var one *ChangeError
		if err, ok := q.Apply(changes...).(*ChangeError); ok {
			one = err
		}
		if one == nil || one.Index != size-1 {
			t.Errorf("%d changes, one refused: got %v", size, one)
		}
		for i, change := range sent[:15%size] {
			if change.Filter != FilterUser {
				continue
			}
			if err := q.Apply(change.Delete()); err != nil {
				t.Errorf("%d changes: change %d was not applied: %v", size, i, err)
			}
		}
		q.Close()
	}
}

// Whatever the number of changes, Apply tries each of them and knows which it was
// that was refused. It passes 1, up to 2, 4, 64 and 1,024 of them at a time.
func TestApplyOfAnySize(t *testing.T) {
	q := kqtest.NewQueue(t)
	edges := []int{1, 2, 3, 4, 5, 6, 63, 64, 65, 66, 1023, 1024, 1025, 2047, 2048, 2049}
	const events = 200
	changes := make([]Event, 0, 2049)
	// apply passes the changes, and expects those to be refused that have an errno.
	apply := func(what string, errnos map[int]error) {
		t.Helper()
		sent := slices.Clone(changes)
		err := q.Apply(changes...)
		refused := ChangeErrors(err)
		if len(refused) != len(errnos) || err != nil && len(refused) == 0 {
			t.Fatalf("%d changes, %s: %d were refused, want %d: %v", len(changes), what, len(refused), len(errnos), err)
		}
		last := -1
		for _, change := range refused {
			if i := change.Index; change.Err != errnos[i] || i <= last || change.Event != sent[i] {
				t.Fatalf("%d changes, %s: got %+v after %d", len(changes), what, change, last)
			}
			last = change.Index
		}
		if !slices.Equal(changes, sent) {
			t.Fatalf("%d changes, %s: Apply wrote to its argument", len(changes), what)
		}
	}
	for _, size := range edges {
		changes = changes[:size]
		missing := make(map[int]error)
		for i := range changes {
			changes[i] = UserEvent(uintptr(i)).Delete().WithUdata(uintptr(i))
			missing[i] = unix.ENOENT
		}
		apply("all refused", missing)
		for i := range changes {
			changes[i] = UserEvent(uintptr(i % events))
		}
		apply("all accepted", nil)
		for _, edge := range append(edges, 0) {
			if edge >= size {
				continue
			}
			good := changes[edge]
			changes[edge] = ReadEvent(-1)
			apply("one refused", map[int]error{edge: unix.EBADF})
			changes[edge] = UserEvent(^uintptr(0))
			apply("one refused by the package", map[int]error{edge: unix.EINVAL})
			changes[edge] = good
		}
		for i := range min(size, events) {
			if err := q.Apply(UserEvent(uintptr(i)).Delete()); err != nil {
				t.Errorf("%d changes: change %d was not applied: %v", size, i, err)
			}
		}
	}
}

// Apply leaves pending events in the queue, even those that a wait would reset or
// remove.
func TestApplyTakesNoPendingEvent(t *testing.T) {
	q := kqtest.NewQueue(t)
	clear, once := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagOneshot)
	kqtest.Apply(t, q, clear, once, clear.Trigger(), once.Trigger())
	kqtest.Apply(t, q, UserEvent(3))
	kqtest.Apply(t, q, UserEvent(4), UserEvent(5))
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
	kqtest.WaitNone(t, q)
}

func TestWaitTimeouts(t *testing.T) {
	q := kqtest.NewQueue(t)
	buf := make([]Event, 4)
	for name, wait := range kqtest.WaitFuncs {
		for _, d := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 35 * time.Millisecond} {
			start := time.Now()
			n, err := wait(q, buf, d)
			took := time.Since(start)
			if n != 0 || err != nil {
				t.Errorf("%s(%v) = %d, %v", name, d, n, err)
			}
			if took < d {
				t.Errorf("%s(%v) ended after %v", name, d, took)
			}
		}
		// A deadline that has passed leaves a negative timeout, which polls.
		past := time.Until(time.Now().Add(-time.Nanosecond))
		for _, d := range []time.Duration{past, -1, -time.Hour, math.MinInt64, math.MinInt64 + 1} {
			if n, err := wait(q, buf, d); n != 0 || err != nil {
				t.Errorf("%s(%v) = %d, %v", name, d, n, err)
			}
			e := UserEvent(1).With(FlagOneshot)
			kqtest.Apply(t, q, e, e.Trigger())
			if n, err := wait(q, buf, d); n != 1 || err != nil {
				t.Errorf("%s(%v) of an event = %d, %v", name, d, n, err)
			}
		}
		// The kernels do not accept all of these. Only the timer ends the wait.
		future := min(time.Until(time.Now().AddDate(400, 0, 0)), Forever)
		for _, d := range []time.Duration{Forever, Forever - 1, future, 1000 * 24 * time.Hour, 25 * time.Hour} {
			kqtest.Apply(t, q, TimerEvent(1, 5*time.Millisecond).With(FlagOneshot))
			if n, err := wait(q, buf, d); n != 1 || err != nil {
				t.Errorf("%s(%v) = %d, %v", name, d, n, err)
			}
		}
	}
}

func TestWaitReturnsAFreshSlice(t *testing.T) {
	q := kqtest.NewQueue(t)
	e, f := UserEvent(1), UserEvent(2)
	kqtest.Apply(t, q, e, e.Trigger())
	first, err := q.Wait(0)
	if err != nil || len(first) != 1 || cap(first) != 1 {
		t.Fatalf("got %v with capacity %d, %v", first, cap(first), err)
	}
	kqtest.Apply(t, q, e.Delete(), f, f.Trigger())
	if second := kqtest.WaitOne(t, q); second.Ident != 2 || first[0].Ident != 1 {
		t.Errorf("got %v and then %v", first[0], second)
	}
	kqtest.Apply(t, q, f.Delete())
	if events, err := q.Wait(0); events != nil || err != nil {
		t.Errorf("got %v, %v; want nil", events, err)
	}
}

// A slice that Wait has returned keeps its events over later calls, whatever its
// length, and what is appended to it reaches no other slice.
func TestWaitResultsAreKept(t *testing.T) {
	q := kqtest.NewQueue(t)
	type result struct{ got, want []Event }
	var results []result
	ident := uintptr(0)
	for range 3 {
		for n := 1; n <= 64; n++ {
			for range n {
				ident++
				e := UserEvent(ident).With(FlagOneshot)
				kqtest.Apply(t, q, e, e.Trigger())
			}
			events, err := q.Wait(Forever)
			if err != nil || len(events) != n || cap(events) < n {
				t.Fatalf("got %d events, %v; want %d", len(events), err, n)
			}
			results = append(results, result{events, slices.Clone(events)})
			_ = append(events, Event{})
		}
	}
	for _, r := range results {
		if !slices.Equal(r.got, r.want) {
			t.Errorf("%d events have become\n%v, they were\n%v", len(r.want), r.got, r.want)
		}
	}
}

// A slice that Wait has returned belongs to the caller: no later call and no call
// at the same time writes to it.
func TestWaitSlicesAreApart(t *testing.T) {
	q := kqtest.NewQueue(t)
	const total = 900 // OpenBSD allows a process 1,024 user events
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
		kqtest.Apply(t, q, e, e.Trigger())
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
	q := kqtest.NewQueue(t)
	for _, buf := range [][]Event{nil, {}} {
		if n, err := q.WaitInto(buf, Forever); n != 0 || !errors.Is(err, os.ErrInvalid) {
			t.Errorf("got %d, %v; want os.ErrInvalid", n, err)
		}
	}
}

// Events for which there is no room are returned by the next call.
func TestMoreEventsThanRoom(t *testing.T) {
	q := kqtest.NewQueue(t)
	const total = 200
	for i := range uintptr(total) {
		e := UserEvent(i).With(FlagOneshot)
		kqtest.Apply(t, q, e, e.Trigger())
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
		if len(events) == 0 || len(events) > 64 || err != nil {
			t.Fatalf("%d of %d events, then %v, %v", len(seen), total, events, err)
		}
		for _, e := range events {
			seen[e.Ident]++
		}
	}
	kqtest.WaitNone(t, q)
	for ident, n := range seen {
		if n != 1 {
			t.Errorf("event %d came %d times", ident, n)
		}
	}
}

func TestKevent(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	buf := make([]Event, 4)

	n, err := q.Kevent([]Event{ReadEvent(r), WriteEvent(w)}, buf, Forever)
	if n != 1 || err != nil || buf[0].Filter != FilterWrite || buf[0].Ident != uintptr(w) {
		t.Fatalf("got %v, %v", buf[:n], err)
	}
	// Without room it does not wait, whatever the timeout is.
	n, err = q.Kevent([]Event{WriteEvent(w).Delete()}, nil, Forever)
	if n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if n, err = q.Kevent(nil, nil, Forever); n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	// changes and events are the same slice.
	kqtest.Write(t, w, "abc")
	both := []Event{UserEvent(1), UserEvent(2)}
	n, err = q.Kevent(both, both, Forever)
	if n != 1 || err != nil || both[0].Filter != FilterRead || both[0].Data != 3 {
		t.Fatalf("got %v, %v", both[:n], err)
	}
}

func TestKeventRefusedChanges(t *testing.T) {
	r, w := kqtest.NewPipe(t)
	gone := func(q *Queue, i uintptr) bool {
		return errors.Is(q.Apply(UserEvent(i).Delete()), unix.ENOENT)
	}
	bad := ReadEvent(-1)
	bad.Udata = 77

	t.Run("with room", func(t *testing.T) {
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, WriteEvent(w)) // pending, and not to be returned
		buf := make([]Event, 8)
		n, err := q.Kevent([]Event{UserEvent(1), bad, UserEvent(2), bad, UserEvent(3)}, buf, Forever)
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
		q := kqtest.NewQueue(t)
		buf := make([]Event, 3)
		buf[2].Udata = 12345 // past the end of what the calls are given
		n, err := q.Kevent([]Event{UserEvent(1), bad, UserEvent(2), bad, UserEvent(3)}, buf[:2], Forever)
		if n != 2 || err != nil {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		if gone(q, 1) || gone(q, 2) || gone(q, 3) {
			t.Error("a good change was not applied")
		}
		n, err = q.Kevent([]Event{UserEvent(1), bad, UserEvent(2), bad, UserEvent(3)}, buf[:1], Forever)
		if !errors.Is(err, unix.EBADF) || n != 0 {
			t.Fatalf("got %d, %v", n, err)
		}
		if gone(q, 1) || gone(q, 2) || !gone(q, 3) {
			t.Error("only the changes before the second bad one should have been applied")
		}
		if buf[2] != (Event{Udata: 12345}) {
			t.Errorf("written past the end: %v", buf[2])
		}
	})
	t.Run("without room", func(t *testing.T) {
		q := kqtest.NewQueue(t)
		n, err := q.Kevent([]Event{UserEvent(1), bad, UserEvent(2)}, nil, 0)
		var call *os.SyscallError
		if n != 0 || !errors.Is(err, unix.EBADF) || !errors.As(err, &call) || call.Syscall != "kevent" {
			t.Fatalf("got %d, %v", n, err)
		}
		if gone(q, 1) || !gone(q, 2) {
			t.Error("only the change before the bad one should have been applied")
		}
	})
	t.Run("less room than changes, all good", func(t *testing.T) {
		q := kqtest.NewQueue(t)
		buf := make([]Event, 1)
		n, err := q.Kevent([]Event{UserEvent(1), UserEvent(2), WriteEvent(w), ReadEvent(r)}, buf, Forever)
		if n != 1 || err != nil || buf[0].Filter != FilterWrite {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
	})
}

func TestKeventReceipts(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(w)) // a pending event, which must not be returned
	bad := ReadEvent(-1)
	buf := make([]Event, 3)
	changes := []Event{UserEvent(1).With(FlagReceipt), bad.With(FlagReceipt), UserEvent(2).With(FlagReceipt)}
	n, err := q.Kevent(changes, buf, Forever)
	if n != 3 || err != nil {
		t.Fatalf("got %v, %v", buf[:n], err)
	}
	for i, want := range []error{nil, unix.EBADF, nil} {
		if buf[i].Flags&FlagError == 0 || buf[i].Ident != changes[i].Ident || buf[i].Err() != want {
			t.Errorf("receipt %d is %v", i, buf[i])
		}
	}
	// Changes are applied even if there is no room for their receipts.
	changes = []Event{UserEvent(3).With(FlagReceipt), UserEvent(4).With(FlagReceipt), UserEvent(5)}
	for _, room := range []int{0, 1} {
		n, err = q.Kevent(changes, buf[:room], Forever)
		if n != room || err != nil || room == 1 && (buf[0].Ident != 3 || buf[0].Flags&FlagError == 0) {
			t.Fatalf("got %v, %v", buf[:n], err)
		}
		for _, e := range changes {
			if err := q.Apply(e.Delete()); err != nil {
				t.Errorf("%v was not applied: %v", e, err)
			}
		}
	}
}

func TestUdataIsKept(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	for _, udata := range []uintptr{0, 1, 0xdeadbeef, math.MaxUint, 1 << (bits.UintSize - 1)} {
		e := WriteEvent(w)
		e.Udata = udata
		kqtest.Apply(t, q, e)
		runtime.GC() // must not take the number for a pointer
		if got := kqtest.WaitOne(t, q); got.Udata != udata {
			t.Errorf("got udata %#x, want %#x", got.Udata, udata)
		}
	}
}

// Changes overwrite the Udata of an event. OpenBSD does so only with FlagAdd or
// for user events, and DragonFly never for user events.
func TestUdataIsOverwritten(t *testing.T) {
	_, w := kqtest.NewPipe(t)
	user := UserEvent(1)
	for _, test := range []struct {
		name    string
		changes []Event
		kept    bool
	}{
		{"add", []Event{WriteEvent(w), WriteEvent(w)}, false},
		{"disable and enable", []Event{WriteEvent(w), WriteEvent(w).Disable(), WriteEvent(w).Enable()}, runtime.GOOS == "openbsd"},
		{"trigger", []Event{user, user.Trigger()}, runtime.GOOS == "dragonfly"},
		{"add of a user event", []Event{user, user.Trigger(), user}, runtime.GOOS == "dragonfly"},
	} {
		q := kqtest.NewQueue(t)
		for i := range test.changes {
			test.changes[i].Udata = uintptr(i + 1)
		}
		kqtest.Apply(t, q, test.changes...)
		want := uintptr(len(test.changes))
		if test.kept {
			want = 1
		}
		if e := kqtest.WaitOne(t, q); e.Udata != want {
			t.Errorf("%s: got udata %d, want %d", test.name, e.Udata, want)
		}
	}
}

func TestQueueInAQueue(t *testing.T) {
	inner, outer := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, outer, ReadEvent(int(inner.Fd())))
	kqtest.WaitNone(t, outer)
	e := UserEvent(1).With(FlagClear)
	f := UserEvent(2).With(FlagClear)
	kqtest.Apply(t, inner, e, f, e.Trigger(), f.Trigger())
	if got := kqtest.WaitOne(t, outer); got.Ident != inner.Fd() || got.Data != 2 {
		t.Errorf("got %v, want 2 pending events of the inner queue", got)
	}
	events, err := inner.Wait(0)
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	kqtest.WaitNone(t, outer)
}

// If another part of the program has closed the descriptor, all calls report
// kevent(2) as what failed, and no change.
func TestErrorsOfAClosedDescriptor(t *testing.T) {
	wantCall := func(what string, err error, call string, errnos ...error) {
		t.Helper()
		var got *os.SyscallError
		var change *ChangeError
		if !errors.As(err, &got) || got.Syscall != call || !slices.Contains(errnos, got.Err) || errors.As(err, &change) {
			t.Errorf("%s: got %v, want one of %v from %s", what, err, errnos, call)
		}
	}
	q := kqtest.OpenQueue(t)
	r, _ := kqtest.NewPipe(t)
	fd := int(q.Fd())
	unix.Close(fd)
	buf := make([]Event, 4)
	for name, apply := range kqtest.ApplyFuncs {
		wantCall(name, apply(q, UserEvent(1)), "kevent", unix.EBADF)
	}
	for name, wait := range kqtest.WaitFuncs {
		_, err := wait(q, buf, 0)
		wantCall(name, err, "kevent", unix.EBADF)
	}
	// The number now belongs to a descriptor that is no queue.
	for got := -1; got != fd; {
		var err error
		if got, err = unix.Dup(r); err != nil {
			t.Fatal(err)
		}
		kqtest.OwnFD(t, got)
	}
	for name, apply := range kqtest.ApplyFuncs {
		wantCall(name+" on a pipe", apply(q, UserEvent(1)), "kevent", unix.EBADF, unix.EINVAL)
	}
	kqtest.CloseFD(fd)
	wantCall("Close", q.Close(), "close", unix.EBADF)
}

// No call allocates, but for the results of Wait and for errors. On Linux, where
// kevent is a variable, what is passed to it is on the heap: the limit of a wait, a
// single change, and the batch of a few.
func TestAllocations(t *testing.T) {
	if kqtest.RaceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	pending := WriteEvent(w)
	idle := kqtest.NewQueue(t)
	buf := make([]Event, 8)
	change := []Event{pending}
	changes := make([]Event, 64)
	for i := range changes {
		changes[i] = UserEvent(uintptr(i))
	}
	kqtest.Apply(t, q, pending)
	if kqtest.Simulated {
		stubKevent(t)
	}
	tests := []struct {
		name           string
		want, wantStub float64
		do             func() error
	}{
		{"Apply of nothing", 0, 2, func() error { return q.Apply() }},
		{"Apply of one change", 0, 2, func() error { return q.Apply(pending) }},
		{"Apply of 2 changes", 0, 2, func() error { return q.Apply(changes[:2]...) }},
		{"Apply of 4 changes", 0, 2, func() error { return q.Apply(changes[:4]...) }},
		{"Apply of 5 changes", 0, 1, func() error { return q.Apply(changes[:5]...) }},
		{"Apply of 16 changes", 0, 1, func() error { return q.Apply(changes[:16]...) }},
		{"Apply of 64 changes", 0, 1, func() error { return q.Apply(changes...) }},
		{"WaitInto", 0, 1, func() error { _, err := q.WaitInto(buf, Forever); return err }},
		{"WaitInto with a timeout", 0, 1, func() error { _, err := q.WaitInto(buf, time.Second); return err }},
		{"WaitInto of nothing", 0, 1, func() error { _, err := idle.WaitInto(buf, 0); return err }},
		{"Kevent", 0, 1, func() error { _, err := q.Kevent(change, buf, Forever); return err }},
		{"Kevent without events", 0, 1, func() error { _, err := q.Kevent(change, nil, 0); return err }},
		{"Kevent of many changes", 0, 1, func() error { _, err := q.Kevent(changes, buf, 0); return err }},
		{"Wait", 0, 1, func() error { _, err := q.Wait(Forever); return err }},
		{"Wait of nothing", 0, 1, func() error { _, err := idle.Wait(0); return err }},
		{"Apply of a refused change", 1, 3, func() error {
			if err := q.Apply(UserEvent(99).Delete()); err == nil {
				return errors.New("it was accepted")
			}
			return nil
		}},
	}
	// Wait allocates for several calls at a time, which AllocsPerRun rounds down to
	// 0.
	for _, test := range tests {
		want := test.want
		if kqtest.Simulated {
			want = test.wantStub
		}
		var err error
		got := testing.AllocsPerRun(100, func() { err = errors.Join(test.do()) })
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got != want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, want)
		}
	}
}

// Each event of many descriptors reaches exactly one of 8 waiters.
func TestManyWaitersShareEvents(t *testing.T) {
	for name, flag := range map[string]Flag{"dispatch": FlagDispatch, "oneshot": FlagOneshot} {
		t.Run(name, func(t *testing.T) {
			q := kqtest.OpenQueue(t)
			t.Cleanup(func() { q.Close() })
			const workers, rounds = 8, 3
			total := 1000
			if kqtest.MaxDescriptors(t) < 2100 {
				total = 400
			}
			kqtest.RaiseDescriptorLimit(t, uint64(2*total+100))
			index := make(map[uintptr]int)
			readers, writers := make([]int, total), make([]int, total)
			for i := range total {
				readers[i], writers[i] = kqtest.NewPipe(t)
				index[uintptr(readers[i])] = i
			}
			changes := make([]Event, total)
			for i := range changes {
				changes[i] = ReadEvent(readers[i]).With(flag | FlagEnable)
			}
			kqtest.Watchdog(t, kqtest.WatchdogTime) // making so many pipes may take long
			seen := make([]atomic.Int32, total)
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
				left.Store(int64(total))
				for i := range total {
					kqtest.Write(t, writers[i], "x")
				}
				kqtest.Apply(t, q, changes...) // adds the events, or enables them again
				<-roundDone
				for i := range total {
					if n := seen[i].Load(); n != int32(round+1) {
						t.Errorf("descriptor %d was seen %d times in %d rounds", i, n, round+1)
					}
					kqtest.Read(t, readers[i], 1)
				}
			}
			kqtest.WaitNone(t, q)
			q.Close()
			group.Wait()
		})
	}
}

// Wait allocates about what its events need. With several workers it takes more
// buffers as well, but no more than there are processors and workers.
func TestWaitAllocatesForItsEvents(t *testing.T) {
	if kqtest.RaceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const procs = 8
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	const chunk, eventSize = 1024, uint64(unsafe.Sizeof(Event{}))
	perWait := eventSize + 3
	if kqtest.Simulated {
		perWait += 16 // the limit, which is on the heap there
	}
	for _, test := range []struct{ workers, waits, buffers uint64 }{
		{1, 1000, 0},
		{procs, 200, procs + procs},
	} {
		q := kqtest.NewQueue(t)
		e := UserEvent(1) // it stays triggered
		kqtest.Apply(t, q, e)
		kqtest.Apply(t, q, e.Trigger())
		kqtest.WaitOne(t, q) // makes the queue's own buffer
		t.Run(fmt.Sprint(test.workers, " workers"), func(t *testing.T) {
			if kqtest.Simulated {
				stubKevent(t)
			}
			var before, after runtime.MemStats
			var group sync.WaitGroup
			start := make(chan bool)
			for range test.workers {
				group.Add(1)
				go func() {
					defer group.Done()
					<-start
					for range test.waits {
						if events, err := q.Wait(Forever); len(events) != 1 || err != nil {
							t.Errorf("got %v, %v", events, err)
						}
					}
				}()
			}
			runtime.ReadMemStats(&before)
			close(start)
			group.Wait()
			runtime.ReadMemStats(&after)
			most := test.workers*test.waits*perWait + 2*chunk + test.buffers*(65*eventSize+chunk)
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%d waits allocated %d bytes, want at most %d", test.workers*test.waits, got, most)
			}
		})
	}
}

// A result that is kept does not keep much else.
func TestWaitResultsKeepLittle(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1)
	kqtest.Apply(t, q, e)
	kqtest.Apply(t, q, e.Trigger())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var kept [][]Event
	for i := range 25600 {
		events, err := q.Wait(Forever)
		if err != nil {
			t.Fatal(err)
		}
		if i%256 == 0 {
			kept = append(kept, events)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 300<<10 {
		t.Errorf("%d results of one event keep %d bytes", len(kept), grown)
	}
	runtime.KeepAlive(kept)
}
