package kqueue

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Forever is the timeout that never passes. Every negative timeout means the
// same.
const Forever time.Duration = -1

// maxWait is the longest timeout that is given to the kernel at once. macOS
// refuses very long ones, and 32-bit kernels overflow.
const maxWait = 24 * time.Hour

// waitSize is the largest number of events that one Wait returns.
const waitSize = 64

var errNoRoom = fmt.Errorf("kqueue: WaitInto: no room for events: %w", os.ErrInvalid)
var errReceipt = errors.New("kqueue: the system is too old: its kernel ignored FlagReceipt")

// A Queue is a kernel event queue, made by [New]. All of its methods, including
// Close, may be called from several goroutines at once. A nil or zero Queue
// behaves like a closed one.
type Queue struct {
	calls atomic.Int32 // see lifecycle.go
	fd    int

	// Wait cuts its results from one allocation until that is used up: zeroing
	// and collecting an allocation for each call costs more than a short kevent.
	stockMu sync.Mutex
	stock   []Event

	wakeMu   sync.Mutex
	wakePipe int // the pipe that wakes waiting calls, or -1; guarded by wakeMu

	closed   chan struct{} // closed when the descriptor is
	closeErr error         // set before closed is closed
}

// New makes a kernel event queue with kqueue(2). Its descriptor is
// close-on-exec, and a forked child does not inherit it. Call Close when the
// queue is no longer needed: nothing else releases the descriptor.
//
// The error is an [*os.SyscallError]: EMFILE or ENFILE if no descriptor is free,
// ENOMEM if the kernel has no memory or, on FreeBSD, if RLIMIT_KQUEUES is
// reached. On a system without kqueue it wraps [errors.ErrUnsupported].
func New() (*Queue, error) {
	fd, err := newKqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	q := &Queue{fd: fd, wakePipe: -1, closed: make(chan struct{})}
	q.calls.Store(open)
	return q, nil
}

// Fd returns the descriptor of the queue, or ^uintptr(0) if the queue is closed.
// It allows queues to be nested: with [FilterRead] in another queue, the
// descriptor is readable while events are pending in this one. The Queue still
// owns the descriptor. Do not close it, and use it only while the Queue is open.
func (q *Queue) Fd() uintptr {
	if q == nil || q.calls.Load() >= 0 {
		return ^uintptr(0)
	}
	return uintptr(q.fd)
}

// Apply passes changes to the kernel. Each of them adds, modifies, triggers or
// deletes one event, as its Flags say. Apply does not wait, and it takes no
// pending event from the queue. It tries every change, even if one is refused.
//
// The error joins a [*ChangeError] for each refused change, in the order of the
// changes. [errors.Is] and [errors.As] look into it, and its method
// Unwrap() []error lists them all. If the call as a whole fails, an
// [*os.SyscallError] is among the errors, and the later changes may not be
// applied. If the queue is closed, the error wraps [os.ErrClosed].
//
// Apply neither modifies nor keeps the slice. FlagReceipt has no effect here.
//
// For several changes, Kevent(changes, nil, 0) is cheaper. It stops at the first
// change that is refused and does not say which one that is.
func (q *Queue) Apply(changes ...Event) error {
	if q == nil || q.calls.Add(1) >= 0 {
		return q.turnAway()
	}
	var err error
	switch n := len(changes); {
	case n == 1:
		if err = q.applyOne(changes); err != nil {
			err = q.applyError(changes[0], err)
		}
	case n <= 4:
		// A batch is cleared before it is used: few changes get a small one.
		err = q.applyAll(changes, make([]Event, 4))
	case n <= 16:
		err = q.applyAll(changes, make([]Event, 16))
	default:
		err = q.applyMany(changes)
	}
	q.leave(0, nil)
	return err
}

// applyOne passes the only element of change to the kernel and returns the errno.
// Without room for events, the kernel returns that of the change.
func (q *Queue) applyOne(change []Event) error {
	if q.mishandles(&change[0]) {
		return syscall.EINVAL
	}
	_, err := kevent(q.fd, kernelEvents(change), nil, &timespec{})
	return err
}

