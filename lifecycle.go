package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
)

// The descriptor of a Queue is released by the last call that uses it, and
// calls counts those calls. testdata/lifecycle.pml is a model of this file, and
// .ci/run has spin check it.
//
// The value of calls tells the state of the queue as well:
//
//	open + n     open, with n calls inside
//	closing + n  Close has begun, with n calls inside
//	n            the descriptor is released; the zero Queue begins here
//
// A call adds 1 and learns from the sum whether the queue is open. If it is not,
// turnAway subtracts 1 again. Such a late call may make the count of a closing
// queue reach closing more than once, so reaching it does not release the
// descriptor: changing it from closing to 0 does, which succeeds once.
const open, closing = math.MinInt32, 1 << 30

// wakeIdent is the ident of the user event with which Close wakes the calls that
// wait. A queue has it only while it closes.
const wakeIdent = ^uintptr(0)

var errClosed = fmt.Errorf("kqueue: %w", os.ErrClosed)

// turnAway counts out a call that found the queue closed, and returns its error.
func (q *Queue) turnAway() error {
	if q != nil {
		q.countOut()
	}
	return errClosed
}

// leave counts a call out that entered. It returns the results of the call if the
// queue is still open: such a call cannot have received the event that wakes the
// calls inside. Otherwise it returns the error of a closed queue.
func (q *Queue) leave(n int, err error) (int, error) {
	if q.calls.Add(-1) < 0 {
		return n, err
	}
	q.wakeNext()
	return 0, errClosed
}

// wakeNext wakes another call of a closing queue on behalf of a call that has
// just been counted out. Each call that leaves has to do this, because it may have
// received the event that was meant to wake the others, or have changed it.
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
		if q.wakePipe >= 0 {
			closeDescriptor(q.wakePipe)
		}
		q.closeErr = os.NewSyscallError("close", closeDescriptor(q.fd))
		close(q.closed)
	}
}

// Close releases the queue and all events in it. It wakes every goroutine that
// is inside Wait, WaitInto or Kevent, whose call then fails with an error that
// wraps [os.ErrClosed], and returns when all have left and the descriptor is
// closed. Events that such a call had already taken from the queue are dropped.
// A second Close, and every later call, returns an error that wraps
// [os.ErrClosed] too.
//
// Close wakes the others with a user event whose Ident is ^uintptr(0). A program
// may have such an event in the queue too: it is overwritten.
//
// If the kernel has no room for that event, Close uses a pipe in its place. If
// there is no descriptor for the pipe either, Close returns the errors at once.
// The queue then counts as closed, and the last call to leave it releases the
// descriptor. (If both limits are reached only later, while another call deletes
// the event, Close waits until the waiting calls end by themselves.)
func (q *Queue) Close() error {
	if q == nil {
		return errClosed
	}
	calls := q.calls.Load()
	// Close counts as a call, so that it may use the descriptor.
	for calls < 0 && !q.calls.CompareAndSwap(calls, calls-open+closing+1) {
		calls = q.calls.Load()
	}
	if calls >= 0 {
		return errClosed
	}
	var err error
	if calls != open {
		err = q.wake()
	}
	q.countOut()
	if err != nil {
		return err
	}
	<-q.closed
	return q.closeErr
}

// wake wakes a call inside a closing queue; on a kernel that wakes all sleepers
// for each event, it wakes all of them. Closing the descriptor would not do: on
// FreeBSD and DragonFly, it wakes nobody.
//
// The call that is woken clears the event and wakes the next one. An event that
// stays triggered would wake all at once to compete for it, which takes FreeBSD
// seconds for 500 calls. DragonFly wakes all in any case, so wakeFlags lacks
// FlagClear there: all but one would go back to sleep.
//
// The event is added each time. The program may have disabled or deleted it, or
// added it with flags of its own, and the kernel does not give new flags to an
// event that exists. Adding and triggering are two changes because FreeBSD and
// NetBSD ignore a trigger in the change that adds (filt_userattach in their
// sys/kern/kern_event.c).
func (q *Queue) wake() error {
	event := UserEvent(wakeIdent).With(FlagEnable | wakeFlags)
	_, err := kevent(q.fd, kernelEvents([]Event{event, event.Trigger()}), nil, &timespec{})
	if err == nil || err == syscall.ENOENT {
		// ENOENT: a call deleted the event after it was added. That call is
		// inside, and will wake the others when it leaves.
		return nil
	}
	pipeErr := q.wakeByPipe()
	if pipeErr == nil {
		return nil
	}
	return fmt.Errorf("kqueue: closed, but waiting calls could not be woken: %w",
		errors.Join(os.NewSyscallError("kevent", err), pipeErr))
}

// wakeByPipe is wake with the read end of a pipe whose writer is closed, for a
// kernel that has no room for another user event: OpenBSD allows a process 1,024
// timers and user events.
func (q *Queue) wakeByPipe() error {
	q.wakeMu.Lock()
	defer q.wakeMu.Unlock()
	if q.wakePipe < 0 {
		pipe, err := closedPipe()
		if err != nil {
			return os.NewSyscallError("pipe", err)
		}
		q.wakePipe = pipe
	}
	event := []Event{ReadEvent(q.wakePipe).With(FlagEnable | wakeFlags)}
	_, err := kevent(q.fd, kernelEvents(event), nil, &timespec{})
	return os.NewSyscallError("kevent", err)
}
