//go:build linux

package kqueue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// This file is a test double. It takes the place of sys_other.go in
//
//	go test -race -overlay testdata/sim/overlay.json ./...
//
// and simulates enough of a BSD kernel for the tests to run on Linux: user
// events, timers, and the readiness of pipes, sockets, terminals, regular files
// and queues. The package ships nothing of it, and no claim about a real kernel
// rests on it.
//
// It follows sys/kern/kern_event.c of FreeBSD. It is harder on the package than a
// kernel usually is: signals keep interrupting the calls that wait, other
// goroutines run in between, the number of a queue is free again as soon as the
// queue is closed, and any use of a queue that the package has closed panics.
// Environment variables change it:
//
//   - KQUEUE_SIM=dragonfly: answers to changes are written past the end of the
//     events (here that panics), and the event of Close stays triggered.
//   - KQUEUE_SIM=darwin: close(2) wakes the calls that wait, which fail with
//     EBADF, and returns when they have left. Otherwise, to close a queue with
//     calls inside panics.
//   - KQUEUE_SIM_USEREVENTS=n: there are at most n user events and timers.
//
// It has its limits. All filters but FilterRead, FilterWrite, FilterTimer and
// FilterUser are EINVAL. NOTE_ABSTIME is ignored. A descriptor with FlagClear is
// triggered again if there is more to read or write than there was when it was
// last looked at, which happens in each call that waits and once in a millisecond
// while one sleeps.

const (
	evfiltRead   = -1
	evfiltWrite  = -2
	evfiltAIO    = -3
	evfiltVnode  = -4
	evfiltProc   = -5
	evfiltSignal = -6
	evfiltTimer  = -7
	evfiltUser   = -11

	evfiltProcdesc = -8

	noteExitStatus = 0

	systemNames = freebsdNames

	timerUnit, timerUnitNote    = time.Nanosecond, 0x8
	shortestTimer, longestTimer = 1, 1 << 30 * time.Second

	keyFlags = 0
)

var (
	system           = os.Getenv("KQUEUE_SIM")
	wakeFlags        = FlagClear
	writesPastEvents = system == "dragonfly"
	maxUserEvents    = math.MaxInt
)

func init() {
	switch system {
	case "", "freebsd", "darwin":
	case "dragonfly":
		wakeFlags = 0
	default:
		panic("KQUEUE_SIM must be freebsd, dragonfly or darwin")
	}
	if s := os.Getenv("KQUEUE_SIM_USEREVENTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		maxUserEvents = n
	}
	SimSignals.Store(16)
	go tick()
}

// mishandles and isBadTimer are those of kqueue_freebsd.go.
func (q *Queue) mishandles(change *Event) bool {
	return change.Filter == 0 || change.Filter == FilterTimer && isBadTimer(change)
}

func isBadTimer(change *Event) bool {
	const units, abstime = 0xf, 0x10
	unit := change.Fflags & units
	return change.Flags&FlagAdd != 0 &&
		(change.Data < 0 || unit&(unit-1) != 0 || change.Fflags&^(units|abstime) != 0)
}

type timespec struct{ d time.Duration }

func newTimespec(d time.Duration) timespec {
	return timespec{d}
}

type kernelEvent = Event

func kernelEvents(events []Event) []kernelEvent {
	return events
}

// kernel is what all queues share. Its mutex guards the queues as well.
//
// In a bubble of testing/synctest, the simulation must not make use of the
// bubble's clock, goroutines and channels: to the bubble, a call of kevent has to
// be a system call.
var kernel = struct {
	sync.Mutex
	queues     map[int]*kernelQueue // by descriptor, until the package closes it
	pipes      map[int]bool         // the descriptors that closedPipe returned
	userEvents int                  // the user events and timers of all queues
	asleep     chan bool            // tells tick that calls sleep
}{
	queues: make(map[int]*kernelQueue),
	pipes:  make(map[int]bool),
	asleep: make(chan bool, 1),
}

