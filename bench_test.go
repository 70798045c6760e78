//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// A pair is two ways to do the same thing n times: raw with unix.Kevent, wrapped
// with this package.
type pair struct{ raw, wrapped func(n int) }

// comparisons are the rows of the table in the README.
var comparisons = []struct {
	name string
	make func(t testing.TB) pair
}{
	{"Kevent/1 change, 1 event", func(t testing.TB) pair {
		q, changes := triggeredQueue(t), []Event{UserEvent(0)}
		buf := make([]Event, 64)
		return pair{rawKevent(t, q, changes, buf, nil), repeat(t, func() error {
			_, err := q.Kevent(changes, buf, Forever)
			return err
		})}
	}},
	{"WaitInto/1 event", func(t testing.TB) pair {
		q, buf := triggeredQueue(t), make([]Event, 64)
		return pair{rawKevent(t, q, nil, buf, nil), repeat(t, func() error {
			_, err := q.WaitInto(buf, Forever)
			return err
		})}
	}},
	{"WaitInto/1 event, with a timeout", func(t testing.TB) pair {
		q, buf := triggeredQueue(t), make([]Event, 64)
		return pair{rawKevent(t, q, nil, buf, &unix.Timespec{Sec: 1}), repeat(t, func() error {
			_, err := q.WaitInto(buf, time.Second)
			return err
		})}
	}},
	{"WaitInto/poll, no event", func(t testing.TB) pair {
		q, buf := newQueue(t), make([]Event, 64)
		return pair{rawKevent(t, q, nil, buf, new(unix.Timespec)), repeat(t, func() error {
			_, err := q.WaitInto(buf, 0)
			return err
		})}
	}},
	{"WaitInto/1 of 10,000 descriptors", waitAmong(1, 10000)},
	{"WaitInto/64 of 10,000 descriptors", waitAmong(64, 10000)},
	{"Wait/1 event", func(t testing.TB) pair {
		q := triggeredQueue(t)
		return pair{rawKevent(t, q, nil, make([]Event, 64), nil), repeat(t, func() error {
			_, err := q.Wait(Forever)
			return err
		})}
	}},
	{"wake-up and back/1 waiter", roundTrip(1)},
	{"wake-up and back/8 waiters", roundTrip(8)},
	{"Apply/1 change", func(t testing.TB) pair {
		q, changes := newQueue(t), []Event{UserEvent(0)}
		return pair{rawKevent(t, q, changes, nil, new(unix.Timespec)), repeat(t, func() error {
			return q.Apply(changes...)
		})}
	}},
	{"Apply/1 change, refused", func(t testing.TB) pair {
		q, changes := newQueue(t), []Event{UserEvent(0).Delete()}
		fd, raw := int(q.Fd()), rawEvents(changes)
		return pair{repeat(t, func() error {
			if _, err := unix.Kevent(fd, raw, nil, new(unix.Timespec)); err != unix.ENOENT {
				return fmt.Errorf("got %v, want ENOENT", err)
			}
			return nil
		}), repeat(t, func() error {
			if q.Apply(changes...) == nil {
				return errors.New("got no error, want ENOENT")
			}
			return nil
		})}
	}},
	{"Apply/2 changes", applyMany(2)},
	{"Apply/4 changes", applyMany(4)},
	{"Apply/8 changes", applyMany(8)},
	{"Apply/16 changes", applyMany(16)},
	{"Apply/1,000 changes", applyMany(1000)},
	{"Apply/1,000 changes, against 1,000 calls", func(t testing.TB) pair {
		p := applyMany(1000)(t)
		q, changes := newQueue(t), readPipes(t, 1000)
		fd, raw := int(q.Fd()), rawEvents(changes)
		p.raw = repeat(t, func() error {
			for i := range raw {
				if _, err := unix.Kevent(fd, raw[i:i+1], nil, new(unix.Timespec)); err != nil {
					return err
				}
			}
			return nil
		})
		return p
	}},
}

// rawEvents returns events as unix.Kevent takes them.
func rawEvents(events []Event) []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(events))), len(events))
}

