// Package kqueue wraps kqueue(2) and kevent(2), the event notification of macOS,
// iOS, FreeBSD, NetBSD, OpenBSD and DragonFly BSD. It is thin: an [Event] is the
// kernel's struct kevent, typed, and a call is a system call. There is no
// registry, no callback and no goroutine behind it.
//
// Using it takes five steps:
//
//  1. Make a queue in the kernel: [New].
//  2. Say what is of interest, as EV_SET does: [NewEvent], or [ReadEvent],
//     [WriteEvent], [VnodeEvent], [ProcEvent], [SignalEvent], [TimerEvent],
//     [UserEvent].
//  3. Hand that to the kernel: [Queue.Apply].
//  4. Wait for events to be triggered: [Queue.Wait], or [Queue.WaitInto] without
//     an allocation; [Queue.Kevent] does 3 and 4 in one system call.
//  5. Take the triggered events apart: their fields, and [Event.EOF],
//     [Event.Err], [Event.SocketErr], [Event.WaitStatus].
//
// In short:
//
//	q, err := kqueue.New()
//	if err != nil {
//		return err
//	}
//	defer q.Close()
//	if err := q.Apply(kqueue.ReadEvent(fd)); err != nil {
//		return err
//	}
//	events, err := q.Wait(5 * time.Second)
//
// Names are those of the manual pages: EVFILT_READ is [FilterRead], EV_ADD is
// [FlagAdd], NOTE_WRITE is [NoteWrite]: each word of the C name capitalised, the
// initialisms AIO, EOF, FS, LIO, OOB and VM in capitals.
//
// # Events
//
// An [Event] is a change on its way into the kernel and a triggered event on its
// way out:
//
//   - Ident is what is watched: a descriptor, a process id, a signal, or, for
//     timers and user events, a number of one's own. Ident and Filter together
//     are the key: a queue has one event for each pair, and adding it again
//     modifies it.
//   - Filter says what kind of thing Ident is. The comment of each Filter tells
//     what the other fields then mean.
//   - Flags going in say what to do (FlagAdd, FlagDelete, FlagEnable, FlagDisable)
//     and how the event behaves (FlagClear, FlagOneshot, FlagDispatch); coming
//     out, what is the case (FlagEOF, FlagError). Other bits may be set too.
//   - Fflags going in say what to watch or how, coming out what happened.
//   - Data is a number that depends on the filter: bytes, connections, a period,
//     a count, a wait(2) status, and with FlagError an errno.
//   - Udata goes through the kernel unchanged.
//
// Events are level-triggered: one is returned by every wait for as long as its
// condition holds. With FlagClear it is returned again only once something new
// happens. Closing a descriptor removes its events; descriptors that are dup(2)s
// of each other have events of their own.
//
// # Udata
//
// Udata is a uintptr and must hold a number, not a Go pointer: the garbage
// collector does not look into the kernel, so a pointer there keeps nothing
// alive. Put an index into a slice of one's own there. A descriptor's number is
// used again as soon as it is closed, while events for it may still stand in a
// slice that a wait returned; so combine the index with a generation that
// changes with each use, and drop what carries an old one (see the example of
// Event). A change to an event overwrites its Udata; only OpenBSD leaves it
// alone where the change has no FlagAdd (user events aside).
//
// # Errors
//
// A system call that fails gives an [*os.SyscallError], and a change that the
// kernel refuses a [*ChangeError]; both wrap the errno, so
// errors.Is(err, syscall.ENOENT) works. A closed Queue gives an error that wraps
// [os.ErrClosed], and a system without kqueue one that wraps
// [errors.ErrUnsupported]. In a triggered event, see [Event.Err] and
// [Event.SocketErr]. No call panics, whatever it is given.
//
// # Timeouts
//
// A negative timeout ([Forever]) waits for ever, 0 polls. A timeout that passes
// is no error: the call returns no events. Any length is right, also where the
// kernel takes no such long ones, and signals neither cut a wait short nor make
// it longer.
//
// # Concurrency and Close
//
// All methods of a [Queue] may be called at the same time. With several
// goroutines inside Wait, an event may reach more than one of them unless it has
// FlagClear, FlagOneshot or FlagDispatch. [Queue.Close] wakes them all, waits until
// they have left, and only then gives the descriptor back, so that no call ever
// uses the number of a descriptor that now belongs to something else.
//
// A kernel queue cannot be put into the Go runtime's own poller, so a goroutine
// inside Wait holds an operating system thread. One waiting goroutine per queue,
// or a few, is the way; a queue that watches other queues (see [Queue.Fd]) needs
// one thread for all of them. To end a wait from elsewhere, for instance from a
// context, trigger a user event.
//
// A descriptor that the net or os package uses may be watched here as well. Take
// its number with SyscallConn, so that it stays as it is; with File, it is a
// duplicate, and stays open until that is closed too.
//
// # Signals
//
// FilterSignal counts signals, it does not catch them: what a signal does to the
// program is still for os/signal. Have [os/signal.Notify] or [os/signal.Ignore]
// called for a signal that would end the program. The Go runtime uses SIGURG for
// itself.
//
// # Processes
//
// FilterProc tells of a process's exit, and takes nothing from wait(2): a child
// stays a zombie until its parent waits for it, so call [os/exec.Cmd.Wait] when
// the event has come. A child may exit before it is watched. FreeBSD and
// DragonFly then give its event at once, the others refuse the change with
// ESRCH: take that for the exit. Watch only children that were not waited for
// yet, as a process id may be used again afterwards.
//
// # Portability
//
// What all systems have is exported everywhere, also where there is no kqueue:
// there the package compiles, all that needs no kernel works, and New fails with
// an error that wraps [errors.ErrUnsupported]. (plan9 has no signals and is left
// out.) The filters, and where it is known the first release that has them:
//
//	                macOS      FreeBSD  NetBSD  OpenBSD  DragonFly
//	FilterRead      10.3       yes      yes     yes      yes
//	FilterWrite     10.3       yes      yes     yes      yes
//	FilterVnode     10.3       yes      yes     yes      yes
//	FilterProc      10.3       yes      yes     yes      yes
//	FilterSignal    10.3       yes      yes     yes      yes
//	FilterTimer     10.3       yes      yes     yes      yes
//	FilterUser      10.6       yes      10.0    7.8      4.0
//	FilterExcept    10.12      -        -       yes      2.8
//	FilterEmpty     -          yes      10.0    -        -
//	FilterFS        10.3       yes      yes     -        4.6
//	FilterProcdesc  -          yes      -       -        -
//	FilterDevice    -          -        -       yes      -
//	FilterJail      -          15.0     -       -        -
//	FilterJaildesc  -          15.0     -       -        -
//
// FilterAIO, FilterLIO, FilterSendfile, FilterMachport and FilterVM are numbers
// that no change from Go can use. [Queue.Apply] of more than one change
// needs FlagReceipt, which NetBSD has since 10.0.
// These constants are exported only where they are:
//
//	                               macOS  FreeBSD  NetBSD  OpenBSD  DragonFly
//	FilterDevice                   -      -        -       yes      -
//	FilterEmpty                    -      yes      yes     -        -
//	FilterExcept                   yes    -        -       yes      yes
//	FilterFS                       yes    yes      yes     -        yes
//	FilterJail                     -      yes      -       -        -
//	FilterJaildesc                 -      yes      -       -        -
//	FilterLIO                      -      yes      -       -        -
//	FilterMachport                 yes    -        -       -        -
//	FilterProcdesc                 -      yes      -       -        -
//	FilterSendfile                 -      yes      -       -        -
//	FilterVM                       yes    -        -       -        -
//	FlagDispatch2                  yes    -        -       -        -
//	FlagForceoneshot               -      yes      -       -        -
//	FlagHup                        -      -        -       -        yes
//	FlagKeepudata                  -      yes      -       -        -
//	FlagNodata                     -      -        -       -        yes
//	FlagOoband                     yes    -        -       -        -
//	FlagUdataSpecific              yes    -        -       -        -
//	FlagVanished                   yes    -        -       -        -
//	NoteAbsolute                   yes    -        -       -        -
//	NoteAbstime                    -      yes      yes     yes      -
//	NoteBackground                 yes    -        -       -        -
//	NoteChange                     -      -        -       yes      -
//	NoteClose                      -      yes      yes     -        -
//	NoteCloseWrite                 -      yes      yes     -        -
//	NoteCritical                   yes    -        -       -        -
//	NoteEOF                        -      -        -       yes      -
//	NoteExitCserror                yes    -        -       -        -
//	NoteExitDecryptfail            yes    -        -       -        -
//	NoteExitDetail                 yes    -        -       -        -
//	NoteExitDetailMask             yes    -        -       -        -
//	NoteExitMemory                 yes    -        -       -        -
//	NoteExitReparented             yes    -        -       -        -
//	NoteFilePoll                   -      yes      -       -        -
//	NoteFunlock                    yes    -        -       -        -
//	NoteJailAttach                 -      yes      -       -        -
//	NoteJailChild                  -      yes      -       -        -
//	NoteJailCtrlmask               -      yes      -       -        -
//	NoteJailMulti                  -      yes      -       -        -
//	NoteJailRemove                 -      yes      -       -        -
//	NoteJailSet                    -      yes      -       -        -
//	NoteLeaseDowngrade             yes    -        -       -        -
//	NoteLeaseRelease               yes    -        -       -        -
//	NoteLeeway                     yes    -        -       -        -
//	NoteMachContinuousTime         yes    -        -       -        -
//	NoteMachtime                   yes    -        -       -        -
//	NoteMseconds                   -      yes      yes     yes      -
//	NoteNone                       yes    -        -       -        -
//	NoteNseconds                   yes    yes      yes     yes      -
//	NoteOOB                        yes    -        -       yes      yes
//	NoteOpen                       -      yes      yes     -        -
//	NotePdsigchld                  -      yes      -       -        -
//	NoteRead                       -      yes      yes     -        -
//	NoteReap                       yes    -        -       -        -
//	NoteSeconds                    yes    yes      yes     yes      -
//	NoteSignal                     yes    -        -       -        -
//	NoteTruncate                   -      -        -       yes      -
//	NoteUseconds                   yes    yes      yes     yes      -
//	NoteVMError                    yes    -        -       -        -
//	NoteVMPressure                 yes    -        -       -        -
//	NoteVMPressureSuddenTerminate  yes    -        -       -        -
//	NoteVMPressureTerminate        yes    -        -       -        -
//
// # Differences between kernels
//
// Where kernels differ, this package does what is right on each; what it cannot
// hide is this:
//
//   - An event that is disabled stays so when it is added again: pass FlagEnable.
//   - FlagClear with FlagDispatch does not disable the event on NetBSD 10.
//   - A user event's trigger must be a change of its own after the one that adds
//     it: see [Event.Trigger].
//   - Timer units have other numbers everywhere: use [TimerEvent]. Adding a running
//     timer again restarts it, on DragonFly only after its period. On macOS any
//     change restarts it, FlagEnable too: delete and add it instead.
//   - FilterRead's Data counts control data too on NetBSD, OpenBSD and DragonFly:
//     it is a hint at how much to read for anything but a stream.
//   - Exits of processes that were not watched for NoteExit are still told on
//     NetBSD, OpenBSD and DragonFly: look at Fflags.
//   - NoteTrack does not exist on macOS, and a child's NoteChild and NoteExit may
//     come as one event on OpenBSD and DragonFly.
//   - What NoteWrite, NoteAttrib and their like tell of a truncated or removed
//     file differs by file system: watch for all that may come.
//   - A terminal that hangs up gives no event on NetBSD.
//   - A queue that watches itself, which FreeBSD refuses with EINVAL, would hang
//     NetBSD (seen on 10.99). This package refuses it there too, but cannot see
//     a ring of several queues: make none.
//   - OpenBSD allows a process 1,024 timers and user events in all.
package kqueue

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
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
	// calls is the number of calls that use fd now; until Close, isOpen is added
	// to it, which makes it negative. Whoever brings it to 0 closes fd; nobody
	// can raise it from there, so that happens once. The zero Queue is therefore
	// closed.
	calls atomic.Int32
	fd    int

	stockMu sync.Mutex
	stock   []Event // what Wait has not yet returned of its last allocation

	// wakePipe is the descriptor that Close woke the waiters with, or -1.
	wakePipe int
	closed   chan struct{} // closed once fd is
	closeErr error         // set before closed is closed
}

