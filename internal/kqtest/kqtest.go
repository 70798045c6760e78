//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func init() {
	execSelf = func(self string) { unix.Exec(self, []string{self}, os.Environ()) }
}

// WatchdogTime is how long a test may take before it counts as hanging. It is
// generous, because tests also run on busy and on emulated machines.
const WatchdogTime = 2 * time.Minute

// Watchdog ends the test binary if the test takes too long, and prints the stacks
// of all goroutines: a goroutine that hangs in the kernel cannot be ended, so a
// failed test would hang as well when it closes its queue.
func Watchdog(t testing.TB, limit time.Duration) {
	t.Helper()
	name := t.Name()
	timer := time.AfterFunc(limit, func() {
		fmt.Fprintf(os.Stderr, "%s hangs: it has not ended after %v\n", name, limit)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(2)
	})
	t.Cleanup(func() { timer.Stop() })
}

// OpenQueue makes a queue. On a system without kqueue, it skips the test.
func OpenQueue(t testing.TB) *kqueue.Queue {
	t.Helper()
	q, err := kqueue.New()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no kqueue")
	}
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// NewQueue makes a queue that is closed when the test ends, and starts the
// watchdog.
func NewQueue(t testing.TB) *kqueue.Queue {
	t.Helper()
	q := OpenQueue(t)
	if _, ok := t.(*testing.B); !ok {
		Watchdog(t, WatchdogTime) // first, so that it watches Close too
	}
	t.Cleanup(func() {
		// A call that panicked keeps Close waiting forever, and the panic is printed
		// only after this.
		if !panicking() {
			q.Close()
		}
	})
	return q
}

// panicking reports whether the calling function was deferred and runs because of a
// panic.
func panicking() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" {
			return true
		}
		if !more {
			return false
		}
	}
}

// Apply passes changes to the kernel.
func Apply(t testing.TB, q *kqueue.Queue, changes ...kqueue.Event) {
	t.Helper()
	if err := q.Apply(changes...); err != nil {
		t.Fatal(err)
	}
}

// Kill sends sig to this process. On Linux, it returns when the signal has been
// delivered, because signals that come at the same time are delivered once there.
func Kill(t testing.TB, sig syscall.Signal) {
	t.Helper()
	caught := make(chan os.Signal, 1)
	if Simulated {
		signal.Notify(caught, sig)
		defer signal.Stop(caught)
	} else {
		caught <- sig
	}
	if err := unix.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
	<-caught
}

// WaitOne waits for a single event and fails if several come.
func WaitOne(t testing.TB, q *kqueue.Queue) kqueue.Event {
	t.Helper()
	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1: %v", len(events), events)
	}
	return events[0]
}

// WaitNone checks that no event is pending.
func WaitNone(t testing.TB, q *kqueue.Queue) {
	t.Helper()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 0 {
		t.Fatalf("got events, want none: %v", events)
	}
}

// WaitGone checks that the event of change is not in the queue.
func WaitGone(t testing.TB, q *kqueue.Queue, change kqueue.Event) {
	t.Helper()
	if err := q.Apply(change.Delete()); !errors.Is(err, unix.ENOENT) {
		t.Errorf("deleting %v: got %v, want ENOENT", change, err)
	}
}

// A WaitFunc is one of the methods of a Queue that wait. The buffer has room for
// at least one event, and Wait ignores it.
type WaitFunc func(q *kqueue.Queue, buf []kqueue.Event, timeout time.Duration) (int, error)

// WaitFuncs are all the methods that wait, by name.
var WaitFuncs = map[string]WaitFunc{
	"Wait": func(q *kqueue.Queue, buf []kqueue.Event, timeout time.Duration) (int, error) {
		events, err := q.Wait(timeout)
		return copy(buf, events), err
	},
	"WaitInto": (*kqueue.Queue).WaitInto,
	"Kevent": func(q *kqueue.Queue, buf []kqueue.Event, timeout time.Duration) (int, error) {
		return q.Kevent(nil, buf, timeout)
	},
}