// These are exported for sim_test.go alone.
var (
	SimSignals    atomic.Int32 // one tick in so many brings a signal, or none if it is 0
	SimInterrupts atomic.Int64 // the number of calls that signals have interrupted
)

// SimSleepers returns the number of calls that sleep in a queue.
func SimSleepers(q *Queue) int {
	kernel.Lock()
	defer kernel.Unlock()
	return len(kernel.queues[q.fd].sleepers)
}

// never is the time of what does not happen.
const never = math.MaxInt64

// now is the time since the system was started.
func now() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}

// A file is what a descriptor refers to.
type file struct {
	dev, ino uint64
	kind     uint32
}

// fileOf returns the zero file for a descriptor that is not open.
func fileOf(fd int) file {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return file{}
	}
	return file{uint64(st.Dev), st.Ino, st.Mode & unix.S_IFMT}
}

// A kernelQueue is a queue. Its descriptor is that of a file in memory, so that
// the number counts in RLIMIT_NOFILE and belongs to nothing else.
type kernelQueue struct {
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
	event      Event // as it is returned
	fflags     Note  // as the program has set it
	data       int64 // likewise
	disabled   bool
	ready      bool   // the condition of the event holds
	prev, next *knote // in the list of pending events, or nil

	// Descriptors.
	file  file
	queue *kernelQueue // if the descriptor is one
	err   Note         // of the socket
	isNew bool         // there was more at the last look than at the one before

	due, period time.Duration // of a timer
}

