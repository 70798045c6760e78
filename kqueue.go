// Package kqueue wraps kqueue(2) and kevent(2).
package kqueue

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Forever is the timeout that never passes. Every negative timeout means the
// same.
const Forever time.Duration = -1

// A Queue is a kernel event queue, made by [New]. All its methods may be called
// from many goroutines at once, Close among them. A nil or zero Queue behaves
// as a closed one.
type Queue struct {
	// calls is the number of calls that use fd now, with isOpen or-ed in until
	// Close. Whoever brings it to 0 closes fd; nobody can raise it from there,
	// so that happens once. The zero Queue is therefore closed.
	calls atomic.Uint32
	fd    int

	// wakePipe is the descriptor that Close woke the waiters with, or -1.
	wakePipe int
	closed   chan struct{} // closed once fd is
	closeErr error         // set before closed is closed
}

const (
	isOpen = 1 << 31

	// batchSize is how many changes of one Apply go to the kernel at a time.
	// The copies then fit on the stack, and more gain next to nothing.
	batchSize = 16

	// waitSize is how many events one Wait returns at the most.
	waitSize = 64

	// maxWait is the longest timeout that goes to the kernel at once. Darwin
	// refuses very long ones, and 32-bit kernels overflow.
	maxWait = 24 * time.Hour

	// wakeIdent is the user event by which Close wakes waiters. It is put into
	// a queue only while that queue closes.
	wakeIdent = ^uintptr(0)
)

var errClosed = fmt.Errorf("kqueue: %w", os.ErrClosed)

// New makes a kernel event queue with kqueue(2). Its descriptor is
// close-on-exec, and no child of fork inherits it. Call Close when done:
// nothing else releases the descriptor.
//
// The error is an [*os.SyscallError]: EMFILE or ENFILE where no descriptor is
// free, ENOMEM where the kernel has no memory or, on FreeBSD, RLIMIT_KQUEUES is
// reached. On a system without kqueue it wraps [errors.ErrUnsupported].
func New() (*Queue, error) {
	fd, err := newKqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	q := &Queue{fd: fd, wakePipe: -1, closed: make(chan struct{})}
	q.calls.Store(isOpen)
	return q, nil
}

// Fd returns the queue's descriptor, or ^uintptr(0) where the queue is closed.
// It is good for nesting: watched by [FilterRead] in another queue it is
// readable while events are pending here. The Queue keeps owning it: do not
// close it, and use it only while the Queue is open.
func (q *Queue) Fd() uintptr {
	if q == nil || q.calls.Load()&isOpen == 0 {
		return ^uintptr(0)
	}
	return uintptr(q.fd)
}

// Apply hands changes to the kernel: each adds, modifies, triggers or deletes
// one event, as its Flags say. It does not wait, and takes no pending event
// from the queue. Every change is tried, also after one is refused.
//
// The error joins a [*ChangeError] for each refused change, in the order of the
// changes; [errors.Is] and [errors.As] see through it, and its method
// Unwrap() []error lists them all. A closed queue gives an error that wraps
// [os.ErrClosed]. Where the call as a whole fails, an [*os.SyscallError] is
// among the errors, and the changes from its batch on may not be applied.
//
// The kernel copies the changes; the slice is neither changed nor kept.
// FlagReceipt has no effect here.
func (q *Queue) Apply(changes ...Event) error {
	if !q.enter() {
		return errClosed
	}
	defer q.leave()
	if len(changes) == 1 {
		if err := applyOne(q.fd, &changes[0]); err != nil {
			return errors.Join(&ChangeError{0, changes[0], err})
		}
		return nil
	}
	return applyMany(q.fd, changes)
}

// applyOne hands one change to the kernel and returns its errno. Unlike a
// receipt, a plain error cannot be mistaken for an event.
func applyOne(fd int, change *Event) error {
	one := [1]Event{*change}
	one[0].Flags &^= FlagReceipt
	refuseZeroFilter(&one[0])
	_, err := kevent(fd, one[:], nil, 0)
	return err
}

// applyMany hands changes to the kernel with FlagReceipt. It makes the kernel
// answer every change, in order, and nothing else: without it the kernel stops
// at the first bad change or, given room for errors, drains pending events.
func applyMany(fd int, changes []Event) error {
	var errs []error
	var batch, receipts [batchSize]Event
	for first := 0; first < len(changes); first += batchSize {
		size := copy(batch[:], changes[first:])
		for i := range batch[:size] {
			batch[i].Flags |= FlagReceipt
			refuseZeroFilter(&batch[i])
		}
		n, err := kevent(fd, batch[:size], receipts[:size], 0)
		if err != nil {
			errs = append(errs, os.NewSyscallError("kevent", err))
			break
		}
		for i := range receipts[:n] {
			if err := receipts[i].Err(); err != nil {
				errs = append(errs, &ChangeError{first + i, changes[first+i], err})
			}
		}
	}
	return errors.Join(errs...)
}

