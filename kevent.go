package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Forever is the timeout that never passes. It is the longest [time.Duration], so
// that time.Until(deadline) is a timeout too: a deadline that has passed makes it
// negative, which polls.
const Forever time.Duration = math.MaxInt64

const (
	maxEvents = 64               // that one Wait returns
	noFilter  = FilterRead + 100 // that no kernel has: each refuses it with EINVAL
)

var errNoRoom = fmt.Errorf("kqueue: wait: no room for events: %w", os.ErrInvalid)
var errReceipt = fmt.Errorf("kqueue: apply: the kernel ignored FlagReceipt: %w", errors.ErrUnsupported)

// Apply passes changes to the kernel. Each of them adds, modifies, triggers or
// deletes one event, as its Flags say. Apply does not wait, and it takes no
// pending event from the queue. It tries every change, even if one is refused.
//
// A refused change is reported by a [*ChangeError]. If several are refused, the
// error joins one for each of them, in the order of the changes. [ChangeErrors]
// lists them in either case. If the call as a whole fails, an
// [*os.SyscallError] is the error or among the joined ones, and the later
// changes may not be applied. Compare errors with [errors.Is], for example with
// [syscall.ENOENT] if the event to delete does not exist.
//
// If the queue is closed when Apply begins, the error wraps [os.ErrClosed], and no
// change was applied. If it is closed in the meantime, the result is that of the
// changes. Apply neither modifies nor keeps the slice. FlagReceipt has no effect.
func (q *Queue) Apply(changes ...Event) error {
	// This is how a call enters; WaitInto and Kevent do the same. A function for it
	// would return a bool, and to make and test that costs more than the rest.
	if q == nil || q.calls.Add(1) >= 0 {
		return q.turnAway("apply")
	}
	var err error
	switch n := len(changes); {
	case n == 1 && !mishandled(q.fd, &changes[0]):
		// Without room for events, the kernel returns the errno of the change.
		if _, errno := kevent(q.fd, kernelEvents(changes), nil, new(timespec)); errno != nil {
			err = changeError(q.fd, changes[0], errno)
		}
	case n <= 2: // An array of the right size costs least.
		var batch [2]Event
		err = applyBatch(q.fd, changes, batch[:n], 0)
	case n <= 4:
		var batch [4]Event
		err = applyBatch(q.fd, changes, batch[:n], 0)
	case n <= maxEvents:
		b := q.takeBuffer()
		err = applyBatch(q.fd, changes, b.events[:n], 0)
		q.giveBack(b)
	default:
		err = applyBatches(q.fd, changes)
	}
	// And this is how it leaves. What the kernel has taken is reported as taken,
	// even if the queue is closed by now.
	if q.calls.Add(-1) >= 0 {
		q.wakeNext()
	}
	return err
}

// Wait waits for events to be triggered and returns at most 64 of them. The
// next call returns the rest. The slice belongs to the caller.
//
// Wait waits until there is at least one event, but no longer than timeout. A
// timeout of 0 or less polls, and [Forever] never passes. When the timeout
// passes, Wait returns no event and no error: see “Timeouts” in the package
// comment. A goroutine inside Wait holds an operating system thread.
//
// Signals do not end the wait, and neither does closing a descriptor that is
// watched. Close ends it with an error that wraps [os.ErrClosed]. Any other
// error is an [*os.SyscallError] of kevent(2).
func (q *Queue) Wait(timeout time.Duration) ([]Event, error) {
	if q == nil {
		return nil, closedError("wait")
	}
	b := q.takeBuffer()
	n, err := q.WaitInto(b.events[:], timeout)
	events := b.cut(n)
	q.giveBack(b)
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
		var w waitTime
		n, err = kevent(q.fd, nil, kernelEvents(events), w.callLimit(timeout))
		if n <= 0 && (timeout > 0 || err != nil) {
			n, err = keventAgain(q.fd, events, timeout, w.end, err)
		}
	} else {
		err = errNoRoom
	}
	if q.calls.Add(-1) >= 0 {
		q.wakeNext()
		return 0, closedError("wait")
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
// If the queue is closed when Kevent begins, the error wraps [os.ErrClosed], and no
// change was applied. If Close ends the wait, the error wraps os.ErrClosed too, and
// all changes were applied. The answers to changes are returned in any case.
//
// Signals do not end the wait, and the changes are applied only once. changes
// and events may be the same slice, but must not overlap otherwise.
func (q *Queue) Kevent(changes, events []Event, timeout time.Duration) (n int, err error) {
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway("kevent")
	}
	apart := len(events) < len(changes) && answersAreLost(changes, len(events))
	for i := range changes {
		if mishandled(q.fd, &changes[i]) {
			apart = true
		}
	}
	if apart {
		n, err = applyEach(q.fd, changes, events)
		if n == 0 && err == nil && len(events) > 0 {
			n, err = q.Kevent(nil, events, timeout) // which is counted in once more
		}
	} else {
		var w waitTime
		n, err = kevent(q.fd, kernelEvents(changes), kernelEvents(events), w.callLimit(timeout))
		if n <= 0 && (timeout > 0 || err != nil) {
			n, err = keventAgain(q.fd, events, timeout, w.end, err)
		}
	}
	if q.calls.Add(-1) >= 0 {
		q.wakeNext()
		// The answers to changes are returned even now. A wait has none.
		if err == nil && len(events) > 0 && (n == 0 || events[0].Flags&FlagError == 0) {
			return 0, closedError("kevent")
		}
	}
	return n, err
}