// checkQueue makes a call without changes. It fails if another part of the program
// has closed the descriptor, whose errno is then not mistaken for that of a change.
func (q *Queue) checkQueue() error {
	_, err := kevent(q.fd, nil, nil, &timespec{})
	return os.NewSyscallError("kevent", err)
}

// applyError returns the error of an Apply of one change, given its errno.
func (q *Queue) applyError(change Event, err error) error {
	if err == syscall.EBADF || err == syscall.EINVAL {
		if err := q.checkQueue(); err != nil {
			return errors.Join(err)
		}
	}
	return &refusal{ChangeError{0, change, err}}
}

// A refusal is what errors.Join returns for a single ChangeError, in one
// allocation: programs that delete events which may be gone see it often.
type refusal struct{ ChangeError }

// Unwrap returns the ChangeError.
func (r *refusal) Unwrap() []error {
	return []error{&r.ChangeError}
}

// applyMany is applyAll with a large batch. It is not inlined, because every call
// of Apply would then need its stack.
//
//go:noinline
func (q *Queue) applyMany(changes []Event) error {
	return q.applyAll(changes, make([]Event, 64))
}

// applyAll passes changes to the kernel, as many at a time as batch has room
// for. FlagReceipt makes the kernel answer every change, in order, and return
// nothing else. Without it, the kernel would stop at the first change that it
// refuses or, given room for errors, take pending events from the queue.
func (q *Queue) applyAll(changes, batch []Event) error {
	var errs []error
	for first := 0; first < len(changes); first += len(batch) {
		rest := changes[first:]
		batch = batch[:min(len(batch), len(rest))]
		mishandled := false
		for i := range batch {
			batch[i] = rest[i]
			batch[i].Flags |= FlagReceipt
			if q.mishandles(&rest[i]) {
				mishandled = true
			}
		}
		var err error
		if mishandled {
			_, err = q.applyEach(batch, batch) // each answer overwrites its change
		} else {
			_, err = kevent(q.fd, kernelEvents(batch), kernelEvents(batch), &timespec{})
			err = os.NewSyscallError("kevent", err)
		}
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for i := range batch {
			if batch[i].Flags&FlagError == 0 {
				return errors.Join(append(errs, errReceipt)...)
			}
			if batch[i].Data != 0 {
				errs = append(errs, &ChangeError{first + i, rest[i], batch[i].Err()})
			}
		}
	}
	if errs == nil {
		return nil
	}
	return errors.Join(errs...)
}

// Wait waits for events to be triggered and returns at most 64 of them. The next
// call returns the rest. The slice belongs to the caller. (It is part of a larger
// allocation: keeping it keeps the memory of 256 events.)
//
// Wait waits until there is at least one event, but no longer than timeout. A
// timeout of 0 polls, and a negative one ([Forever]) never passes. When the
// timeout passes, Wait returns no event and no error.
//
// Signals do not end the wait. Close ends it with an error that wraps
// [os.ErrClosed]. Any other error is an [*os.SyscallError] of kevent(2).
//
// A goroutine inside Wait holds an operating system thread.
func (q *Queue) Wait(timeout time.Duration) ([]Event, error) {
	if q == nil {
		return nil, errClosed
	}
	q.stockMu.Lock()
	stock := q.stock
	q.stock = q.stock[:0] // another call must not have it too
	q.stockMu.Unlock()
	if len(stock) < waitSize {
		stock = make([]Event, 4*waitSize)
	}
	n, err := q.wait(nil, stock[:waitSize], timeout)
	q.stockMu.Lock()
	q.stock = stock[n:]
	q.stockMu.Unlock()
	if n == 0 {
		return nil, err
	}
	return stock[:n:n], nil
}

// WaitInto is [Queue.Wait] without an allocation. It stores the triggered events
// in events, as many as there is room for, and returns their number. If events
// is empty, the error wraps [os.ErrInvalid].
func (q *Queue) WaitInto(events []Event, timeout time.Duration) (n int, err error) {
	return q.wait(nil, events, timeout)
}

