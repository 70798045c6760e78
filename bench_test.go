//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"os"
	"sync"
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
	ready := func(count int) *Queue {
		q := open()
		for i := range count {
			e := UserEvent(uintptr(i))
			check(q.Apply(e, e.Trigger()))
		}
		return q
	}
	one, idle := ready(1), open()
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
	raiseDescriptorLimit(b, 1200)
	r, _ := newPipe(b)
	for _, size := range []int{16, 1000} {
		q := open()
		changes := make([]Event, size)
		for i := range changes {
			fd, err := unix.Dup(r)
			check(err)
			b.Cleanup(func() { unix.Close(fd) })
			changes[i] = ReadEvent(fd)
		}
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
	for _, count := range []int{1, 64, 500} {
		q, into := ready(count), make([]Event, count)
		list = append(list, pair{fmt.Sprintf("Ready/%d", count), raw(q, nil, into, nil), func(n int) {
			for range n {
				if _, err := q.WaitInto(into, Forever); err != nil {
					b.Fatal(err)
				}
			}
		}})
	}
	return list
}

func BenchmarkPairs(b *testing.B) {
	for _, p := range pairs(b) {
		b.Run(p.name+"/raw", func(b *testing.B) { b.ReportAllocs(); p.raw(b.N) })
		b.Run(p.name+"/kqueue", func(b *testing.B) { b.ReportAllocs(); p.kqueue(b.N) })
	}
}

// A wait must not cost more because more descriptors are watched that are quiet.
func BenchmarkWatched(b *testing.B) {
	for _, count := range []int{10, 1000, 4000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			raiseDescriptorLimit(b, uint64(count)+100)
			q := newQueue(b)
			r, w := newPipe(b)
			for range count {
				fd, err := unix.Dup(r)
				if err != nil {
					b.Fatal(err)
				}
				defer unix.Close(fd)
				apply(b, q, ReadEvent(fd))
			}
			apply(b, q, WriteEvent(w))
			buf := make([]Event, 8)
			b.ResetTimer()
			for range b.N {
				if n, err := q.WaitInto(buf, Forever); n != 1 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// A wake-up from one goroutine to another and back, by user events, with more
// goroutines waiting beside.
func BenchmarkRoundTrip(b *testing.B) {
	for _, waiters := range []int{1, 2, 8} {
		b.Run(fmt.Sprint(waiters), func(b *testing.B) {
			there, back := newQueue(b), newQueue(b)
			ping, pong := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagClear)
			apply(b, there, ping)
			apply(b, back, pong)
			var group sync.WaitGroup
			for range waiters {
				group.Add(1)
				go func() {
					defer group.Done()
					buf := make([]Event, 1)
					for {
						if _, err := there.WaitInto(buf, Forever); err != nil {
							return
						}
						if err := back.Apply(pong.Trigger()); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			buf := make([]Event, 1)
			b.ResetTimer()
			for range b.N {
				if err := there.Apply(ping.Trigger()); err != nil {
					b.Fatal(err)
				}
				if _, err := back.WaitInto(buf, Forever); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			there.Close()
			group.Wait()
		})
	}
}

// TestBenchmarkTable prints the table of the README. It measures by the clock,
// so it proves nothing on a busy machine and is no part of the suite: run it by
// KQUEUE_TABLE=1 go test -run BenchmarkTable -v. Raw and kqueue take turns, and
// the quickest turn of each counts.
func TestBenchmarkTable(t *testing.T) {
	if os.Getenv("KQUEUE_TABLE") == "" {
		t.Skip("KQUEUE_TABLE is not set")
	}
	measure := func(do func(int), n int) time.Duration {
		start := time.Now()
		do(n)
		return time.Since(start) / time.Duration(n)
	}
	t.Logf("%-18s %10s %10s %6s", "", "raw", "kqueue", "ratio")
	for _, p := range pairs(t) {
		n := max(1, int(200*time.Microsecond/max(1, measure(p.raw, 2))))
		for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
			p.kqueue(n)
		}
		raw, wrapped := time.Duration(1<<62), time.Duration(1<<62)
		for range 100 {
			raw = min(raw, measure(p.raw, n))
			wrapped = min(wrapped, measure(p.kqueue, n))
		}
		t.Logf("%-18s %10v %10v %6.3f", p.name, raw, wrapped, float64(wrapped)/float64(raw))
	}
}