// mishandled reports whether change must be kept from the kernel: because it would
// be taken wrong (see guards.go), or because its event belongs to Close.
func mishandled(queue int, change *Event) bool {
	return change.Filter == FilterUser && change.Ident == wakeIdent || kernelMishandles(queue, change)
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

// queueError returns the error of the queue if errno, with which a change failed,
// is not about the change: another part of the program may have closed the
// descriptor. A call without changes then fails too.
func queueError(fd int, errno error) error {
	if errno != syscall.EBADF && errno != syscall.EINVAL {
		return nil
	}
	_, err := kevent(fd, nil, nil, new(timespec))
	return os.NewSyscallError("kevent", err)
}

// changeError returns the error of an Apply of one change, given its errno.
func changeError(fd int, change Event, errno error) error {
	if err := queueError(fd, errno); err != nil {
		return err
	}
	return &ChangeError{0, change, errno}
}

// applyBatches passes changes to the kernel, many at a time.
func applyBatches(fd int, changes []Event) error {
	var errs []error
	batch := make([]Event, min(len(changes), maxBatch))
	for first := 0; first < len(changes); first += len(batch) {
		batch = batch[:min(len(batch), len(changes)-first)]
		if err := applyBatch(fd, changes[first:], batch, first); err != nil {
			errs = append(errs, err)
			if ChangeErrors(err) == nil {
				break // The call as a whole has failed.
			}
		}
	}
	return joinErrors(errs)
}

// applyBatch passes the first changes to the kernel, so many as batch has room for,
// by way of batch. The index of the first one is first. FlagReceipt makes the kernel
// answer every change, in order, and return nothing else. Without it, the kernel
// would stop at the first change that it refuses or, given room for errors, take
// pending events from the queue.
func applyBatch(fd int, changes, batch []Event, first int) error {
	changes = changes[:len(batch)]
	for i := range batch {
		b := &batch[i]
		*b = changes[i]
		b.Flags |= FlagReceipt
		if mishandled(fd, b) {
			b.Filter = noFilter // The kernel answers EINVAL.
		}
	}
	n, err := kevent(fd, kernelEvents(batch), kernelEvents(batch), new(timespec))
	if err != nil {
		return os.NewSyscallError("kevent", err)
	}
	if n < len(batch) {
		return errReceipt
	}
	errnos := int64(0)
	for i := range batch {
		errnos |= batch[i].Data
	}
	if errnos != 0 {
		return refusals(changes, batch, first)
	}
	return nil
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

// joinErrors is errors.Join, but does not wrap a single error.
func joinErrors(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// applyEach applies changes one at a time, with the results of a kevent(2) call
// that has room for len(events) answers.
func applyEach(fd int, changes, events []Event) (n int, err error) {
	for i := range changes {
		answer, errno := changes[i], syscall.EINVAL
		if !mishandled(fd, &answer) {
			_, err := kevent(fd, kernelEvents(changes[i:i+1]), nil, new(timespec))
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
			return 0, os.NewSyscallError("kevent", errno)
		}
	}
	return n, nil
}

// processStart is the time from which deadlines are counted: time.Since reads only
// the monotonic clock for it, while time.Now reads two clocks.
var processStart = time.Now()

// longestLimit is the limit of a call whose timeout is too long for one call.
var longestLimit = newTimespec(longestCall)

// A waitTime measures a wait, which may take several calls.
type waitTime struct {
	limit timespec      // of one call; 0 polls
	end   time.Duration // when the timeout has passed, if it is to pass
}

// callLimit returns how long the next call may wait if timeout is left, or nil if it
// may wait without end.
func (w *waitTime) callLimit(timeout time.Duration) *timespec {
	switch {
	case timeout == Forever && longestCall > time.Hour: // a call need not be short
		return nil
	case timeout <= 0:
		return &w.limit
	}
	return w.start(timeout)
}

func (w *waitTime) start(timeout time.Duration) *timespec {
	if timeout < Forever {
		w.end = time.Since(processStart) + timeout // What overflows here comes back in keventAgain.
	}
	if timeout >= longestCall {
		return &longestLimit
	}
	w.limit = newTimespec(timeout)
	return &w.limit
}

// keventAgain goes on with a wait that lasts until end, and whose first call
// returned no event but err. That call has applied its changes before it waited:
// they must not be passed again. Without room for events there was no wait, and err
// is that of a change. (So it could be with less room than changes. But no kernel is
// known to answer a change with EINTR.)
//
// On macOS, ETIMEDOUT may replace EINTR: a signal handler of the Go runtime can leave
// it behind while the profiler runs (go.dev/issue/59679). No kernel returns it.
func keventAgain(fd int, events []Event, timeout, end time.Duration, err error) (n int, _ error) {
	w := waitTime{end: end}
	for n <= 0 {
		interrupted := err == syscall.EINTR || err == syscall.ETIMEDOUT
		if len(events) == 0 || !interrupted && (err != nil || timeout <= 0) {
			return 0, os.NewSyscallError("kevent", err)
		}
		if 0 < timeout && timeout < Forever {
			left := w.end - time.Since(processStart)
			if left == timeout && !interrupted {
				// The clock of testing/synctest stands still during a system call.
				left -= min(left, longestCall)
			}
			if timeout = left; timeout <= 0 {
				return 0, nil
			}
		}
		n, err = kevent(fd, nil, kernelEvents(events), w.callLimit(timeout))
	}
	return n, nil
}

// A buffer has room for the events of one call. Wait copies them from it into a
// chunk of memory that several results share. Allocating room for each call would
// cost more than a short kevent, and a result would keep all of it alive.
type buffer struct {
	events [maxEvents]Event
	chunk  []Event // not handed out yet
	pooled bool    // see takeBuffer
}

// cut returns a copy of the first n events, or nil if n is 0.
func (b *buffer) cut(n int) []Event {
	const chunk = 1024 / int(unsafe.Sizeof(Event{})) // A kept result keeps 1 KiB at most.
	if n <= 0 {
		return nil
	}
	events := b.events[:n]
	if n > chunk/2 {
		result := make([]Event, len(events))
		copy(result, events)
		return result
	}
	if n > len(b.chunk) {
		b.chunk = make([]Event, chunk)
	}
	result := b.chunk[:n:n]
	b.chunk = b.chunk[n:]
	copy(result, events)
	return result
}

var buffers = sync.Pool{New: func() any { return &buffer{pooled: true} }}

// takeBuffer returns the buffer of the queue or, if another call has taken that, one
// of the pool, which takes longer.
func (q *Queue) takeBuffer() *buffer {
	if !q.bufferTaken.CompareAndSwap(false, true) {
		return buffers.Get().(*buffer)
	}
	if q.buffer == nil {
		q.buffer = new(buffer)
	}
	return q.buffer
}

func (q *Queue) giveBack(b *buffer) {
	if b.pooled {
		buffers.Put(b)
	} else {
		q.bufferTaken.Store(false)
	}
}
