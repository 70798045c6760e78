package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Forever is the timeout that never passes. It is the longest [time.Duration], so
// that time.Until(deadline) is a timeout too: a deadline that has passed makes it
// negative, which polls.
const Forever time.Duration = math.MaxInt64

// maxEvents is the largest number of events that one Wait returns, and of changes
// that Apply passes to the kernel at once.
const maxEvents = 64

var errNoRoom = fmt.Errorf("kqueue: wait: no room for events: %w", os.ErrInvalid)
var errReceipt = fmt.Errorf("kqueue: apply: the kernel is too old: it ignored FlagReceipt: %w", errors.ErrUnsupported)

// Apply passes changes to the kernel. Each of them adds, modifies, triggers or
// deletes one event, as its Flags say. Apply does not wait, and it takes no
// pending event from the queue. It tries every change, even if one is refused.
//
// A refused change is reported by a [*ChangeError]. If several are refused, the
// error joins one for each of them, in the order of the changes. [ChangeErrors]
// lists them in either case. If the call as a whole fails, an
// [*os.SyscallError] is the error or among the joined ones, and the later
// changes may not be applied. If the queue is closed, the error wraps
// [os.ErrClosed]. Compare errors with [errors.Is], for example with
// [syscall.ENOENT] if the event to delete does not exist.
//
// Apply neither modifies nor keeps the slice. FlagReceipt has no effect here. On
// NetBSD before 10.0, which ignores it, several changes fail with an error that
// wraps [errors.ErrUnsupported].
//
// For several changes, Kevent(changes, nil, 0) is cheaper on FreeBSD and
// NetBSD. It stops at the first change that is refused and does not say which
// one that is.
func (q *Queue) Apply(changes ...Event) error {
	// This is how a call enters; WaitInto and Kevent do the same. A function for it
	// would return a bool, and to make and test that costs more than the rest.
	if q == nil || q.calls.Add(1) >= 0 {
		return q.turnAway("apply")
	}
	var err error
	if len(changes) == 1 && !kernelMishandles(q.fd, &changes[0]) {
		// Without room for events, the kernel returns the errno of the change.
		if _, err = kevent(q.fd, kernelEvents(changes), nil, new(timespec)); err != nil {
			err = changeError(q.fd, changes[0], err)
		}
	} else {
		r, own := q.batch.take()
		if n := len(changes); n <= maxEvents {
			_, err = applyBatch(q.fd, changes, r.events[:n], 0)
		} else {
			err = applyBatches(q.fd, changes, r.events[:])
		}
		q.batch.giveBack(r, own)
	}
	// And this is how it leaves. A call that leaves an open queue cannot have
	// received the event that wakes the calls inside.
	if q.calls.Add(-1) >= 0 {
		return q.wakeNext("apply")
	}
	return err
}

// Wait waits for events to be triggered and returns at most 64 of them. The
// next call returns the rest. The slice belongs to the caller.
//
// Wait waits until there is at least one event, but no longer than timeout. A
// timeout of 0 or less polls, and [Forever] never passes. When the timeout
// passes, Wait returns no event and no error. NetBSD, OpenBSD and DragonFly
// count clock ticks: a short timeout takes about 20 ms there.
//
// Signals do not end the wait, and neither does closing a descriptor that is
// watched. Close ends it with an error that wraps [os.ErrClosed]. Any other
// error is an [*os.SyscallError] of kevent(2).
//
// A goroutine inside Wait holds an operating system thread. With GOMAXPROCS=1,
// it may hold up the other goroutines for a while: see “Concurrency and Close”
// in the package comment.
func (q *Queue) Wait(timeout time.Duration) ([]Event, error) {
	if q == nil {
		return nil, closedError("wait")
	}
	r, own := q.waiting.take()
	n, err := q.WaitInto(r.events[:], timeout)
	var events []Event
	if n > 0 {
		events = r.cut(n)
	}
	q.waiting.giveBack(r, own)
	return events, err
}

// WaitInto is [Queue.Wait] without an allocation. It stores the triggered events
// in events, as many as there is room for, and returns their number. If events
// is empty, the error wraps [os.ErrInvalid].
func (q *Queue) WaitInto(events []Event, timeout time.Duration) (n int, err error) {
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway("wait")
	}
	if len(events) > 0 {
		var t timespec
		limit, start := callLimit(&t, timeout)
		n, err = kevent(q.fd, nil, kernelEvents(events), limit)
		if n <= 0 && (timeout > 0 || err != nil) {
			n, err = keventAgain(q.fd, events, timeout, start, err)
		}
	} else {
		err = errNoRoom
	}
	if q.calls.Add(-1) >= 0 {
		return 0, q.wakeNext("wait")
	}
	return n, err
}