// refuseZeroFilter makes every kernel refuse filter 0 with EINVAL where it is
// no filter. FreeBSD would skip the change without a word and without a receipt
// (sys/kern/kern_event.c, kqueue_kevent); a positive filter it does refuse.
func refuseZeroFilter(change *Event) {
	if FilterRead != 0 && change.Filter == 0 {
		change.Filter = 1
	}
}

// Wait returns the triggered events, at most 64 of them, in a slice of their
// own; what is left comes with the next call. It waits until there is at least
// one, but no longer than timeout: 0 polls, a negative one ([Forever]) never
// passes. When it passes, Wait returns no event and no error.
//
// Signals do not end the wait. Close does, with an error that wraps
// [os.ErrClosed]. Any other error is an [*os.SyscallError] of kevent(2).
//
// A goroutine inside Wait holds an operating system thread.
func (q *Queue) Wait(timeout time.Duration) ([]Event, error) {
	buffer := waitBuffers.Get().(*[waitSize]Event)
	defer waitBuffers.Put(buffer)
	n, err := q.WaitInto(buffer[:], timeout)
	if n == 0 {
		return nil, err
	}
	events := make([]Event, n)
	copy(events, buffer[:])
	return events, nil
}

var waitBuffers = sync.Pool{New: func() any { return new([waitSize]Event) }}

// WaitInto is [Queue.Wait] without an allocation: it puts the triggered events
// into events, as many as there is room for, and returns their number. An empty
// events gives an error that wraps [os.ErrInvalid].
func (q *Queue) WaitInto(events []Event, timeout time.Duration) (int, error) {
	if !q.enter() {
		return 0, errClosed
	}
	defer q.leave()
	if len(events) == 0 {
		return 0, errNoRoom
	}
	return q.wait(nil, events, timeout)
}

var errNoRoom = fmt.Errorf("kqueue: WaitInto: no room for events: %w", os.ErrInvalid)

// Kevent is kevent(2) itself: it applies changes, then waits and fills events
// as [Queue.WaitInto] does, in one system call. It returns the number of events.
//
// A refused change comes back in events, with FlagError and the errno in Data
// (see [Event.Err]); the changes after it are still applied, and then Kevent
// returns without a wait. Where events has no room for it, the call fails with
// that errno in an [*os.SyscallError], and the changes after it are not applied.
// A change with FlagReceipt comes back in events even when it was accepted, with
// Data 0, where there is room. With an empty events, Kevent applies the changes and never waits.
//
// Signals do not end the wait, and the changes are applied once. changes and
// events may be the same slice.
func (q *Queue) Kevent(changes, events []Event, timeout time.Duration) (int, error) {
	if !q.enter() {
		return 0, errClosed
	}
	defer q.leave()
	if oneByOne(changes, events) {
		n, err := applyOneByOne(q.fd, changes, events)
		if n > 0 || err != nil {
			return n, err
		}
		changes = nil
	}
	if len(events) == 0 {
		timeout = 0
	}
	return q.wait(changes, events, timeout)
}

// oneByOne reports whether the kernel would get this list of changes wrong:
//
//   - DragonFly writes errors past the end of an event list that is shorter than
//     the changes (sys/kern/kern_event.c, kevent_copyout).
//   - All but Darwin stop without an error at a receipt that has no room.
//   - FreeBSD skips filter 0: see refuseZeroFilter.
func oneByOne(changes, events []Event) bool {
	short := len(events) < len(changes)
	if short && runtime.GOOS == "dragonfly" {
		return true
	}
	if !short && runtime.GOOS != "freebsd" {
		return false
	}
	for i := range changes {
		if short && changes[i].Flags&FlagReceipt != 0 {
			return true
		}
		if runtime.GOOS == "freebsd" && changes[i].Filter == 0 {
			return true
		}
	}
	return false
}

// applyOneByOne does the first half of a kevent call where oneByOne tells so: it
// applies changes and puts what is refused, and what FlagReceipt asks for, into
// events.
func applyOneByOne(fd int, changes, events []Event) (int, error) {
	n := 0
	for i := range changes {
		answer := changes[i]
		err := applyOne(fd, &answer)
		if err == nil && answer.Flags&FlagReceipt == 0 {
			continue
		}
		if n == len(events) {
			if err != nil {
				return 0, os.NewSyscallError("kevent", err)
			}
			continue
		}
		answer.Flags, answer.Data = FlagError, 0
		if errno, ok := err.(syscall.Errno); ok {
			answer.Data = int64(errno)
		}
		events[n] = answer
		n++
	}
	return n, nil
}

