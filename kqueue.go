package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// A Queue is a kernel event queue, made by [New]. All of its methods, including
// Close, may be called from several goroutines at once. A nil or zero Queue
// behaves like a closed one.
type Queue struct {
	// calls counts the calls that are inside and so keep the descriptor from being
	// released. Its value tells the state of the queue as well:
	//
	//	open + n     open, with n calls inside
	//	closing + n  Close has begun, with n calls inside
	//	n            the descriptor is released; the zero Queue begins here
	//
	// A call adds 1 and learns from the sum whether the queue is open. If it is
	// not, turnAway subtracts 1 again. Such a late call may make the count of a
	// closing queue reach closing more than once, so reaching it does not release
	// the descriptor: changing it from closing to 0 does, which succeeds once.
	//
	// A call that panics, which takes a slice of memory that cannot be accessed, is
	// never counted out, and Close waits forever: to survive that would take a
	// deferred function in every call.
	//
	// testdata/lifecycle.pml is a model of this, and .ci/model checks the model.
	calls atomic.Int32

	fd int

	bufferTaken atomic.Bool
	buffer      *buffer // nil until the first call that takes it; guarded by bufferTaken

	unreleased sync.Mutex // locked until the descriptor is released
	closeErr   error      // set before that
}

const open, closing = math.MinInt32, 1 << 30

var errNoUserEvents = fmt.Errorf("no user events, as before NetBSD 10.0 and OpenBSD 7.8: %w", errors.ErrUnsupported)

// New makes a kernel event queue with kqueue(2). Its descriptor is
// close-on-exec, and a forked child does not inherit it. Call Close when the
// queue is no longer needed: nothing else releases the descriptor.
//
// The error is an [*os.SyscallError]: EMFILE or ENFILE if no descriptor is free,
// ENOMEM if the kernel has no memory, no queue (RLIMIT_KQUEUES of FreeBSD) or no
// user event left (see [UserEvent]). Without kqueue, or without user events, which
// Close needs, it wraps [errors.ErrUnsupported].
func New() (*Queue, error) {
	fd, err := newKqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	event := []Event{UserEvent(wakeIdent).With(wakeFlags)}
	if _, err := kevent(fd, kernelEvents(event), nil, new(timespec)); err != nil {
		closeDescriptor(fd)
		if err == syscall.EINVAL {
			err = errNoUserEvents
		}
		return nil, os.NewSyscallError("kevent", err)
	}
	q := &Queue{fd: fd}
	q.unreleased.Lock()
	q.calls.Store(open)
	return q, nil
}

// Fd returns the descriptor of the queue, or ^uintptr(0) if the queue is
// closed. It allows queues to be nested: with [FilterRead] in another queue,
// the descriptor is readable while events are pending in this one. Queues must
// not watch each other in a circle and must not be nested deeply.
//
// The Queue still owns the descriptor. Do not close it, and use it only while
// the Queue is open. Do not call kevent(2) on it: such a call may take the event
// with which Close wakes the others.
func (q *Queue) Fd() uintptr {
	if q == nil || q.calls.Load() >= 0 {
		return ^uintptr(0)
	}
	return uintptr(q.fd)
}

// Close releases the queue and all events in it. It wakes every goroutine that
// is inside Wait, WaitInto or Kevent, and returns after they have left. Their
// waits fail with an error that wraps [os.ErrClosed], and so does every later
// call, including a second Close. Events that such a wait had already taken from
// the queue are dropped.
//
// Any other error means that close(2) failed, or that the kernel does not let
// the program change the queue any more, as after cap_rights_limit(2) on
// FreeBSD. In the latter case Close does not wait: the queue counts as closed, and
// the last call that leaves it releases the descriptor.
func (q *Queue) Close() error {
	if q == nil {
		return closedError("close")
	}
	calls := q.calls.Load()
	// Close counts as a call, so that it may use the descriptor.
	for calls < 0 && !q.calls.CompareAndSwap(calls, calls-open+closing+1) {
		calls = q.calls.Load()
	}
	if calls >= 0 {
		return closedError("close")
	}
	var err error
	if calls != open {
		err = q.wake()
	}
	q.countOut()
	if err != nil {
		return os.NewSyscallError("kevent", err)
	}
	q.unreleased.Lock()
	return q.closeErr
}

// A closedError is the error of an operation on a closed queue.
type closedError string

// Error names the operation.
func (operation closedError) Error() string {
	return "kqueue: " + string(operation) + ": the queue is closed"
}

// Unwrap returns os.ErrClosed, whose own text speaks of a file.
func (closedError) Unwrap() error { return os.ErrClosed }

// turnAway counts out a call that found the queue closed, and returns its error.
//
//go:noinline
func (q *Queue) turnAway(operation closedError) error {
	if q != nil {
		q.countOut()
	}
	return operation
}

// wakeNext wakes another call of a closing queue on behalf of a call that has
// just been counted out. Each call that leaves has to do this, because it may have
// received the event that was meant to wake the others.
func (q *Queue) wakeNext() {
	// The descriptor may have been released in the meantime. Being counted in
	// again keeps it from being released now.
	if q.calls.Add(1) > closing+1 {
		q.wake()
	}
	q.countOut()
}

// countOut counts a call out of a queue that is not open. The last one releases
// the descriptor.
func (q *Queue) countOut() {
	if q.calls.Add(-1) == closing && q.calls.CompareAndSwap(closing, 0) {
		q.closeErr = os.NewSyscallError("close", closeDescriptor(q.fd))
		q.unreleased.Unlock()
	}
}

// wakeIdent is the ident of the user event with which Close wakes the calls that
// wait. New adds it, and the program may not change it: see mishandled.
const wakeIdent = ^uintptr(0)

// wake wakes a call inside a closing queue; on a kernel that wakes all sleepers
// for each event, it wakes all of them. Closing the descriptor would not do: on
// FreeBSD and DragonFly, it wakes nobody.
//
// The call that is woken clears the event and wakes the next one. An event that
// stays triggered would wake all at once to compete for it, which takes FreeBSD
// seconds for 500 calls. DragonFly wakes all in any case, so wakeFlags lacks
// FlagClear there: all but one would go back to sleep.
func (q *Queue) wake() error {
	_, err := kevent(q.fd, kernelEvents([]Event{UserEvent(wakeIdent).Trigger()}), nil, new(timespec))
	return err
}