// Kevent is kevent(2) itself: in one system call, it applies changes and then
// waits for events as [Queue.WaitInto] does. It returns the number of events.
//
// A refused change comes back in events, with FlagError and the errno in Data
// (see [Event.Err]). The later changes are still applied, and Kevent then
// returns without waiting. If events has no room for it, the call fails with
// that errno in an [*os.SyscallError], and the later changes are not applied. A
// change with FlagReceipt comes back in events even if it was accepted, with
// Data 0, as long as there is room. If events is empty, Kevent applies the
// changes and does not wait.
//
// Signals do not end the wait, and the changes are applied only once. changes
// and events may be the same slice, but must not overlap otherwise. A change that
// was collected before its descriptor was closed reaches another file if the
// number is in use again.
func (q *Queue) Kevent(changes, events []Event, timeout time.Duration) (n int, err error) {
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway("kevent")
	}
	apart := len(events) < len(changes) && answersAreLost(changes, len(events))
	for i := range changes {
		// A change of the event with which Close wakes calls may come when Close has
		// triggered it. The call must then leave before it waits.
		if kernelMishandles(q.fd, &changes[i]) || changes[i].Ident == wakeIdent {
			apart = true
		}
	}
	if apart {
		return q.keventApart(changes, events, timeout)
	}
	var t timespec
	limit, start := callLimit(&t, timeout)
	n, err = kevent(q.fd, kernelEvents(changes), kernelEvents(events), limit)
	if n <= 0 && (timeout > 0 || err != nil) {
		n, err = keventAgain(q.fd, events, timeout, start, err)
	}
	if q.calls.Add(-1) >= 0 {
		return 0, q.wakeNext("kevent")
	}
	return n, err
}

// keventApart is the rest of Kevent for changes that must be passed to the kernel
// one at a time, and apart from the wait.
func (q *Queue) keventApart(changes, events []Event, timeout time.Duration) (n int, err error) {
	n, err = applyEach(q.fd, changes, events)
	if q.calls.Add(-1) >= 0 {
		return 0, q.wakeNext("kevent")
	}
	if n > 0 || err != nil || len(events) == 0 {
		return n, os.NewSyscallError("kevent", err)
	}
	return q.Kevent(nil, events, timeout)
}

// queueError returns the error of the queue if errno, with which a change failed,
// is not about the change: another part of the program may have closed the
// descriptor. A call without changes then fails too.
func queueError(fd int, errno error) error {
	if errno != syscall.EBADF && errno != syscall.EINVAL {
		return nil
	}
	_, err := kevent(fd, nil, nil, new(timespec))
	return err
}

// changeError returns the error of an Apply of one change, given its errno.
func changeError(fd int, change Event, errno error) error {
	if err := queueError(fd, errno); err != nil {
		return os.NewSyscallError("kevent", err)
	}
	return &ChangeError{0, change, errno}
}

// applyBatches passes changes to the kernel, as many at a time as batch has room
// for.
func applyBatches(fd int, changes, batch []Event) error {
	var errs []error
	for first := 0; first < len(changes); first += len(batch) {
		n := min(len(batch), len(changes)-first)
		failed, err := applyBatch(fd, changes[first:first+n], batch[:n], first)
		if err != nil {
			errs = append(errs, err)
		}
		if failed {
			break
		}
	}
	return joinErrors(errs)
}

