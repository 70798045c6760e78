package kqueue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// On Linux, the tests and examples run on the kernel in this file, a test double.
// The package ships nothing of it, and no claim about a real kernel rests on it.
//
// It follows sys/kern/kern_event.c of FreeBSD. It is harder on the package than a
// kernel usually is: signals keep interrupting the calls that wait, other
// goroutines run in between, the number of a queue is free again as soon as the
// queue is closed, and any use of a queue that the package has closed panics.
// Environment variables make it behave like another kernel:
//
//   - KQUEUE_SIM=dragonfly: answers to changes are written past the end of the
//     events (here that panics), the event of Close stays triggered, and a call
//     that waits long panics.
//   - KQUEUE_SIM=darwin: close(2) wakes the calls that wait, which fail with
//     EBADF, and returns when they have left. Otherwise, to close a queue with
//     calls inside panics. Some of the interrupted calls fail with ETIMEDOUT.
//
// The filters and their limits are in sim_filters_linux_test.go. Descriptors,
// processes and signals are looked at in each call that waits, and once in a
// millisecond while one sleeps.
func init() {
	switch os.Getenv("KQUEUE_SIM") {
	case "", "freebsd":
	case "dragonfly":
		wakeFlags, writesPastEvents = 0, true
		longestCall = 20 * time.Millisecond
		longestLimit = newTimespec(longestCall)
	case "darwin":
		Sim.closeWakes, Sim.spurious = true, unix.ETIMEDOUT
	default:
		panic("KQUEUE_SIM must be freebsd, dragonfly or darwin")
	}
	Sim.Signals.Store(16)
	Sim.MaxUserEvents.Store(math.MaxInt64)
	newKqueue, kevent, closeDescriptor = Sim.kqueue, Sim.kevent, Sim.close
	go Sim.tick()
}

// Sim is the kernel on which the tests run.
var Sim = &simKernel{
	queues:   make(map[int]*simQueue),
	spurious: unix.EINTR,
	asleep:   make(chan bool, 1),
}

// A simKernel is what all queues share. Its mutex guards the queues as well.
//
// In a bubble of testing/synctest, the kernel must not make use of the bubble's
// clock, goroutines and channels: to the bubble, a call of kevent has to be a
// system call.
type simKernel struct {
	sync.Mutex
	queues     map[int]*simQueue // by descriptor, until the package closes it
	userEvents int64             // the user events and timers of all queues
	asleep     chan bool         // tells tick that calls sleep
	closeWakes bool              // as on macOS: see init
	spurious   error             // may replace EINTR, as on macOS

	// Tests may change these.
	Signals       atomic.Int32 // one tick in so many brings a signal, or none if it is 0
	MaxUserEvents atomic.Int64 // of all queues together, with timers
	NoUserEvents  atomic.Bool  // FilterUser does not exist, as in OpenBSD before 7.8
	NoReceipts    atomic.Bool  // FlagReceipt is ignored, as by NetBSD before 10
	NoChanges     atomic.Bool  // changes fail with ENOTCAPABLE of FreeBSD's Capsicum (here EPERM)
	AddErrno      atomic.Int32 // adding an event fails with this errno
	AtClose       func()       // runs inside close, before the descriptor is free

	ExpectMisuse atomic.Bool // misuse is part of the test, and not printed

	Interrupts atomic.Int64 // the number of calls that signals have interrupted
	Repeats    atomic.Int64 // how often an event was returned again without being triggered
}

// Sleepers returns the number of calls that sleep in q.
func (k *simKernel) Sleepers(q *Queue) int {
	k.Lock()
	defer k.Unlock()
	return len(k.queues[q.fd].sleepers)
}

// A simQueue is a queue. Its descriptor is that of a file in memory, so that the
// number counts in RLIMIT_NOFILE and belongs to nothing else.
type simQueue struct {
	fd       int
	file     file
	notes    map[key]*knote
	pending  knote // its prev and next are the ends of the list of pending events
	nPending int64
	sleepers []*sleeper
	inside   int  // the number of calls inside
	looking  bool // look is running, and may come here again: queues can form a ring
	closing  bool // close waits for the calls inside
}