// ApplyFuncs are all ways to pass a change to the kernel. Each of them returns
// the error of change.
var ApplyFuncs = map[string]func(q *kqueue.Queue, change kqueue.Event) error{
	"Apply": func(q *kqueue.Queue, change kqueue.Event) error { return q.Apply(change) },
	"Apply of several": func(q *kqueue.Queue, change kqueue.Event) error {
		return q.Apply(kqueue.UserEvent(8887), change, kqueue.UserEvent(8888))
	},
	"Kevent": func(q *kqueue.Queue, change kqueue.Event) error {
		buf := make([]kqueue.Event, 8)
		n, err := q.Kevent([]kqueue.Event{change}, buf, 0)
		return errors.Join(err, EventErrors(buf[:n]))
	},
	"Kevent of several": func(q *kqueue.Queue, change kqueue.Event) error {
		buf := make([]kqueue.Event, 8)
		n, err := q.Kevent([]kqueue.Event{kqueue.UserEvent(8887), change, kqueue.UserEvent(8888)}, buf, 0)
		return errors.Join(err, EventErrors(buf[:n]))
	},
	"Kevent with less room than changes": func(q *kqueue.Queue, change kqueue.Event) error {
		buf := make([]kqueue.Event, 1)
		n, err := q.Kevent([]kqueue.Event{kqueue.UserEvent(8887), change}, buf, 0)
		return errors.Join(err, EventErrors(buf[:n]))
	},
	"Kevent without room": func(q *kqueue.Queue, change kqueue.Event) error {
		_, err := q.Kevent([]kqueue.Event{change}, nil, 0)
		return err
	},
}

// EventErrors joins the errors that events report.
func EventErrors(events []kqueue.Event) error {
	var errs []error
	for _, e := range events {
		errs = append(errs, e.Err())
	}
	return errors.Join(errs...)
}

// WantRefused checks that change is refused with errno, however it is passed to
// the kernel.
func WantRefused(t testing.TB, q *kqueue.Queue, change kqueue.Event, errno syscall.Errno) {
	t.Helper()
	for name, apply := range ApplyFuncs {
		if err := apply(q, change); !errors.Is(err, errno) {
			t.Errorf("%s: %v: got %v, want %v", name, change, err, errno)
		}
	}
}

// StartWaiters starts count goroutines that wait in q, in every way there is. It
// returns when all of them are about to wait. Each sends how its wait ended.
func StartWaiters(t testing.TB, q *kqueue.Queue, count int) <-chan error {
	t.Helper()
	// A goroutine that enters a system call keeps its processor until the
	// runtime's monitor takes it away, a clock tick later. With a processor for
	// each goroutine they need not wait for that. But with more processors than the
	// machine has, a garbage collection may take half a minute.
	procs, percent := runtime.GOMAXPROCS(count+8), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(percent)
	})
	var waits []WaitFunc
	for _, wait := range WaitFuncs {
		waits = append(waits, wait)
	}
	ended := make(chan error, count)
	var ready sync.WaitGroup
	for i := range count {
		ready.Add(1)
		go func() {
			timeout := []time.Duration{kqueue.Forever, time.Hour, 1<<63 - 1}[i%3]
			buf := make([]kqueue.Event, 1+i%2)
			ready.Done()
			n, err := waits[i/3%len(waits)](q, buf, timeout)
			if n != 0 {
				err = fmt.Errorf("got %d events: %v, %w", n, buf, err)
			}
			ended <- err
		}()
	}
	ready.Wait()
	return ended
}

// WantClosed checks that Close ended the wait of count goroutines.
func WantClosed(t testing.TB, ended <-chan error, count int) {
	t.Helper()
	for range count {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a waiting call returned %v, want os.ErrClosed", err)
		}
	}
}

// NewPipe returns a pipe. The ends that are still open are closed with the test:
// an end that the test itself closes must be closed by CloseFD.
func NewPipe(t testing.TB) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	OwnFD(t, p[0])
	OwnFD(t, p[1])
	return p[0], p[1]
}

// owned has the descriptors that OwnFD closes.
var owned sync.Map

// OwnFD closes fd when the test ends, unless CloseFD has closed it before.
func OwnFD(t testing.TB, fd int) {
	owned.Store(fd, true)
	t.Cleanup(func() { CloseFD(fd) })
}

