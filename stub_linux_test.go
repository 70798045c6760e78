package kqueue

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What must not be measured or slowed down with the simulated kernel has no kernel
// at all: its system calls do nothing.

// StubKevent is stubKevent of helpers_test.go.
func StubKevent(t testing.TB) {
	old := kevent
	t.Cleanup(func() { kevent = old })
	kevent = func(fd int, changes, events []kernelEvent, limit *timespec) (int, error) {
		switch {
		case len(changes) == 1 && changes[0].Flags&FlagDelete != 0:
			return -1, unix.ENOENT
		case len(changes) > 0 && changes[0].Flags&FlagReceipt != 0:
			for i := range changes {
				events[i] = changes[i]
				events[i].Flags, events[i].Data = FlagError, 0
			}
			return len(changes), nil
		case len(events) == 0 || limit != nil && limit.d == 0:
			return 0, nil
		}
		events[0] = Event{Ident: 1, Filter: FilterUser}
		return 1, nil
	}
}

// A late call, which finds the queue closing, is counted while it is turned away. If
// it comes between the last call out and the release, both see that nobody is left,
// but only one of them releases the descriptor.
func TestLastCallOut(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var released atomic.Int64 // the last round
	defer func(old func(int) error) { closeDescriptor = old }(closeDescriptor)
	closeDescriptor = func(fd int) error {
		if !released.CompareAndSwap(int64(fd)-1, int64(fd)) {
			panic("TestLastCallOut: the descriptor was released twice")
		}
		return nil
	}
	var current atomic.Pointer[Queue]
	current.Store(new(Queue))
	ended := make(chan bool)
	var stop atomic.Bool
	go func() {
		defer close(ended)
		for !stop.Load() {
			current.Load().Apply()
		}
	}()
	round := 0
	for start := time.Now(); round < 2e6 && time.Since(start) < 2*time.Second; {
		round++
		q := &Queue{fd: round}
		q.unreleased.Lock()
		q.calls.Store(closing + 1)
		current.Store(q)
		q.countOut()
		q.unreleased.Lock()
	}
	stop.Store(true)
	<-ended
	if got := released.Load(); got != int64(round) {
		t.Errorf("%d descriptors were released in %d rounds", got, round)
	}
	t.Logf("%d rounds", round)
}