// repeat returns a function that calls do n times.
func repeat(t testing.TB, do func() error) func(n int) {
	return func(n int) {
		for range n {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rawKevent returns a function that makes the same unix.Kevent call n times.
func rawKevent(t testing.TB, q *Queue, changes, events []Event, timeout *unix.Timespec) func(n int) {
	fd, c, e := int(q.Fd()), rawEvents(changes), rawEvents(events)
	return repeat(t, func() error {
		_, err := unix.Kevent(fd, c, e, timeout)
		return err
	})
}

// triggeredQueue returns a queue with one event, which stays triggered.
func triggeredQueue(t testing.TB) *Queue {
	q := newQueue(t)
	apply(t, q, UserEvent(0))
	apply(t, q, UserEvent(0).Trigger())
	return q
}

// duplicates returns count duplicates of fd.
func duplicates(t testing.TB, fd, count int) []int {
	raiseDescriptorLimit(t, uint64(count)+2000)
	var fds []int
	t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	for range count {
		dup, err := unix.Dup(fd)
		if err == unix.ENFILE || err == unix.EMFILE {
			t.Skipf("the system has only %d more descriptors", len(fds))
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, dup)
	}
	return fds
}

// readPipes returns changes that add as many descriptors with nothing to read.
func readPipes(t testing.TB, count int) []Event {
	r, _ := newPipe(t)
	var changes []Event
	for _, fd := range duplicates(t, r, count) {
		changes = append(changes, ReadEvent(fd))
	}
	return changes
}

// waitAmong compares waits for count descriptors that are ready among others that
// are not, which must not make a wait dearer.
func waitAmong(count, watched int) func(t testing.TB) pair {
	return func(t testing.TB) pair {
		q, into := newQueue(t), make([]Event, count)
		_, w := newPipe(t)
		changes := readPipes(t, watched-count)
		for _, fd := range duplicates(t, w, count) {
			changes = append(changes, WriteEvent(fd))
		}
		apply(t, q, changes...)
		fd, raw := int(q.Fd()), rawEvents(into)
		all := func(wait func() (int, error)) func(n int) {
			return repeat(t, func() error {
				n, err := wait()
				if n != count && err == nil {
					err = fmt.Errorf("got %d events, want %d", n, count)
				}
				return err
			})
		}
		return pair{
			all(func() (int, error) { return unix.Kevent(fd, nil, raw, nil) }),
			all(func() (int, error) { return q.WaitInto(into, Forever) }),
		}
	}
}

// applyMany compares Apply with one kevent call that requests a receipt for each
// change, which tells as much.
func applyMany(count int) func(t testing.TB) pair {
	return func(t testing.TB) pair {
		q, changes := newQueue(t), readPipes(t, count)
		var withReceipts []Event
		for _, change := range changes {
			withReceipts = append(withReceipts, change.With(FlagReceipt))
		}
		return pair{
			rawKevent(t, q, withReceipts, make([]Event, count), new(unix.Timespec)),
			repeat(t, func() error { return q.Apply(changes...) }),
		}
	}
}

// roundTrip compares how a user event wakes a goroutine, which wakes the caller
// again, while more goroutines wait beside it.
func roundTrip(waiters int) func(t testing.TB) pair {
	return func(t testing.TB) pair {
		return pair{
			roundTrips(t, waiters,
				func(q *Queue, buf []Event) error {
					_, err := unix.Kevent(int(q.Fd()), nil, rawEvents(buf), nil)
					return err
				},
				func(q *Queue, e Event) error {
					_, err := unix.Kevent(int(q.Fd()), rawEvents([]Event{e}), nil, new(unix.Timespec))
					return err
				}),
			roundTrips(t, waiters,
				func(q *Queue, buf []Event) error { _, err := q.WaitInto(buf, Forever); return err },
				func(q *Queue, e Event) error { return q.Apply(e) }),
		}
	}
}

func roundTrips(t testing.TB, waiters int, wait func(*Queue, []Event) error, apply func(*Queue, Event) error) func(n int) {
	there, back := newQueue(t), newQueue(t)
	ping, pong := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagClear)
	if err := errors.Join(there.Apply(ping), back.Apply(pong)); err != nil {
		t.Fatal(err)
	}
	var end atomic.Bool
	var group sync.WaitGroup
	for range waiters {
		group.Add(1)
		go func() {
			defer group.Done()
			buf := make([]Event, 1)
			for {
				err := wait(there, buf)
				switch {
				case end.Load():
					apply(there, ping.Trigger()) // for the next one
					return
				case err == nil:
					err = apply(back, pong.Trigger())
				}
				if err != nil && err != unix.EINTR {
					t.Error(err)
					return
				}
			}
		}()
	}
	t.Cleanup(func() {
		end.Store(true)
		apply(there, ping.Trigger())
		group.Wait()
	})
	buf := make([]Event, 1)
	return repeat(t, func() error {
		if err := apply(there, ping.Trigger()); err != nil {
			return err
		}
		return wait(back, buf)
	})
}

func BenchmarkComparisons(b *testing.B) {
	for _, c := range comparisons {
		b.Run(c.name, func(b *testing.B) {
			p := c.make(b)
			b.Run("raw", func(b *testing.B) { b.ReportAllocs(); p.raw(b.N) })
			b.Run("kqueue", func(b *testing.B) { b.ReportAllocs(); p.wrapped(b.N) })
		})
	}
}

// TestBenchmarkTable prints the table of the README. It measures by the clock,
// which proves nothing on a busy machine, so it runs only on request:
//
//	KQUEUE_TABLE=100 go test -run BenchmarkTable -v
//
// The value is the number of turns that raw and wrapped calls take each. The
// quickest turn counts. A turn is long enough for several of Wait's allocations,
// but not for a garbage collection.
func TestBenchmarkTable(t *testing.T) {
	turns, err := strconv.Atoi(os.Getenv("KQUEUE_TABLE"))
	if err != nil {
		t.Skip("KQUEUE_TABLE is not set to a number of turns")
	}
	measure := func(do func(int), n int) time.Duration {
		start := time.Now()
		do(n)
		return time.Since(start) / time.Duration(n)
	}
	for _, c := range comparisons {
		t.Run(c.name, func(t *testing.T) {
			p := c.make(t)
			p.wrapped(10)
			n := max(1, int(2*time.Millisecond/max(1, measure(p.raw, 10))))
			// First all turns of one, then all of the other: after a long system
			// call, the Go runtime interferes with shorter ones for a while.
			raw, wrapped := time.Duration(1<<62), time.Duration(1<<62)
			for range turns {
				raw = min(raw, measure(p.raw, n))
			}
			for range turns {
				wrapped = min(wrapped, measure(p.wrapped, n))
			}
			t.Logf("raw %v, kqueue %v, ratio %.3f", raw, wrapped, float64(wrapped)/float64(raw))
		})
	}
}
