//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
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

// newQueue makes a queue that is closed with the test, under a watchdog.
func newQueue(t testing.TB) *Queue {
	t.Helper()
	if _, ok := t.(*testing.B); !ok {
		watchdog(t, watchdogTime)
	}
	q, err := New()
	if err != nil {
		t.Fatal(err)
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

func execSelf(self string) {
	unix.Exec(self, []string{self}, os.Environ())
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
