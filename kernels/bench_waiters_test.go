//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// BenchmarkWaiters measures what it costs that several goroutines wait on one
// queue. A byte goes round in a pipe: the waiter that gets the event reads it and
// writes it again, which is what an operation is. With FlagDispatch and FlagOneshot,
// it has to ask for the event again. In the rows “stays ready” nobody reads the byte,
// and a wait is an operation.
func BenchmarkWaiters(b *testing.B) {
	type mode struct {
		name  string
		flags Flag
		again func(Event) Event // the change that asks for the event again, if one has to
		reads bool
	}
	modes := []mode{
		{"level, stays ready", 0, nil, false},
		{"level", 0, nil, true},
		{"FlagClear", FlagClear, nil, true},
		{"FlagDispatch", FlagDispatch, Event.Enable, true},
		{"FlagOneshot", FlagOneshot, func(e Event) Event { return e }, true},
	}
	for _, m := range modes {
		for _, waiters := range []int{1, 2, 8} {
			for _, way := range callWays {
				b.Run(fmt.Sprintf("%s/%d/%s", m.name, waiters, way.name), func(b *testing.B) {
					q := kqtest.NewQueue(b)
					r, w := kqtest.NewPipe(b)
					if err := unix.SetNonblock(r, true); err != nil {
						b.Fatal(err)
					}
					event := ReadEvent(r).With(m.flags)
					kqtest.Apply(b, q, event, UserEvent(1))
					var left atomic.Int64
					left.Store(int64(b.N))
					serve := func() error {
						buf, events := make([]byte, 1), make([]Event, 1)
						for {
							if err := way.wait(q, events); err != nil || events[0].Filter == FilterUser {
								return err
							}
							if m.reads {
								if _, err := unix.Read(r, buf); err == unix.EAGAIN {
									continue // Another one has got it.
								} else if err != nil {
									return err
								}
							}
							if left.Add(-1) <= 0 {
								return way.apply(q, UserEvent(1).Trigger()) // ends all
							}
							if m.reads {
								if _, err := unix.Write(w, buf); err != nil {
									return err
								}
							}
							if m.again != nil {
								if err := way.apply(q, m.again(event)); err != nil {
									return err
								}
							}
						}
					}
					var group sync.WaitGroup
					for range waiters {
						group.Add(1)
						go func() {
							defer group.Done()
							if err := serve(); err != nil {
								b.Error(err)
							}
						}()
					}
					b.ResetTimer()
					if _, err := unix.Write(w, []byte{0}); err != nil {
						b.Fatal(err)
					}
					group.Wait()
				})
			}
		}
	}
}
