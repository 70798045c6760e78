package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Forever is the timeout that never passes: the longest [time.Duration]. Since
// no timeout is longer, min(time.Until(deadline), Forever) is the timeout that
// ends at a deadline, and a deadline that is over makes it a poll.
const Forever time.Duration = math.MaxInt64

// maxWait is the largest number of events that one Wait returns.
const maxWait = 64

var errNoRoom = fmt.Errorf("kqueue: wait: no room for events: %w", os.ErrInvalid)
var errReceipt = errors.New("kqueue: apply: the system is too old: its kernel ignored FlagReceipt")

// Apply passes changes to the kernel. Each of them adds, modifies, triggers or
// deletes one event, as its Flags say. Apply does not wait, and it takes no
// pending event from the queue. It tries every change, even if one is refused.
//
// A refused change is reported by a [*ChangeError]. If several are refused, the
// error joins one for each of them, in the order of the changes. [ChangeErrors]
// lists them in either case, and [errors.Is] and [errors.As] look into them. If
// the call as a whole fails, an [*os.SyscallError] is the error or among the
// joined ones, and the later changes may not be applied. If the queue is closed,
// the error wraps [os.ErrClosed].
//
// Apply neither modifies nor keeps the slice. FlagReceipt has no effect here.
//
// Kevent(changes, nil, 0) applies several changes too. It stops at the first one
// that is refused and does not say which one that is.
func (q *Queue) Apply(changes ...Event) error {
	// This is how a call enters; WaitInto and Kevent do the same. A function for it
	// would have to return a bool, which costs as much as the rest.
	if q == nil || q.calls.Add(1) >= 0 {
		return q.turnAway("apply")
	}
	var err error
	switch n := len(changes); {
	case n == 1:
		if err = applyOne(q.fd, changes); err != nil {
			err = changeError(q.fd, changes[0], err)
		}
	case n == 2:
		err = applyTwo(q.fd, changes)
	case n <= 4:
		err = applyFour(q.fd, changes)
	case n <= 16:
		err = applySixteen(q.fd, changes)
	default:
		err = applyMany(q.fd, changes)
	}
	// And this is how it leaves. A call that leaves an open queue cannot have
	// received the event that wakes the calls inside.
	if q.calls.Add(-1) >= 0 {
		return q.wakeNext("apply")
	}
	return err
}

// Wait waits for events to be triggered and returns at most 64 of them. The next
// call returns the rest. The slice belongs to the caller.
//
// Wait waits until there is at least one event, but no longer than timeout. A
// timeout of 0 or less polls, and [Forever] never passes. When the timeout passes,
// Wait returns no event and no error.
//
// Signals do not end the wait. Close ends it with an error that wraps
// [os.ErrClosed]. Any other error is an [*os.SyscallError] of kevent(2).
//
// A goroutine inside Wait holds an operating system thread.
func (q *Queue) Wait(timeout time.Duration) ([]Event, error) {
	if q == nil {
		return nil, closedError("wait")
	}
	r, own := q.room.take()
	n, err := q.WaitInto(r.events[:], timeout)
	var events []Event
	if n > 0 {
		events = r.cut(n)
	}
	q.room.giveBack(r, own)
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
		n, err = keventUntil(q.fd, nil, events, timeout)
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
	if q == nil || q.calls.Add(1) >= 0 {
		return 0, q.turnAway("kevent")
	}
	apart := needsCare(q.fd, changes, len(events))
	if apart {
		n, err = applyEach(q.fd, changes, events)
	} else {
		n, err = keventUntil(q.fd, changes, events, timeout)
	}
	if q.calls.Add(-1) >= 0 {
		return 0, q.wakeNext("kevent")
	}
	if apart && n == 0 && err == nil && len(events) > 0 {
		return q.WaitInto(events, timeout)
	}
	return n, err
}

