//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// watchdogTime is how long a test may take before it counts as hanging.
const watchdogTime = 30 * time.Second

// watchdog ends the test binary, with the stacks of all goroutines, where the
// test takes too long.
func watchdog(t testing.TB, limit time.Duration) {
	t.Helper()
	name := t.Name()
	timer := time.AfterFunc(limit, func() {
		fmt.Fprintf(os.Stderr, "%s hangs: not done after %v\n", name, limit)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(2)
	})
	t.Cleanup(func() { timer.Stop() })
}

// openQueue makes a queue. On a system without kqueue, it skips the test.
func openQueue(t testing.TB) *Queue {
	t.Helper()
	q, err := New()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no kqueue")
	}
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// newQueue makes a queue that is closed when the test ends, and starts the
// watchdog.
func newQueue(t testing.TB) *Queue {
	t.Helper()
	q := openQueue(t)
	if _, ok := t.(*testing.B); !ok {
		watchdog(t, watchdogTime) // Close is under it too
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func apply(t testing.TB, q *Queue, changes ...Event) {
	t.Helper()
	if err := q.Apply(changes...); err != nil {
		t.Fatal(err)
	}
}

// waitOne waits for ever for what must be a single event.
func waitOne(t testing.TB, q *Queue) Event {
	t.Helper()
	events, err := q.Wait(Forever)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1: %v", len(events), events)
	}
	return events[0]
}

// waitNone checks that no event is pending.
func waitNone(t testing.TB, q *Queue) {
	t.Helper()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 0 {
		t.Fatalf("got events, want none: %v", events)
	}
}

func newPipe(t testing.TB) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeFD(&p[0])
		closeFD(&p[1])
	})
	return p[0], p[1]
}

// closeFD closes a descriptor of a test; the tests that close one early must
// not let the clean-up close its number again, so they dup it first.
func closeFD(fd *int) {
	if *fd >= 0 {
		unix.Close(*fd)
		*fd = -1
	}
}

func newSocketpair(t testing.TB) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(p[0])
		unix.Close(p[1])
	})
	return p[0], p[1]
}

func write(t testing.TB, fd int, data string) {
	t.Helper()
	if n, err := unix.Write(fd, []byte(data)); n != len(data) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

func read(t testing.TB, fd, size int) string {
	t.Helper()
	buf := make([]byte, size)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(buf[:n])
}

// tcpPair returns two connected TCP sockets and their descriptors.
func tcpPair(t testing.TB) (a, b *net.TCPConn, fdA, fdB int) {
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
	return a, b, rawFD(t, a), rawFD(t, b)
}

// rawFD is the descriptor of a connection or listener, which keeps owning it.
func rawFD(t testing.TB, c syscall.Conn) int {
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

// openFDs counts the open descriptors.
func openFDs(t testing.TB) int {
	t.Helper()
	// The Go runtime opens descriptors of its own with the first timer.
	time.AfterFunc(time.Hour, func() {}).Stop()
	n := 0
	for fd := 0; fd < 4096; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n++
		}
	}
	return n
}

// A child is a process that does what beChild is told when it is released.
type child struct {
	*exec.Cmd
	release func()
}

// startChild starts a child process and returns when it runs, doing nothing yet.
func startChild(t testing.TB, what string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+what)
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
	c := &child{cmd, sync.OnceFunc(func() { stdin.Close() })}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return c
}

// raceEnabled says that the race detector is on: see race_test.go.
var raceEnabled bool

func init() {
	execSelf = func(self string) { unix.Exec(self, []string{self}, os.Environ()) }
}

// hasWords reports whether s has all words, for looking into Event.String.
func hasWords(s string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// waiters starts count goroutines that wait in q in every way there is, and
// returns once the queue shows that all are about to wait. Each sends how its
// wait ended.
func waiters(t testing.TB, q *Queue, count int) <-chan error {
	t.Helper()
	// A goroutine in a system call keeps its processor until the runtime's
	// monitor takes it away, which takes a clock tick each.
	// With more processors than the machine has, garbage collection can take half
	// a minute: seen on FreeBSD with one CPU, with raw system calls as well.
	procs, percent := runtime.GOMAXPROCS(count+8), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(percent)
	})
	ended := make(chan error, count)
	var ready sync.WaitGroup
	for i := range count {
		ready.Add(1)
		go func() {
			timeout := []time.Duration{Forever, time.Hour, 1<<63 - 1}[i%3]
			buf := make([]Event, 1+i%2)
			ready.Done()
			var n int
			var err error
			switch i / 3 % 3 {
			case 0:
				var events []Event
				events, err = q.Wait(timeout)
				n = len(events)
			case 1:
				n, err = q.WaitInto(buf, timeout)
			case 2:
				n, err = q.Kevent(nil, buf, timeout)
			}
			if n != 0 {
				err = fmt.Errorf("got %d events: %v, %w", n, buf, err)
			}
			ended <- err
		}()
	}
	ready.Wait()
	return ended
}

// collect checks that every waiter was sent away by Close.
func collect(t testing.TB, ended <-chan error, count int) {
	t.Helper()
	for range count {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a waiter got %v, want os.ErrClosed", err)
		}
	}
}

// userEventsLeft uses up the kernel's user events, where they are limited to a
// number that a test can reach, and reports whether they are.
func exhaustUserEvents(t testing.TB) bool {
	t.Helper()
	hoard := newQueue(t)
	for i := range uintptr(5000) {
		err := hoard.Apply(UserEvent(i))
		if errors.Is(err, unix.ENOMEM) {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return false
}

// exhaustDescriptors leaves no descriptor free until the test's end or until
// the returned function is called.
func exhaustDescriptors(t testing.TB) (release func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var fds []int
	for {
		fd, err := unix.Dup(0)
		if err == unix.EMFILE {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	release = sync.OnceFunc(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
		unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	})
	t.Cleanup(release)
	return release
}

// inOwnProcess reports whether the test has a process for itself, with few
// threads. If not, it runs the test again in one.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	const variable = "KQUEUE_TEST_ALONE"
	if os.Getenv(variable) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Error(err)
	}
	return false
}

func raiseDescriptorLimit(t testing.TB, want uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) >= want {
		return
	}
	if uint64(limit.Max) < want {
		t.Skipf("RLIMIT_NOFILE allows %d descriptors, %d are needed", limit.Max, want)
	}
	old := limit
	setLimit(&limit.Cur, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

// setLimit hides that a limit is signed on FreeBSD and DragonFly.
func setLimit[T int64 | uint64](limit *T, value uint64) {
	*limit = T(value)
}

// errs are the errors that events tell.
func errs(events []Event) []error {
	var all []error
	for _, e := range events {
		all = append(all, e.Err())
	}
	return all
}

func newFile(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