// wait is kevent(2), begun again until an event, the end of the timeout, an
// error or Close ends it.
func (q *Queue) wait(changes, events []Event, timeout time.Duration) (int, error) {
	var start time.Time
	if timeout > 0 {
		start = time.Now()
	}
	left := timeout
	for {
		n, err := kevent(q.fd, changes, events, min(left, maxWait))
		if q.calls.Load()&isOpen == 0 {
			return 0, errClosed
		}
		if n > 0 {
			return n, nil
		}
		if err != nil && err != syscall.EINTR {
			return 0, os.NewSyscallError("kevent", err)
		}
		if timeout == 0 && err == nil {
			return 0, nil
		}
		// A signal came, or maxWait passed. The kernel applies the changes
		// before it waits, so they must not be sent again.
		changes = nil
		if timeout > 0 {
			left = timeout - time.Since(start)
			if left <= 0 {
				return 0, nil
			}
		}
	}
}

// Close releases the queue and all events in it. It wakes every goroutine that
// is inside Wait, WaitInto or Kevent, whose call then fails with an error that
// wraps [os.ErrClosed], and returns when all have left and the descriptor is
// closed. A second Close, and every later call, gives an error that wraps
// [os.ErrClosed] too.
//
// Where the kernel refuses whatever could wake the waiters (it needs room for
// one user event or, failing that, two free descriptors), Close returns that
// error at once; the queue counts as closed, and the last call to leave it
// closes the descriptor.
func (q *Queue) Close() error {
	if q == nil {
		return errClosed
	}
	for {
		calls := q.calls.Load()
		if calls&isOpen == 0 {
			return errClosed
		}
		// Close counts as a call itself, so that fd stays its own.
		if !q.calls.CompareAndSwap(calls, calls&^isOpen+1) {
			continue
		}
		var err error
		if calls != isOpen {
			err = q.wakeFirst()
		}
		q.leave()
		if err != nil {
			return err
		}
		<-q.closed
		return q.closeErr
	}
}

// enter counts a call in, and reports false where the queue is closed. It never
// touches the count of a closed queue, not even for a moment: the call that
// then backed out could take itself for the last one.
func (q *Queue) enter() bool {
	if q == nil {
		return false
	}
	for {
		calls := q.calls.Load()
		if calls&isOpen == 0 {
			return false
		}
		if q.calls.CompareAndSwap(calls, calls+1) {
			return true
		}
	}
}

// leave counts a call out. The last one to leave a closed queue closes the
// descriptor.
func (q *Queue) leave() {
	// The event that Close waits with wakes one waiter; each hands it on. A call
	// that finds the queue still open cannot have taken that event.
	if calls := q.calls.Load(); calls&isOpen == 0 && calls > 1 {
		q.wakeNext()
	}
	if q.calls.Add(^uint32(0)) != 0 {
		return
	}
	if q.wakePipe >= 0 {
		closeDescriptor(q.wakePipe)
	}
	q.closeErr = os.NewSyscallError("close", closeDescriptor(q.fd))
	close(q.closed)
}

// wakeFirst wakes a call inside a queue that is being closed. Closing the
// descriptor would not do: it wakes nobody on FreeBSD and DragonFly.
//
// The user event is cleared by the call that it wakes, and that call passes it
// on: one that stayed triggered would wake all at once to fight for it, which
// takes FreeBSD seconds. DragonFly wakes them all in any case, so there it does
// stay triggered, lest they all go to sleep again but one. The event is added
// and triggered by two changes, as FreeBSD and NetBSD ignore a trigger in the
// change that adds (filt_userattach in their sys/kern/kern_event.c).
func (q *Queue) wakeFirst() error {
	event := UserEvent(wakeIdent)
	if runtime.GOOS != "dragonfly" {
		event.Flags |= FlagClear
	}
	_, err := kevent(q.fd, []Event{event, event.Trigger()}, nil, 0)
	if err == nil {
		return nil
	}
	// NetBSD and OpenBSD before they had user events, or a limit is reached
	// (OpenBSD allows a process 1,024 timers and user events).
	pipe, pipeErr := closedPipe()
	if pipeErr == nil {
		_, pipeErr = kevent(q.fd, []Event{ReadEvent(pipe)}, nil, 0)
		if pipeErr == nil {
			q.wakePipe = pipe
			return nil
		}
		closeDescriptor(pipe)
	}
	return fmt.Errorf("kqueue: closed, but waiting calls could not be woken: %w",
		errors.Join(os.NewSyscallError("kevent", err), os.NewSyscallError("pipe", pipeErr)))
}

// wakeNext triggers the user event of wakeFirst again. Where there is none yet,
// or a pipe in its place, the kernel's ENOENT does no harm.
func (q *Queue) wakeNext() {
	kevent(q.fd, []Event{UserEvent(wakeIdent).Trigger()}, nil, 0)
}