type key struct {
	ident  uintptr
	filter Filter
}

// A sleeper is a call that waits until its lock, which it has taken, is unlocked.
type sleeper struct {
	lock     sync.Mutex
	deadline time.Duration
	err      error // the reason for the wake-up
}

// A knote is an event of a queue.
type knote struct {
	*filterOps
	event      Event // as it is returned
	fflags     Note  // as the program has set it
	data       int64 // likewise
	disabled   bool
	triggered  bool   // since it was last returned
	ready      bool   // the condition of the event holds
	isNew      bool   // it holds anew since the last look
	prev, next *knote // in the list of pending events, or nil

	file    file           // of a descriptor
	queue   *simQueue      // if the descriptor is one
	seen    int64          // the data at the last look
	err     Note           // of a socket
	fd      int            // the inotify or pidfd descriptor of a file or process
	stat    unix.Stat_t    // of a file at the last look
	signals chan os.Signal // the signals that have come

	due, period time.Duration // of a timer
}

// never is the time of what does not happen.
const never = math.MaxInt64

// now is the time since the system was started.
func now() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}

func (k *simKernel) kqueue() (int, error) {
	k.Lock()
	defer k.Unlock()
	fd, err := unix.MemfdCreate("kqueue", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	q := &simQueue{fd: fd, file: fileOf(fd), notes: make(map[key]*knote)}
	q.pending.prev, q.pending.next = &q.pending, &q.pending
	k.queues[fd] = q
	return fd, nil
}

func (k *simKernel) close(fd int) error {
	yield()
	if k.AtClose != nil {
		k.AtClose()
	}
	k.Lock()
	defer k.Unlock()
	q := k.queues[fd]
	switch {
	case q == nil:
		misused("close of the released descriptor %d", fd)
	case q.inside > 0 && !k.closeWakes:
		misused("close of descriptor %d with calls inside", fd)
	}
	q.closing = true
	q.wake(unix.EBADF)
	for q.inside > 0 {
		k.Unlock()
		time.Sleep(time.Millisecond)
		k.Lock()
	}
	for _, kn := range q.notes {
		q.drop(kn)
	}
	delete(k.queues, fd)
	return unix.Close(fd)
}

// misused panics because the package did what it must not do. It prints the
// reason first, since the test may hang in its clean-up before it fails.
func misused(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !Sim.ExpectMisuse.Load() {
		fmt.Fprintln(os.Stderr, "simulated kernel:", text)
	}
	panic(text)
}

// yield lets other goroutines run now and then.
func yield() {
	if rand.IntN(4) == 0 {
		runtime.Gosched()
	}
}

// kevent is kqueue_kevent of sys/kern/kern_event.c. Like unix.Kevent, it returns -1
// with an errno.
func (k *simKernel) kevent(fd int, changes, events []kernelEvent, limit *timespec) (int, error) {
	yield()
	defer yield()
	k.Lock()
	defer k.Unlock()
	q := k.queues[fd]
	if q == nil {
		misused("kevent on the released descriptor %d", fd)
	}
	switch f := fileOf(fd); {
	case q.closing || f == (file{}): // the latter if a test has closed it
		return -1, unix.EBADF
	case f != q.file: // and now the number belongs to this file: FreeBSD 14 says so
		return -1, unix.EINVAL
	}
	q.inside++
	defer func() { q.inside-- }()

	if len(changes) > 0 && k.NoChanges.Load() {
		return -1, unix.EPERM
	}
	answers := 0
	for _, change := range changes {
		if change.Filter == 0 {
			continue
		}
		errno := q.register(&change)
		switch {
		case errno == 0 && (change.Flags&FlagReceipt == 0 || k.NoReceipts.Load()):
		case answers < len(events):
			change.Flags, change.Data = FlagError, int64(errno)
			events[answers] = change
			answers++
		case writesPastEvents && len(events) > 0:
			misused("kevent on descriptor %d wrote past the events", fd)
		case errno != 0:
			return -1, errno
		case writesPastEvents: // the null pointer stopped it
			return -1, nil
		default:
			return 0, nil
		}
	}
	if answers > 0 || len(events) == 0 {
		return answers, nil
	}

	var deadline time.Duration = never
	switch {
	case limit == nil && longestCall < time.Hour, limit != nil && (limit.d < 0 || limit.d > longestCall):
		misused("kevent on descriptor %d must not wait for %v", fd, limit)
	case limit == nil:
	case limit.d == 0:
		deadline = 0
	default:
		deadline = now() + limit.d
	}
	q.look()
	for {
		if n := q.take(events); n > 0 || deadline < never && now() >= deadline {
			return n, nil
		}
		if err := q.sleep(deadline); err != nil {
			return -1, err
		}
	}
}

// interrupt returns the errno of a call that a signal strikes now, or nil if none
// does. Most calls must be spared: in a bubble, whose clock cannot tell how long an
// interrupted call has waited, the call would never end.
func (k *simKernel) interrupt() error {
	if n := k.Signals.Load(); n == 0 || rand.Int32N(n) != 0 {
		return nil
	}
	k.Interrupts.Add(1)
	if rand.IntN(2) == 0 {
		return unix.EINTR
	}
	return k.spurious
}

// sleep waits for a wake-up and returns the reason for it.
func (q *simQueue) sleep(deadline time.Duration) error {
	if err := Sim.interrupt(); err != nil {
		return err
	}
	select {
	case Sim.asleep <- true:
	default:
	}
	s := &sleeper{deadline: deadline}
	s.lock.Lock()
	q.sleepers = append(q.sleepers, s)
	Sim.Unlock()
	s.lock.Lock()
	Sim.Lock()
	return s.err
}

// end ends the sleep of the sleeper i.
func (q *simQueue) end(i int, err error) {
	last := len(q.sleepers) - 1
	q.sleepers[i].err = err
	q.sleepers[i].lock.Unlock()
	q.sleepers[i] = q.sleepers[last]
	q.sleepers = q.sleepers[:last]
}

// wake ends the sleep of all sleepers.
func (q *simQueue) wake(err error) {
	for len(q.sleepers) > 0 {
		q.end(len(q.sleepers)-1, err)
	}
}

// tick is what happens while calls sleep: descriptors become ready, time passes,
// and signals strike.
func (k *simKernel) tick() {
	for range k.asleep {
		for asleep := true; asleep; {
			time.Sleep(time.Millisecond)
			k.Lock()
			asleep = false
			for _, q := range k.queues {
				asleep = asleep || len(q.sleepers) > 0
				q.tick()
			}
			k.Unlock()
		}
	}
}

func (q *simQueue) tick() {
	if len(q.sleepers) == 0 {
		return
	}
	q.look()
	t := now()
	for i := len(q.sleepers) - 1; i >= 0; i-- {
		if q.sleepers[i].deadline <= t {
			q.end(i, nil)
		}
	}
	if n := len(q.sleepers); n > 0 {
		if err := Sim.interrupt(); err != nil {
			q.end(rand.IntN(n), err)
		}
	}
}

// register applies a change: it is kqueue_register of sys/kern/kern_event.c.
func (q *simQueue) register(change *Event) syscall.Errno {
	ops := simFilters[change.Filter]
	if ops == nil || change.Flags&(FlagEnable|FlagDisable) == FlagEnable|FlagDisable {
		return unix.EINVAL
	}
	key := key{change.Ident, change.Filter}
	kn := q.notes[key]
	var f file
	if ops.descriptor {
		if change.Ident <= math.MaxInt32 {
			f = fileOf(int(change.Ident))
		}
		if f == (file{}) {
			return unix.EBADF
		}
		if kn != nil && kn.file != f { // the number belongs to another file now
			q.drop(kn)
			kn = nil
		}
	}

	switch {
	case kn == nil && change.Flags&FlagAdd == 0:
		return unix.ENOENT
	case kn == nil && Sim.AddErrno.Load() != 0:
		return syscall.Errno(Sim.AddErrno.Load())
	case kn == nil:
		kn = &knote{filterOps: ops, event: *change, fflags: change.Fflags, data: change.Data, file: f, isNew: true, due: never}
		kn.event.Fflags, kn.event.Data = 0, 0
		kn.event.Flags &= FlagOneshot | FlagClear | FlagReceipt | FlagDispatch
		kn.disabled = change.Flags&FlagDisable != 0
		if errno := kn.attach(q, kn); errno != 0 {
			return errno
		}
		q.notes[key] = kn
	case change.Flags&FlagDelete != 0:
		q.drop(kn)
		return 0
	default:
		kn.disabled = (kn.disabled || change.Flags&FlagDisable != 0) && change.Flags&FlagEnable == 0
		kn.event.Udata = change.Udata
		if kn.touch != nil {
			kn.touch(q, kn, change)
		} else {
			kn.fflags, kn.data = change.Fflags, change.Data
		}
	}
	if !kn.disabled && kn.look(kn) {
		q.activate(kn)
	}
	return 0
}

// drop removes kn from the queue.
func (q *simQueue) drop(kn *knote) {
	q.dequeue(kn)
	delete(q.notes, key{kn.event.Ident, kn.event.Filter})
	if kn.detach != nil {
		kn.detach(kn)
	}
}

// activate makes kn pending. That wakes all sleepers, but often the first one takes
// the event, and the others sleep again.
func (q *simQueue) activate(kn *knote) {
	kn.triggered = true
	if kn.next == nil {
		q.enqueue(kn)
		q.wake(nil)
	}
}

func (q *simQueue) enqueue(kn *knote) {
	kn.prev, kn.next = q.pending.prev, &q.pending
	kn.prev.next, kn.next.prev = kn, kn
	q.nPending++
}

func (q *simQueue) dequeue(kn *knote) {
	if kn.next != nil {
		kn.prev.next, kn.next.prev = kn.next, kn.prev
		kn.prev, kn.next = nil, nil
		q.nPending--
	}
}

// take moves pending events to events: it is the loop of kqueue_scan in
// sys/kern/kern_event.c.
func (q *simQueue) take(events []Event) int {
	n := 0
	for left := q.nPending; left > 0 && n < len(events); left-- {
		kn := q.pending.next
		q.dequeue(kn)
		if kn.disabled || !kn.look(kn) {
			continue
		}
		events[n] = kn.event
		if kn.event.Filter == FilterUser {
			events[n].Fflags, events[n].Data = kn.fflags, kn.data
		}
		n++
		if !kn.triggered {
			Sim.Repeats.Add(1)
		}
		kn.triggered = false
		if kn.event.Flags&FlagOneshot != 0 {
			q.drop(kn)
			continue
		}
		if kn.event.Flags&FlagClear != 0 {
			kn.ready, kn.event.Fflags, kn.event.Data = false, 0, 0
		}
		if kn.event.Flags&FlagDispatch != 0 {
			kn.disabled = true
		}
		if kn.event.Flags&(FlagClear|FlagDispatch) == 0 {
			q.enqueue(kn)
		}
	}
	return n
}

// look makes pending what has happened to all that the queue watches.
func (q *simQueue) look() {
	if q.looking {
		return
	}
	q.looking = true
	for _, kn := range q.notes {
		if kn.disabled || kn.next != nil {
			continue // it is looked at when it is enabled or taken
		}
		if kn.look(kn) && (kn.isNew || kn.event.Flags&FlagClear == 0) {
			q.activate(kn)
		}
	}
	q.looking = false
}