// CloseFD closes a descriptor of OwnFD.
func CloseFD(fd int) {
	if _, ok := owned.LoadAndDelete(fd); ok {
		unix.Close(fd)
	}
}

// NewSocketpair returns a pair of Unix stream sockets.
func NewSocketpair(t testing.TB) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	OwnFD(t, p[0])
	OwnFD(t, p[1])
	return p[0], p[1]
}

// Write writes data to fd.
func Write(t testing.TB, fd int, data string) {
	t.Helper()
	if n, err := unix.Write(fd, []byte(data)); n != len(data) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

// Read returns what one read of at most size bytes gives.
func Read(t testing.TB, fd, size int) string {
	t.Helper()
	buf := make([]byte, size)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(buf[:n])
}

// Ioctl passes arg, or a null pointer, to ioctl(2).
func Ioctl[T any](fd int, request uintptr, arg *T) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
	if errno != 0 {
		return errno
	}
	return nil
}

// TCPPair returns two connected TCP sockets and their descriptors.
func TCPPair(t testing.TB) (a, b *net.TCPConn, fdA, fdB int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		d.Close()
	})
	a, b = c.(*net.TCPConn), d.(*net.TCPConn)
	return a, b, RawFD(t, a), RawFD(t, b)
}

// RawFD returns the descriptor of a connection or listener, which still owns it.
func RawFD(t testing.TB, c syscall.Conn) int {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(u uintptr) { fd = int(u) }); err != nil {
		t.Fatal(err)
	}
	return fd
}

// NewFile makes a file and opens it for reading.
func NewFile(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(t, path)
}

// Open opens a file or directory for reading until the test ends.
func Open(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// WriteAt writes to a file as another program would do it.
func WriteAt(path string, offset int64, data string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte(data), offset)
	return err
}

// OpenFDs counts the open descriptors.
func OpenFDs(t testing.TB) int {
	t.Helper()
	// The Go runtime opens descriptors of its own with the first timer.
	time.AfterFunc(time.Hour, func() {}).Stop()
	n := 0
	for fd := range 4096 {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) == nil {
			n++
		}
	}
	return n
}

// WantOpenFDs checks that as many descriptors are open as before.
func WantOpenFDs(t testing.TB, want int) {
	t.Helper()
	if got := OpenFDs(t); got != want {
		t.Errorf("%d descriptors are open, want %d", got, want)
	}
}

// MaxDescriptors returns the largest number of descriptors that the process may
// have.
func MaxDescriptors(t testing.TB) uint64 {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return uint64(limit.Max)
}

// RaiseDescriptorLimit allows the test to have want descriptors, or skips it.
func RaiseDescriptorLimit(t testing.TB, want uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) >= want {
		return
	}
	old := limit
	setLimit(&limit.Cur, want)
	setLimit(&limit.Max, max(want, uint64(limit.Max))) // the superuser may raise it
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skipf("RLIMIT_NOFILE allows %d descriptors, %d are needed: %v", old.Max, want, err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

// setLimit hides that a limit is signed on FreeBSD and DragonFly.
func setLimit[T int64 | uint64](limit *T, value uint64) {
	*limit = T(value)
}

// A child is a process that does what beChild is told when it is released.
type Child struct {
	*exec.Cmd
	Release func()
}

// StartChild starts a child process. It returns when the child runs and waits to
// be released.
func StartChild(t testing.TB, what string) *Child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), ChildVariable+"="+what)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c := &Child{cmd, sync.OnceFunc(func() { stdin.Close() })}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return c
}

// CountsTicks says that the kernel counts clock ticks. Its timers are early if
// the machine loses clock interrupts, which a busy virtual machine does.
const CountsTicks = runtime.GOOS == "dragonfly" || runtime.GOOS == "netbsd" || runtime.GOOS == "openbsd"

// NotEarly calls try, which reports whether a timer fired too early, and fails if
// it did. On a kernel that counts ticks, it may try again.
func NotEarly(t testing.TB, name string, try func() (early bool)) {
	t.Helper()
	tries := 1
	if CountsTicks {
		tries = 20
	}
	for range tries {
		if !try() {
			return
		}
		t.Logf("%s: too early", name)
	}
	t.Errorf("%s: too early %d times of %d", name, tries, tries)
}