// applyOne passes the only element of change to the kernel and returns the errno.
// Without room for events, the kernel returns that of the change.
func applyOne(fd int, change []Event) error {
	if kernelMishandles(fd, &change[0]) {
		return syscall.EINVAL
	}
	_, err := kevent(fd, kernelEvents(change), nil, new(timespec))
	return err
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

// Each batch is an array in the stack frame of a function of its own. Apply, which
// has one change most of the time, would otherwise need the frame of the largest.

//go:noinline
func applyTwo(fd int, changes []Event) error {
	batch := [2]Event(changes) // unlike var batch, not cleared first
	return applyBatches(fd, changes, batch[:])
}

//go:noinline
func applyFour(fd int, changes []Event) error {
	var batch [4]Event
	return applyBatches(fd, changes, batch[:])
}

//go:noinline
func applySixteen(fd int, changes []Event) error {
	var batch [16]Event
	return applyBatches(fd, changes, batch[:])
}

//go:noinline
func applyMany(fd int, changes []Event) error {
	var batch [64]Event
	return applyBatches(fd, changes, batch[:])
}

// applyBatches passes changes to the kernel, as many at a time as batch has room
// for. FlagReceipt makes the kernel answer every change, in order, and return
// nothing else. Without it, the kernel would stop at the first change that it
// refuses or, given room for errors, take pending events from the queue.
func applyBatches(fd int, changes, batch []Event) error {
	var errs []error
	for first := 0; first < len(changes); first += len(batch) {
		batch = batch[:copy(batch, changes[first:])]
		mishandled := false
		for i := range batch {
			batch[i].Flags |= FlagReceipt
			if kernelMishandles(fd, &batch[i]) {
				mishandled = true
			}
		}
		// The answers overwrite their changes.
		var err error
		if mishandled {
			_, err = applyEach(fd, batch, batch)
		} else {
			_, err = kevent(fd, kernelEvents(batch), kernelEvents(batch), new(timespec))
			err = os.NewSyscallError("kevent", err)
		}
		if err == nil {
			flags, data := FlagError, int64(0)
			for i := range batch {
				flags &= batch[i].Flags
				data |= batch[i].Data
			}
			if flags == 0 {
				err = errReceipt
			} else if data != 0 {
				errs = appendRefusals(errs, first, changes, batch)
			}
		}
		if err != nil {
			errs = append(errs, err)
			break
		}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// appendRefusals appends a ChangeError for each of answers that says that the
// change was refused. The first answer is that to changes[first].
func appendRefusals(errs []error, first int, changes, answers []Event) []error {
	for i := range answers {
		if err := answers[i].Err(); err != nil {
			errs = append(errs, &ChangeError{first + i, changes[first+i], err})
		}
	}
	return errs
}

// needsCare reports whether changes must be passed to the kernel one at a time
// and apart from a wait:
//
//   - The kernel mishandles one of them.
//   - One of them changes the event with which Close wakes waiting calls. Close
//     may have triggered it by now, so the call must leave before it waits.
//   - The kernel has no room for an answer to each change. All kernels but that
//     of macOS then stop without an error at the first FlagReceipt, and some write
//     past the end of a list that is too short.
func needsCare(fd int, changes []Event, room int) bool {
	short := room < len(changes)
	for i := range changes {
		if changes[i].Ident == wakeIdent || kernelMishandles(fd, &changes[i]) ||
			short && (changes[i].Flags&FlagReceipt != 0 || writesPastEvents && room > 0) {
			return true
		}
	}
	return false
}

// applyEach applies changes one at a time, with the results of a kevent(2) call
// that has room for len(events) answers.
func applyEach(fd int, changes, events []Event) (n int, err error) {
	for i := range changes {
		answer := changes[i]
		errno, _ := applyOne(fd, changes[i:i+1]).(syscall.Errno)
		if errno != 0 {
			if err := queueError(fd, errno); err != nil {
				return 0, err
			}
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

// processStart is the time from which keventUntil counts: time.Since reads only
// the monotonic clock for it, while time.Now reads two clocks.
var processStart = time.Now()

// keventUntil is kevent(2), called again until an event, the end of the timeout or
// an error ends the wait.
func keventUntil(fd int, changes, events []Event, timeout time.Duration) (int, error) {
	var start time.Duration
	if 0 < timeout && timeout < Forever {
		start = time.Since(processStart)
	}
	var limit timespec
	n, err := kevent(fd, kernelEvents(changes), kernelEvents(events), callLimit(&limit, timeout))
	if n > 0 {
		return n, nil
	}
	return keventAgain(fd, events, timeout, start, err)
}

// keventAgain goes on with a wait that began at start, and whose first call
// returned no event but err. That call has applied its changes before it waited:
// they must not be passed again.
func keventAgain(fd int, events []Event, timeout, start time.Duration, err error) (n int, _ error) {
	for n == 0 {
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
			start += passed
			timeout -= passed
			if timeout <= 0 {
				return 0, nil
			}
		}
		var limit timespec
		n, err = kevent(fd, nil, kernelEvents(events), callLimit(&limit, timeout))
	}
	return n, nil
}

// callLimit stores in limit how long one call may wait, and returns it, or nil if
// the call may wait without end.
func callLimit(limit *timespec, timeout time.Duration) *timespec {
	if timeout == Forever && !renewForever {
		return nil
	}
	if timeout > 0 {
		*limit = newTimespec(min(timeout, longestCall))
	}
	return limit
}

// A waitRoom is what Wait needs: room for the events that the kernel returns, from
// which they are copied into a chunk of memory that several results share.
// Allocating room for each call would cost more than a short kevent, and a result
// would keep all of it alive.
type waitRoom struct {
	events [maxWait]Event
	chunk  []Event // not handed out yet
}

// cut returns a copy of the first n events.
func (r *waitRoom) cut(n int) []Event {
	const chunk = 16 // 1 KiB at most: an Event has up to 64 bytes
	if n > len(r.chunk) {
		if n > chunk/4 {
			return append([]Event(nil), r.events[:n]...)
		}
		r.chunk = make([]Event, chunk)
	}
	events := r.chunk[:n:n]
	r.chunk = r.chunk[n:]
	copy(events, r.events[:])
	return events
}

// A sharedRoom is the room of one queue. A call that finds it taken gets room from
// a pool, which is dearer.
type sharedRoom struct {
	taken atomic.Bool
	room  *waitRoom // nil until the first call; guarded by taken
}

var waitRooms = sync.Pool{New: func() any { return new(waitRoom) }}

// take returns room, and whether it is that of the queue.
func (s *sharedRoom) take() (r *waitRoom, own bool) {
	if !s.taken.CompareAndSwap(false, true) {
		return waitRooms.Get().(*waitRoom), false
	}
	if s.room == nil {
		s.room = new(waitRoom)
	}
	return s.room, true
}

func (s *sharedRoom) giveBack(r *waitRoom, own bool) {
	if own {
		s.taken.Store(false)
	} else {
		waitRooms.Put(r)
	}
}