const (
	isOpen = math.MinInt32

	// batchSize is how many changes of one Apply go to the kernel at a time.
	// The copies then fit on the stack, and more gain next to nothing.
	batchSize = 16

	// noFilter is the number of no filter on any system.
	noFilter Filter = 1 << 14

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
	if q == nil || q.calls.Load() >= 0 {
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
	var err error
	if len(changes) == 1 && changes[0].Flags&FlagReceipt == 0 && !q.misreads(&changes[0]) {
		// What applyOne would do: the most frequent call is spared one.
		_, err = kevent(q.fd, kernelEvents(changes), nil, &timespec{})
	} else if len(changes) == 1 {
		err = q.applyOne(changes)
	} else {
		err = q.applyMany(changes)
	}
	q.leave()
	if err != nil && len(changes) == 1 {
		err = errors.Join(&ChangeError{0, changes[0], err})
	}
	return err
}

// applyOne hands the only one of changes to the kernel and returns its errno.
// Unlike a receipt, a plain error cannot be mistaken for an event.
func (q *Queue) applyOne(changes []Event) error {
	change := []Event{changes[0]}
	change[0].Flags &^= FlagReceipt
	if q.misreads(&change[0]) {
		change[0].Filter = noFilter
	}
	_, err := kevent(q.fd, kernelEvents(change), nil, &timespec{})
	return err
}

// applyMany hands changes to the kernel with FlagReceipt. It makes the kernel
// answer every change, in order, and nothing else: without it the kernel stops
// at the first bad change or, given room for errors, drains pending events.
func (q *Queue) applyMany(changes []Event) error {
	var errs []error
	var copies [batchSize]Event
	for first := 0; first < len(changes); first += batchSize {
		batch := copies[:copy(copies[:], changes[first:])]
		for i := range batch {
			batch[i].Flags |= FlagReceipt
			if q.misreads(&batch[i]) {
				batch[i].Filter = noFilter
			}
		}
		// Each receipt overwrites its change.
		n, err := kevent(q.fd, kernelEvents(batch), kernelEvents(batch), &timespec{})
		if err != nil {
			errs = append(errs, os.NewSyscallError("kevent", err))
			break
		}
		for i := range batch[:n] {
			if batch[i].Data != 0 {
				errs = append(errs, &ChangeError{first + i, changes[first+i], batch[i].Err()})
			}
		}
	}
	return errors.Join(errs...)
}

// misreads reports whether a kernel would get change wrong instead of refusing
// it (see sys/kern/kern_event.c in each):
//
//   - FreeBSD skips filter 0 without a word and without a receipt.
//   - NetBSD hangs, the whole system, once a queue that watches itself has an
//     event: knote_activate takes the queue's lock again. Seen on 10.99.
//
// Such a change goes to the kernel with noFilter, for its EINVAL.
func (q *Queue) misreads(change *Event) bool {
	return FilterRead != 0 && change.Filter == 0 ||
		runtime.GOOS == "netbsd" && change.Filter == FilterRead && q != nil && change.Ident == uintptr(q.fd)
}

func (q *Queue) misreadsAny(changes []Event) bool {
	for i := range changes {
		if q.misreads(&changes[i]) {
			return true
		}
	}
	return false
}

// Wait returns the triggered events, at most 64 of them, in a slice of their
// own; what is left comes with the next call. (The slice is a piece of a larger
// allocation: to keep it is to keep the memory of 256 events.) It waits until
// there is at least one, but no longer than timeout: 0 polls, a negative one
// ([Forever]) never passes. When it passes, Wait returns no event and no error.
//
// Signals do not end the wait. Close does, with an error that wraps
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

// WaitInto is [Queue.Wait] without an allocation: it puts the triggered events
// into events, as many as there is room for, and returns their number. An empty
// events gives an error that wraps [os.ErrInvalid].
func (q *Queue) WaitInto(events []Event, timeout time.Duration) (int, error) {
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
// Data 0, where there is room. With an empty events, Kevent applies the changes
// and never waits.
//
// Signals do not end the wait, and the changes are applied once. changes and
// events may be the same slice.
func (q *Queue) Kevent(changes, events []Event, timeout time.Duration) (int, error) {
	if len(events) == 0 || len(events) < len(changes) || q.misreadsAny(changes) {
		return q.keventInTwo(changes, events, timeout)
	}
	return q.wait(changes, events, timeout)
}

// keventInTwo is Kevent for lists that some kernel may get wrong.
func (q *Queue) keventInTwo(changes, events []Event, timeout time.Duration) (int, error) {
	apart := q.oneByOne(changes, events)
	if !apart && len(events) > 0 {
		return q.wait(changes, events, timeout)
	}
	if !q.enter() {
		return 0, errClosed
	}
	var n int
	var err error
	if apart {
		n, err = q.applyOneByOne(changes, events)
	} else if _, err = kevent(q.fd, kernelEvents(changes), nil, &timespec{}); err != nil {
		err = os.NewSyscallError("kevent", err)
	}
	q.leave()
	if n > 0 || err != nil || len(events) == 0 {
		return n, err
	}
	return q.wait(nil, events, timeout)
}

// oneByOne reports whether the kernel would get this list of changes wrong:
//
//   - DragonFly writes errors past the end of an event list that is shorter than
//     the changes (sys/kern/kern_event.c, kevent_copyout).
//   - All but Darwin stop without an error at a receipt that has no room.
//   - Some changes need care by themselves: see misreads.
func (q *Queue) oneByOne(changes, events []Event) bool {
	return q.misreadsAny(changes) ||
		len(events) < len(changes) && (runtime.GOOS == "dragonfly" ||
			slices.ContainsFunc(changes, func(e Event) bool { return e.Flags&FlagReceipt != 0 }))
}

// applyOneByOne does the first half of a kevent call where oneByOne tells so: it
// applies changes and puts what is refused, and what FlagReceipt asks for, into
// events.
func (q *Queue) applyOneByOne(changes, events []Event) (int, error) {
	n := 0
	for i := range changes {
		answer := changes[i]
		err := q.applyOne(changes[i : i+1])
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
	if !q.enter() {
		return 0, errClosed
	}
	var start time.Duration
	var left timespec
	var limit *timespec // nil waits for ever
	if timeout >= 0 {
		limit = &left
		if timeout > 0 {
			start = time.Since(processStart)
			left = newTimespec(min(timeout, maxWait))
		}
	}
	for {
		n, err := kevent(q.fd, kernelEvents(changes), kernelEvents(events), limit)
		if n > 0 {
			if q.leave() {
				return n, nil
			}
			return 0, errClosed
		}
		if err != nil && err != syscall.EINTR {
			return q.leaveWith(0, os.NewSyscallError("kevent", err))
		}
		if len(events) == 0 {
			return q.leaveWith(0, errNoRoom) // the kernel does not wait then
		}
		if timeout == 0 && err == nil || q.calls.Load() >= 0 {
			return q.leaveWith(0, nil)
		}
		// A signal came, or maxWait passed. The kernel applies the changes
		// before it waits, so they must not be sent again.
		changes = nil
		if timeout > 0 {
			rest := timeout - (time.Since(processStart) - start)
			if rest <= 0 {
				return q.leaveWith(0, nil)
			}
			left = newTimespec(min(rest, maxWait))
		}
	}
}

// processStart is what wait counts time from: a time.Duration since then needs
// only the monotonic clock, where time.Now reads two.
var processStart = time.Now()

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
		if calls >= 0 {
			return errClosed
		}
		// Close counts as a call itself, so that fd stays its own.
		if !q.calls.CompareAndSwap(calls, calls-isOpen+1) {
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
		if calls >= 0 {
			return false
		}
		if q.calls.CompareAndSwap(calls, calls+1) {
			return true
		}
	}
}

// leave counts a call out, and reports whether the queue was still open. A call
// that finds it so cannot have taken the event that Close wakes calls with.
// (That it is a single expression lets the compiler inline it.)
func (q *Queue) leave() bool {
	return q.calls.Load() < 0 && q.calls.Add(-1) != 0 || q.leaveClosed()
}

// leaveClosed counts a call out of a closed queue and returns false. The call may
// be counted out already: then it was the last one, and the count is 0. Close's
// event wakes one call, and each hands it on to the next. The last one to leave
// closes the descriptor.
func (q *Queue) leaveClosed() bool {
	if calls := q.calls.Load(); calls > 0 {
		if calls > 1 {
			q.wakeNext()
		}
		if q.calls.Add(-1) != 0 {
			return false
		}
	}
	if q.wakePipe >= 0 {
		closeDescriptor(q.wakePipe)
	}
	q.closeErr = os.NewSyscallError("close", closeDescriptor(q.fd))
	close(q.closed)
	return false
}

// leaveWith counts a call out and returns its result, or that of a closed queue.
func (q *Queue) leaveWith(n int, err error) (int, error) {
	if q.leave() {
		return n, err
	}
	return 0, errClosed
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
	_, err := kevent(q.fd, kernelEvents([]Event{event, event.Trigger()}), nil, &timespec{})
	if err == nil {
		return nil
	}
	// NetBSD and OpenBSD before they had user events, or a limit is reached
	// (OpenBSD allows a process 1,024 timers and user events).
	pipe, pipeErr := closedPipe()
	if pipeErr == nil {
		_, pipeErr = kevent(q.fd, kernelEvents([]Event{ReadEvent(pipe)}), nil, &timespec{})
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
	kevent(q.fd, kernelEvents([]Event{UserEvent(wakeIdent).Trigger()}), nil, &timespec{})
}