func newKqueue() (int, error) {
	kernel.Lock()
	defer kernel.Unlock()
	fd, err := unix.MemfdCreate("kqueue", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	q := &kernelQueue{fd: fd, file: fileOf(fd), notes: make(map[key]*knote)}
	q.pending.prev, q.pending.next = &q.pending, &q.pending
	kernel.queues[fd] = q
	return fd, nil
}

func closedPipe() (int, error) {
	kernel.Lock()
	defer kernel.Unlock()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	unix.Close(p[1])
	kernel.pipes[p[0]] = true
	return p[0], nil
}

func closeDescriptor(fd int) error {
	yield()
	kernel.Lock()
	defer kernel.Unlock()
	if kernel.pipes[fd] {
		delete(kernel.pipes, fd)
		return unix.Close(fd)
	}
	q := kernel.queues[fd]
	switch {
	case q == nil:
		misused("close of the released descriptor %d", fd)
	case q.inside > 0 && system != "darwin":
		misused("close of descriptor %d with calls inside", fd)
	}
	q.closing = true
	q.wake(unix.EBADF)
	for q.inside > 0 {
		kernel.Unlock()
		time.Sleep(time.Millisecond)
		kernel.Lock()
	}
	for _, kn := range q.notes {
		q.drop(kn)
	}
	delete(kernel.queues, fd)
	return unix.Close(fd)
}

// misused panics because the package did what it must not do. It prints the
// reason first, since the test may hang in its clean-up before it fails.
func misused(format string, fd int) {
	text := fmt.Sprintf(format, fd)
	fmt.Fprintln(os.Stderr, "simulated kernel:", text)
	panic(text)
}

// yield lets other goroutines run now and then.
func yield() {
	if rand.IntN(4) == 0 {
		runtime.Gosched()
	}
}

// kevent is kqueue_kevent of sys/kern/kern_event.c.
func kevent(fd int, changes, events []kernelEvent, limit *timespec) (int, error) {
	yield()
	defer yield()
	kernel.Lock()
	defer kernel.Unlock()
	q := kernel.queues[fd]
	if q == nil {
		misused("kevent on the released descriptor %d", fd)
	}
	if q.closing || fileOf(fd) != q.file { // the latter if a test has closed it
		return 0, unix.EBADF
	}
	q.inside++
	defer func() { q.inside-- }()

	answers := 0
	for _, change := range changes {
		if change.Filter == 0 {
			continue
		}
		errno := q.register(&change)
		switch {
		case errno == 0 && change.Flags&FlagReceipt == 0:
		case answers < len(events):
			change.Flags, change.Data = FlagError, int64(errno)
			events[answers] = change
			answers++
		case writesPastEvents && len(events) > 0:
			misused("kevent on descriptor %d wrote past the events", fd)
		case errno != 0:
			return 0, errno
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
	case limit == nil:
	case limit.d < 0 || limit.d > math.MaxInt32*time.Second:
		return 0, unix.EINVAL
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
			return 0, err
		}
	}
}

// signalComes reports whether a signal strikes a call now.
func signalComes() bool {
	n := SimSignals.Load()
	return n > 0 && rand.Int32N(n) == 0
}

// sleep waits for a wake-up and returns the reason for it.
func (q *kernelQueue) sleep(deadline time.Duration) error {
	if signalComes() {
		SimInterrupts.Add(1)
		return unix.EINTR
	}
	select {
	case kernel.asleep <- true:
	default:
	}
	s := &sleeper{deadline: deadline}
	s.lock.Lock()
	q.sleepers = append(q.sleepers, s)
	kernel.Unlock()
	s.lock.Lock()
	kernel.Lock()
	return s.err
}

// end ends the sleep of the sleeper i.
func (q *kernelQueue) end(i int, err error) {
	last := len(q.sleepers) - 1
	q.sleepers[i].err = err
	q.sleepers[i].lock.Unlock()
	q.sleepers[i] = q.sleepers[last]
	q.sleepers = q.sleepers[:last]
}

// wake ends the sleep of all sleepers.
func (q *kernelQueue) wake(err error) {
	for len(q.sleepers) > 0 {
		q.end(len(q.sleepers)-1, err)
	}
}

// tick is what happens while calls sleep: descriptors become ready, time passes,
// and signals strike. Most ticks bring no signal: in a bubble, whose clock cannot
// tell how long an interrupted call has waited, the call would never end.
func tick() {
	for range kernel.asleep {
		for asleep := true; asleep; {
			time.Sleep(time.Millisecond)
			kernel.Lock()
			asleep = false
			for _, q := range kernel.queues {
				asleep = asleep || len(q.sleepers) > 0
				q.tick()
			}
			kernel.Unlock()
		}
	}
}

func (q *kernelQueue) tick() {
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
	if n := len(q.sleepers); n > 0 && signalComes() {
		SimInterrupts.Add(1)
		q.end(rand.IntN(n), unix.EINTR)
	}
}

// register applies a change: it is kqueue_register of sys/kern/kern_event.c.
func (q *kernelQueue) register(change *Event) syscall.Errno {
	if change.Flags&(FlagEnable|FlagDisable) == FlagEnable|FlagDisable {
		return unix.EINVAL
	}
	key := key{change.Ident, change.Filter}
	kn := q.notes[key]
	var f file
	var inner *kernelQueue
	switch change.Filter {
	case FilterRead, FilterWrite:
		if change.Ident <= math.MaxInt32 {
			f = fileOf(int(change.Ident))
		}
		if f == (file{}) {
			return unix.EBADF
		}
		inner = kernel.queues[int(change.Ident)]
		if inner != nil && inner.file != f {
			inner = nil
		}
		if inner == q || inner != nil && change.Filter == FilterWrite {
			return unix.EINVAL
		}
		if kn != nil && kn.file != f { // the number belongs to another file now
			q.drop(kn)
			kn = nil
		}
	case FilterTimer, FilterUser:
	default:
		return unix.EINVAL
	}

	switch {
	case kn == nil && change.Flags&FlagAdd == 0:
		return unix.ENOENT
	case kn == nil:
		kn = &knote{event: *change, fflags: change.Fflags, data: change.Data, file: f, queue: inner, isNew: true, due: never}
		kn.event.Fflags, kn.event.Data = 0, 0
		kn.event.Flags &= FlagOneshot | FlagClear | FlagReceipt | FlagDispatch
		kn.disabled = change.Flags&FlagDisable != 0
		if errno := kn.attach(); errno != 0 {
			return errno
		}
		q.notes[key] = kn
	case change.Flags&FlagDelete != 0:
		q.drop(kn)
		return 0
	default:
		kn.disabled = (kn.disabled || change.Flags&FlagDisable != 0) && change.Flags&FlagEnable == 0
		kn.event.Udata = change.Udata
		q.touch(kn, change)
	}
	if !kn.disabled {
		kn.look()
		q.activate(kn)
	}
	return 0
}

// attach starts kn, which is new.
func (kn *knote) attach() syscall.Errno {
	if isDescriptor(kn.event.Filter) {
		return 0
	}
	if kernel.userEvents >= maxUserEvents {
		return unix.ENOMEM
	}
	if kn.event.Filter == FilterTimer {
		kn.event.Flags |= FlagClear
		if !kn.startTimer() {
			return unix.EINVAL
		}
	}
	kernel.userEvents++
	return 0
}

func isDescriptor(filter Filter) bool {
	return filter == FilterRead || filter == FilterWrite
}

// startTimer starts the timer kn anew and reports whether its period is valid.
func (kn *knote) startTimer() bool {
	if isBadTimer(&Event{Flags: FlagAdd, Fflags: kn.fflags, Data: kn.data}) {
		return false
	}
	unit := int64(time.Millisecond)
	switch kn.fflags & 0xf {
	case 0x1:
		unit = int64(time.Second)
	case 0x4:
		unit = int64(time.Microsecond)
	case 0x8:
		unit = 1
	}
	const longest = math.MaxInt64 / 4
	kn.period = time.Duration(max(1, min(kn.data, longest/unit)*unit))
	kn.due = now() + kn.period
	return true
}

// touch applies a change to an event that exists: filt_usertouch and
// filt_timertouch of sys/kern/kern_event.c.
func (q *kernelQueue) touch(kn *knote, change *Event) {
	switch {
	case change.Filter == FilterUser:
		kn.ready = (kn.ready || change.Fflags&NoteTrigger != 0) && change.Flags&FlagClear == 0
		kn.data = change.Data
		switch notes := change.Fflags & NoteFflagsmask; change.Fflags & NoteFfctrlmask {
		case NoteFfand:
			kn.fflags &= notes
		case NoteFfor:
			kn.fflags |= notes
		case NoteFfcopy:
			kn.fflags = notes
		}
	case change.Filter == FilterTimer && change.Flags&FlagAdd == 0:
	case change.Filter == FilterTimer:
		q.dequeue(kn)
		kn.fflags, kn.data = change.Fflags, change.Data
		kn.ready, kn.event.Data = false, 0
		if !kn.startTimer() {
			kn.ready, kn.event.Data = true, int64(unix.EINVAL)
			kn.event.Flags |= FlagError
		}
	default:
		kn.fflags, kn.data = change.Fflags, change.Data
	}
}

// drop removes kn from the queue.
func (q *kernelQueue) drop(kn *knote) {
	q.dequeue(kn)
	delete(q.notes, key{kn.event.Ident, kn.event.Filter})
	if !isDescriptor(kn.event.Filter) {
		kernel.userEvents--
	}
}

// activate makes kn pending if its condition holds. That wakes all sleepers, but
// often the first one takes the event, and the others sleep again.
func (q *kernelQueue) activate(kn *knote) {
	if kn.ready && kn.next == nil {
		q.enqueue(kn)
		q.wake(nil)
	}
}

func (q *kernelQueue) enqueue(kn *knote) {
	kn.prev, kn.next = q.pending.prev, &q.pending
	kn.prev.next, kn.next.prev = kn, kn
	q.nPending++
}

func (q *kernelQueue) dequeue(kn *knote) {
	if kn.next != nil {
		kn.prev.next, kn.next.prev = kn.next, kn.prev
		kn.prev, kn.next = nil, nil
		q.nPending--
	}
}

// take moves pending events to events: it is the loop of kqueue_scan in
// sys/kern/kern_event.c.
func (q *kernelQueue) take(events []Event) int {
	n := 0
	for left := q.nPending; left > 0 && n < len(events); left-- {
		kn := q.pending.next
		q.dequeue(kn)
		if kn.disabled || !kn.look() {
			continue
		}
		events[n] = kn.event
		if kn.event.Filter == FilterUser {
			events[n].Fflags, events[n].Data = kn.fflags, kn.data
		}
		n++
		if kn.event.Flags&FlagOneshot != 0 {
			q.drop(kn)
			continue
		}
		if kn.event.Flags&FlagClear != 0 {
			kn.ready = false
			if kn.event.Filter == FilterTimer {
				kn.event.Data = 0
			}
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
func (q *kernelQueue) look() {
	if q.looking {
		return
	}
	q.looking = true
	for _, kn := range q.notes {
		if kn.disabled || kn.next != nil {
			continue // it is looked at when it is enabled or taken
		}
		if kn.look() && (kn.isNew || kn.event.Flags&FlagClear == 0) {
			q.activate(kn)
		}
	}
	q.looking = false
}

// look brings kn up to date and reports whether its condition holds.
func (kn *knote) look() bool {
	switch kn.event.Filter {
	case FilterRead, FilterWrite:
		kn.lookDescriptor()
	case FilterTimer:
		passed := now() - kn.due
		if passed < 0 {
			break
		}
		kn.ready = true
		if kn.event.Flags&FlagOneshot != 0 {
			kn.event.Data, kn.due = 1, never
			break
		}
		n := passed/kn.period + 1
		kn.event.Data += int64(n)
		kn.due += n * kn.period
	}
	return kn.ready
}

// lookDescriptor is look for a descriptor.
func (kn *knote) lookDescriptor() {
	fd := int(kn.event.Ident)
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}
	if kn.event.Filter == FilterWrite {
		p[0].Events = unix.POLLOUT
	}
	for {
		if _, err := unix.Poll(p[:], 0); err != unix.EINTR {
			break
		}
	}
	revents := p[0].Revents // a queue is a file, so not 0 for it
	if revents != 0 && fileOf(fd) != kn.file {
		revents = 0 // the descriptor was closed, and with it the event
	}
	kn.ready = revents != 0
	var data int64
	eof := false
	switch {
	case revents == 0:
	case kn.queue != nil:
		kn.queue.look()
		data = kn.queue.nPending
		kn.ready = data > 0
	case kn.file.kind == unix.S_IFREG && kn.event.Filter == FilterRead:
		var st unix.Stat_t
		unix.Fstat(fd, &st)
		offset, _ := unix.Seek(fd, 0, 1)
		data = st.Size - offset
		kn.ready = data != 0
	case kn.event.Filter == FilterRead:
		eof = revents&(unix.POLLHUP|unix.POLLRDHUP) != 0
		data = ioctl(fd, unix.TIOCINQ)
		if listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); listens != 0 {
			data = 1
			if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				data = int64(info.Unacked) // of a listener, the connections to accept
			}
		}
	case kn.file.kind == unix.S_IFIFO:
		eof = revents&unix.POLLERR != 0
		size, _ := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
		data = max(1, int64(size)-ioctl(fd, unix.TIOCINQ))
	case kn.file.kind == unix.S_IFSOCK:
		eof = revents&unix.POLLHUP != 0
		size, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
		data = max(1, int64(size)-ioctl(fd, unix.TIOCOUTQ))
	}
	if kn.fflags&NoteLowat != 0 && data < kn.data {
		kn.ready = eof
	}
	kn.isNew = data > kn.event.Data || eof && !kn.event.EOF()
	kn.event.Data, kn.event.Fflags = data, 0
	kn.event.Flags &^= FlagEOF
	if eof {
		kn.event.Flags |= FlagEOF
		// Linux returns the error of a socket once, FreeBSD every time.
		if errno, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); errno != 0 {
			kn.err = Note(errno)
		}
		kn.event.Fflags = kn.err
	}
}

func ioctl(fd int, request uint) int64 {
	n, _ := unix.IoctlGetInt(fd, request)
	return int64(int32(n))
}
