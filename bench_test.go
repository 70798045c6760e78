//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// Each benchmark stands in pairs: raw is unix.Kevent, kqueue the same through
// this package. TestBenchmarkTable prints their ratios.

// rawEvents is events as unix.Kevent takes them.
func rawEvents(events []Event) []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(events))), len(events))
}

// A pair is two ways to do the same thing n times.
type pair struct {
	name        string
	raw, kqueue func(n int)
}

// pairs builds what the pairs need, on one queue each.
func pairs(b testing.TB) []pair {
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	open := func() *Queue {
		q, err := New()
		check(err)
		b.Cleanup(func() { q.Close() })
		return q
	}
	// raw calls unix.Kevent on q's descriptor.
	raw := func(q *Queue, changes, events []Event, timeout *unix.Timespec) func(n int) {
		fd := int(q.Fd())
		c, e := rawEvents(changes), rawEvents(events)
		return func(n int) {
			for range n {
				if _, err := unix.Kevent(fd, c, e, timeout); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	poll := new(unix.Timespec)
	raiseDescriptorLimit(b, 13000)
	r, w := newPipe(b)
	copies := func(fd, count int) []int {
		fds := make([]int, count)
		for i := range fds {
			var err error
			fds[i], err = unix.Dup(fd)
			check(err)
			b.Cleanup(func() { unix.Close(fds[i]) })
		}
		return fds
	}
	quiet, ready := copies(r, 10000), copies(w, 1000)
	watch := func(q *Queue, filter Filter, fds []int) []Event {
		changes := make([]Event, len(fds))
		for i, fd := range fds {
			changes[i] = NewEvent(uintptr(fd), filter, FlagAdd, 0, 0, 0)
		}
		check(q.Apply(changes...))
		return changes
	}
	one, idle := open(), open()
	check(one.Apply(UserEvent(0), UserEvent(0).Trigger()))
	change := []Event{UserEvent(0)}
	buf := make([]Event, 64)
	list := []pair{
		{"Kevent", raw(one, change, buf, nil), func(n int) {
			for range n {
				if _, err := one.Kevent(change, buf, Forever); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"WaitInto", raw(one, nil, buf, nil), func(n int) {
			for range n {
				if _, err := one.WaitInto(buf, Forever); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"WaitInto/timeout", raw(one, nil, buf, &unix.Timespec{Sec: 1}), func(n int) {
			for range n {
				if _, err := one.WaitInto(buf, time.Second); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"WaitInto/nothing", raw(idle, nil, buf, poll), func(n int) {
			for range n {
				if _, err := idle.WaitInto(buf, 0); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"Wait", raw(one, nil, buf, nil), func(n int) {
			for range n {
				if _, err := one.Wait(Forever); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"Apply/1", raw(one, change, nil, poll), func(n int) {
			for range n {
				if err := one.Apply(change...); err != nil {
					b.Fatal(err)
				}
			}
		}},
	}
	for _, size := range []int{16, 1000} {
		q := open()
		changes := watch(q, FilterRead, quiet[:size])
		fd, c := int(q.Fd()), rawEvents(changes)
		list = append(list, pair{fmt.Sprintf("Apply/%d", size),
			func(n int) {
				for range n {
					for i := range c {
						if _, err := unix.Kevent(fd, c[i:i+1], nil, poll); err != nil {
							b.Fatal(err)
						}
					}
				}
			},
			func(n int) {
				for range n {
					if err := q.Apply(changes...); err != nil {
						b.Fatal(err)
					}
				}
			},
		})
	}
	// A wait must not cost more for descriptors that are quiet.
	for _, watched := range []int{1000, 10000} {
		for _, count := range []int{1, 64, 1000} {
			q, into := open(), make([]Event, count)
			watch(q, FilterWrite, ready[:count])
			watch(q, FilterRead, quiet[:watched-count])
			list = append(list, pair{fmt.Sprintf("WaitInto/%d of %d", count, watched), raw(q, nil, into, nil), func(n int) {
				for range n {
					if m, err := q.WaitInto(into, Forever); m != count || err != nil {
						b.Fatal(m, err)
					}
				}
			}})
		}
	}
	for _, waiters := range []int{1, 2, 8} {
		list = append(list, pair{fmt.Sprintf("round trip/%d", waiters),
			roundTrip(b, waiters,
				func(q *Queue, buf []Event) error {
					_, err := unix.Kevent(int(q.Fd()), nil, rawEvents(buf), nil)
					return err
				},
				func(q *Queue, e Event) error {
					_, err := unix.Kevent(int(q.Fd()), rawEvents([]Event{e}), nil, poll)
					return err
				}),
			roundTrip(b, waiters,
				func(q *Queue, buf []Event) error { _, err := q.WaitInto(buf, Forever); return err },
				func(q *Queue, e Event) error { return q.Apply(e) }),
		})
	}
	return list
}

// roundTrip has user events wake a goroutine and it wake the caller again, with
// more goroutines waiting beside it.
func roundTrip(b testing.TB, waiters int, wait func(*Queue, []Event) error, apply func(*Queue, Event) error) func(n int) {
	var queues [2]*Queue
	for i := range queues {
		q, err := New()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { q.Close() })
		queues[i] = q
	}
	there, back := queues[0], queues[1]
	ping, pong := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagClear)
	if err := errors.Join(there.Apply(ping), back.Apply(pong)); err != nil {
		b.Fatal(err)
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
					b.Error(err)
					return
				}
			}
		}()
	}
	b.Cleanup(func() {
		end.Store(true)
		apply(there, ping.Trigger())
		group.Wait()
	})
	return func(n int) {
		buf := make([]Event, 1)
		for range n {
			if err := apply(there, ping.Trigger()); err != nil {
				b.Fatal(err)
			}
			if err := wait(back, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkPairs(b *testing.B) {
	for _, p := range pairs(b) {
		b.Run(p.name+"/raw", func(b *testing.B) { b.ReportAllocs(); p.raw(b.N) })
		b.Run(p.name+"/kqueue", func(b *testing.B) { b.ReportAllocs(); p.kqueue(b.N) })
	}
}

// TestBenchmarkTable prints the table of the README. It measures by the clock,
// so it proves nothing on a busy machine and is no part of the suite: run it by
// KQUEUE_TABLE=1 go test -run BenchmarkTable -v. Raw and kqueue take turns, and
// the quickest turn of each counts. A turn is long enough for several of Wait's
// allocations, but not for a garbage collection.
func TestBenchmarkTable(t *testing.T) {
	if os.Getenv("KQUEUE_TABLE") == "" {
		t.Skip("KQUEUE_TABLE is not set")
	}
	measure := func(do func(int), n int) time.Duration {
		start := time.Now()
		do(n)
		return time.Since(start) / time.Duration(n)
	}
	t.Logf("%-24s %10s %10s %6s", "", "raw", "kqueue", "ratio")
	for _, p := range pairs(t) {
		n := max(1, int(2*time.Millisecond/max(1, measure(p.raw, 2))))
		for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
			p.kqueue(n)
		}
		raw, wrapped := time.Duration(1<<62), time.Duration(1<<62)
		for range 100 {
			raw = min(raw, measure(p.raw, n))
			wrapped = min(wrapped, measure(p.kqueue, n))
		}
		t.Logf("%-24s %10v %10v %6.3f", p.name, raw, wrapped, float64(wrapped)/float64(raw))
	}
}