// joinErrors is errors.Join, but does not wrap a single error.
func joinErrors(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// applyBatch passes changes to the kernel by way of batch, which is as long. The
// index of the first change is first. FlagReceipt makes the kernel answer every
// change, in order, and return nothing else. Without it, the kernel would stop at
// the first change that it refuses or, given room for errors, take pending events
// from the queue. If the call as a whole fails, failed is true.
func applyBatch(fd int, changes, batch []Event, first int) (failed bool, err error) {
	mishandled := false
	for i := range batch {
		b := &batch[i]
		*b = changes[i]
		b.Flags |= FlagReceipt
		if kernelMishandles(fd, b) {
			mishandled = true
		}
	}
	n := 0
	if mishandled { // the answers overwrite their changes
		n, err = applyEach(fd, batch, batch)
	} else {
		n, err = kevent(fd, kernelEvents(batch), kernelEvents(batch), new(timespec))
	}
	if err != nil {
		return true, os.NewSyscallError("kevent", err)
	}
	// Most of the time all answers are receipts and have no errno.
	flags, data := FlagError, int64(0)
	for i := range batch {
		flags &= batch[i].Flags
		data |= batch[i].Data
	}
	if n < len(batch) || flags == 0 {
		return true, errReceipt
	}
	if data != 0 {
		err = refusals(changes, batch, first)
	}
	return false, err
}

// refusals returns the error of an Apply whose changes got answers. It is not
// inlined, so that applyBatch has a small frame.
//
//go:noinline
func refusals(changes, answers []Event, first int) error {
	var errs []error
	for i := range answers {
		if err := answers[i].Err(); err != nil {
			errs = append(errs, &ChangeError{first + i, changes[i], err})
		}
	}
	return joinErrors(errs)
}

// answersAreLost reports whether a kernel that has room for fewer answers than
// there are changes gets them wrong. At the first FlagReceipt without room, all
// kernels but that of macOS stop without an error. Some write answers past the end
// of a list of events that is too short, if there is one.
func answersAreLost(changes []Event, room int) bool {
	for i := range changes {
		if changes[i].Flags&FlagReceipt != 0 {
			return true
		}
	}
	return writesPastEvents && room > 0
}

// applyEach applies changes one at a time, with the results of a kevent(2) call
// that has room for len(events) answers.
func applyEach(fd int, changes, events []Event) (n int, err error) {
	for i := range changes {
		answer := changes[i]
		errno := syscall.Errno(0)
		if kernelMishandles(fd, &answer) {
			errno = syscall.EINVAL
		} else if _, err := kevent(fd, kernelEvents(changes[i:i+1]), nil, new(timespec)); err != nil {
			if err := queueError(fd, err); err != nil {
				return 0, err
			}
			errno, _ = err.(syscall.Errno)
		}
		switch {
		case errno == 0 && answer.Flags&FlagReceipt == 0:
		case n < len(events):
			answer.Flags, answer.Data = FlagError, int64(errno)
			events[n] = answer
			n++
		case errno != 0:
			return 0, errno
		}
	}
	return n, nil
}

// processStart is the time from which waits are counted: time.Since reads only
// the monotonic clock for it, while time.Now reads two clocks.
var processStart = time.Now()

// callLimit stores in t how long one call may wait, and returns t, or nil if the
// call may wait without end. It also returns when a timeout begins.
func callLimit(t *timespec, timeout time.Duration) (limit *timespec, start time.Duration) {
	switch {
	case timeout == Forever && !renewForever:
		return nil, 0
	case timeout <= 0:
		return t, 0
	}
	return t, startTimeout(t, timeout)
}

func startTimeout(limit *timespec, timeout time.Duration) (start time.Duration) {
	if !renewForever || timeout < Forever {
		start = time.Since(processStart)
	}
	*limit = newTimespec(min(timeout, longestCall))
	return start
}

// keventAgain goes on with a wait that began at start, and whose first call
// returned no event but err. That call has applied its changes before it waited:
// they must not be passed again.
func keventAgain(fd int, events []Event, timeout, start time.Duration, err error) (n int, _ error) {
	for n <= 0 {
		switch {
		case err == syscall.EINTR, err == spuriousErrno:
		case err != nil:
			return 0, os.NewSyscallError("kevent", err)
		case timeout <= 0 || len(events) == 0:
			return 0, nil
		}
		if 0 < timeout && timeout < Forever {
			passed := time.Since(processStart) - start
			if passed == 0 && err == nil {
				// The clock of testing/synctest stands still during a system call.
				passed = min(timeout, longestCall)
			}
			if timeout -= passed; timeout <= 0 {
				return 0, nil
			}
		}
		var t timespec
		limit, now := callLimit(&t, timeout)
		start = now
		n, err = kevent(fd, nil, kernelEvents(events), limit)
	}
	return n, nil
}

// A buffer has room for the events of one call. Wait copies them from it into a
// chunk of memory that several results share. Allocating room for each call would
// cost more than a short kevent, and a result would keep all of it alive.
type buffer struct {
	events [maxEvents]Event
	chunk  []Event // not handed out yet
}

// cut returns a copy of the first n events.
func (b *buffer) cut(n int) []Event {
	const chunk = 16 // 1 KiB at most: an Event has up to 64 bytes
	if n > len(b.chunk) {
		if n > chunk/4 {
			return slices.Clone(b.events[:n:n])
		}
		b.chunk = make([]Event, chunk)
	}
	events := b.chunk[:n:n]
	b.chunk = b.chunk[n:]
	for i := range events { // slower than copy only for many
		events[i] = b.events[i]
	}
	return events
}

// A sharedBuffer is a buffer of a queue. Calls that find it taken get another one
// from a pool, which takes longer.
type sharedBuffer struct {
	taken  atomic.Bool
	buffer *buffer // nil until the first call; guarded by taken
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// take returns a buffer, and whether it is that of the queue.
func (s *sharedBuffer) take() (b *buffer, own bool) {
	own = s.taken.CompareAndSwap(false, true)
	if own && s.buffer != nil {
		return s.buffer, true
	}
	return s.newBuffer(own), own
}

func (s *sharedBuffer) newBuffer(own bool) *buffer {
	if !own {
		return buffers.Get().(*buffer)
	}
	s.buffer = new(buffer)
	return s.buffer
}

func (s *sharedBuffer) giveBack(b *buffer, own bool) {
	if own {
		s.taken.Store(false)
	} else {
		buffers.Put(b)
	}
}