// Kevent is kevent(2) itself: in one system call, it applies changes and then
// waits for events as [Queue.WaitInto] does. It returns the number of events.
//
// A refused change comes back in events, with FlagError and the errno in Data
// (see [Event.Err]). The later changes are still applied, and Kevent then returns
// without waiting. If events has no room for it, the call fails with that errno
// in an [*os.SyscallError], and the later changes are not applied. A change with
// FlagReceipt comes back in events even if it was accepted, with Data 0, as long
// as there is room. If events is empty, Kevent applies the changes and does not
// wait.
//
// Signals do not end the wait, and the changes are applied only once. changes
// and events may be the same slice.
func (q *Queue) Kevent(changes, events []Event, timeout time.Duration) (n int, err error) {
	if !q.needsCare(changes, events) {
		if n, err = q.wait(changes, events, timeout); err == errNoRoom {
			err = nil
		}
		return n, err
	}
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway()
	}
	n, err = q.leave(q.applyEach(changes, events))
	if n > 0 || err != nil || len(events) == 0 {
		return n, err
	}
	return q.wait(nil, events, timeout)
}

// needsCare reports whether changes must be passed to the kernel one at a time
// and apart from a wait:
//
//   - The kernel mishandles one of them.
//   - One of them changes the event with which Close wakes waiting calls. Close
//     may have triggered it by now, so the call must leave before it waits.
//   - The kernel has no room in events for an answer to each change. All kernels
//     but that of macOS then stop without an error at the first FlagReceipt, and
//     some write past the end of events.
func (q *Queue) needsCare(changes, events []Event) bool {
	short := len(events) < len(changes)
	for i := range changes {
		if changes[i].Ident == wakeIdent || q.mishandles(&changes[i]) ||
			short && (writesPastEvents || changes[i].Flags&FlagReceipt != 0) {
			return true
		}
	}
	return false
}

// applyEach applies changes one at a time, with the results of a kevent(2) call
// that has room for len(events) answers.
func (q *Queue) applyEach(changes, events []Event) (int, error) {
	if err := q.checkQueue(); err != nil {
		return 0, err
	}
	n := 0
	for i := range changes {
		answer := changes[i]
		err := q.applyOne(changes[i : i+1])
		switch {
		case err == nil && answer.Flags&FlagReceipt == 0:
		case n < len(events):
			errno, _ := err.(syscall.Errno)
			answer.Flags, answer.Data = FlagError, int64(errno)
			events[n] = answer
			n++
		case err != nil:
			return 0, os.NewSyscallError("kevent", err)
		}
	}
	return n, nil
}

// processStart is the time from which wait counts: time.Since reads only the
// monotonic clock for it, while time.Now reads two clocks.
var processStart = time.Now()

// wait is kevent(2), called again until an event, the end of the timeout or an
// error ends the wait.
func (q *Queue) wait(changes, events []Event, timeout time.Duration) (int, error) {
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway()
	}
	var start time.Duration
	var limit *timespec // nil waits for ever
	if timeout >= 0 {
		limit = new(timespec)
		if timeout > 0 {
			start = time.Since(processStart)
			*limit = newTimespec(min(timeout, maxWait))
		}
	}
	for {
		n, err := kevent(q.fd, kernelEvents(changes), kernelEvents(events), limit)
		if n > 0 {
			return q.leave(n, nil)
		}
		if err != nil && err != syscall.EINTR {
			return q.leave(0, os.NewSyscallError("kevent", err))
		}
		if err == nil && len(events) == 0 {
			return q.leave(0, errNoRoom)
		}
		if err == nil && timeout == 0 {
			return q.leave(0, nil)
		}
		// The kernel applied the changes before it waited: they must not be sent
		// again.
		changes = nil
		if timeout > 0 {
			passed := time.Since(processStart) - start
			if passed == 0 && err == nil {
				// The clock of testing/synctest stands still during a system call.
				passed = min(timeout, maxWait)
			}
			start += passed
			timeout -= passed
			if timeout <= 0 {
				return q.leave(0, nil)
			}
			*limit = newTimespec(min(timeout, maxWait))
		}
	}
}
