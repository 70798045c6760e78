//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

const (
	requestSize   = 64  // bytes
	roundRequests = 512 // that one round of the clients sends, on all connections together
)

// A serverWay is a way to write an echo server. It serves the connections of a
// listener until the test ends.
type serverWay struct {
	name  string
	serve func(t testing.TB, listener net.Listener)
}

var serverWays = []serverWay{
	{"raw", func(t testing.TB, listener net.Listener) {
		q := kqtest.NewQueue(t)
		fd := int(q.Fd())
		serveLoop(t, q, listener, func(events []Event) (int, error) {
			for {
				n, err := unix.Kevent(fd, nil, rawEvents(events), byHandLimit)
				if n > 0 || err != nil && err != unix.EINTR {
					return n, err
				}
			}
		}, func(changes ...Event) error {
			_, err := unix.Kevent(fd, rawEvents(changes), nil, new(unix.Timespec))
			return err
		})
	}},
	{"kqueue", func(t testing.TB, listener net.Listener) {
		q := kqtest.NewQueue(t)
		serveLoop(t, q, listener, func(events []Event) (int, error) { return q.WaitInto(events, Forever) }, q.Apply)
	}},
	{"net", func(t testing.TB, listener net.Listener) {
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					buf := make([]byte, 4096)
					for {
						n, err := conn.Read(buf)
						if err != nil {
							return
						}
						if _, err := conn.Write(buf[:n]); err != nil {
							return
						}
					}
				}()
			}
		}()
	}},
}

// A loopServer has the loop of the package's example of an echo server.
type loopServer struct {
	wait      func(events []Event) (int, error)
	apply     func(changes ...Event) error
	listening Event
	conns     map[uintptr]*loopConn // by descriptor
	accepted  uintptr
	buf       [64 << 10]byte
}

type loopConn struct {
	fd int
	id uintptr
	_  []byte // the example keeps output here; a request always fits into the socket's buffer
}

// serveLoop starts a loopServer, which a user event ends.
func serveLoop(t testing.TB, q *Queue, listener net.Listener, wait func([]Event) (int, error), apply func(...Event) error) {
	raw, err := listener.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	s := &loopServer{wait: wait, apply: apply, conns: make(map[uintptr]*loopConn)}
	raw.Control(func(fd uintptr) { s.listening = ReadEvent(int(fd)) })
	kqtest.Apply(t, q, s.listening, UserEvent(1))
	served := make(chan error)
	go func() { served <- s.serve() }()
	t.Cleanup(func() {
		kqtest.Apply(t, q, UserEvent(1).Trigger())
		if err := <-served; err != nil {
			t.Error(err)
		}
		listener.Close()
		for _, c := range s.conns {
			unix.Close(c.fd)
		}
	})
}

func (s *loopServer) serve() error {
	events := make([]Event, 64)
	for {
		n, err := s.wait(events)
		if err != nil {
			return err
		}
		for _, event := range events[:n] {
			switch {
			case event.Filter == FilterUser:
				return nil
			case event.Ident == s.listening.Ident:
				err = s.accept()
			default:
				err = s.serveEvent(event)
			}
			if err != nil {
				return err
			}
		}
	}
}

func (s *loopServer) accept() error {
	fd, _, err := unix.Accept(int(s.listening.Ident))
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	s.accepted++
	c := &loopConn{fd: fd, id: s.accepted}
	s.conns[uintptr(fd)] = c
	return s.apply(ReadEvent(fd).WithUdata(c.id))
}

func (s *loopServer) serveEvent(event Event) error {
	c := s.conns[event.Ident]
	if c == nil || c.id != event.Udata {
		return nil
	}
	if err := s.serveConn(c, event); err != nil {
		delete(s.conns, event.Ident)
		unix.Close(c.fd)
		if err != io.EOF {
			return err
		}
	}
	return nil
}

func (s *loopServer) serveConn(c *loopConn, event Event) error {
	if err := event.SocketErr(); err != nil {
		return err
	}
	n, err := unix.Read(c.fd, s.buf[:])
	switch {
	case err == unix.EAGAIN:
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	if written, err := unix.Write(c.fd, s.buf[:n]); err != nil || written < n {
		return fmt.Errorf("wrote %d of %d bytes: %v", written, n, err)
	}
	return nil
}

// startServer starts a server and its clients, which another process plays. The
// first call of the function connects them. Each later one lets them send
// roundRequests requests and receive the answers, one on each connection at a time,
// and returns how long that took by their clock: it may take longer until this
// process notices.
func startServer(t testing.TB, way serverWay, connections int) (round func() time.Duration) {
	kqtest.RaiseDescriptorLimit(t, uint64(connections)+100)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	way.serve(t, listener)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	clients := exec.Command(self)
	// Without the signals by which the runtime preempts, none of their calls ends early.
	clients.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", fmt.Sprintf("%s=%d %d", clientsVariable, listener.Addr().(*net.TCPAddr).Port, connections))
	clients.Stderr = os.Stderr
	stdin, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := clients.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		clients.Wait()
	})
	return func() time.Duration {
		answer := make([]byte, 8)
		_, err := stdin.Write(answer[:1])
		if err == nil {
			_, err = io.ReadFull(stdout, answer)
		}
		if err != nil {
			t.Fatal("clients: ", err)
		}
		return time.Duration(binary.LittleEndian.Uint64(answer))
	}
}

// clientsVariable tells the test binary to be the clients.
const clientsVariable = "KQUEUE_BENCH_CLIENTS"

func init() {
	var port, connections int
	if _, err := fmt.Sscan(os.Getenv(clientsVariable), &port, &connections); err != nil {
		return
	}
	go func() { // the first thread is not for blocking calls
		if err := beClients(port, connections); err != nil {
			fmt.Fprintln(os.Stderr, "clients:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}()
	select {}
}

// beClients connects when it is told by standard input, and does a round whenever
// it is told again. All of its calls block.
func beClients(port, connections int) error {
	command := make([]byte, 1)
	if n, err := unix.Read(0, command); n == 0 {
		return err
	}
	var fds []int
	for range connections {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return err
		}
		if err := requests([]int{fd}); err != nil { // which the server has accepted then
			return err
		}
		fds = append(fds, fd)
	}
	var took time.Duration
	for {
		if _, err := unix.Write(1, binary.LittleEndian.AppendUint64(nil, uint64(took))); err != nil {
			return err
		}
		if n, err := unix.Read(0, command); n == 0 {
			return err
		}
		start := time.Now()
		for range roundRequests / connections {
			if err := requests(fds); err != nil {
				return err
			}
		}
		took = time.Since(start)
	}
}

// requests sends a request on each connection, and then receives the answers.
func requests(fds []int) error {
	var buf [requestSize]byte
	for _, fd := range fds {
		if _, err := unix.Write(fd, buf[:]); err != nil {
			return err
		}
	}
	for _, fd := range fds {
		for got := 0; got < len(buf); {
			n, err := unix.Read(fd, buf[got:])
			if err == nil && n == 0 {
				err = io.ErrUnexpectedEOF
			}
			if err != nil && err != unix.EINTR {
				return err
			}
			got += max(n, 0)
		}
	}
	return nil
}

// BenchmarkServer measures rounds of requests, the Go memory of an idle connection,
// and the number of threads that the process has needed so far.
func BenchmarkServer(b *testing.B) {
	for _, connections := range serverConnections {
		for _, way := range serverWays {
			b.Run(fmt.Sprintf("connections=%d/%s", connections, way.name), func(b *testing.B) {
				round := startServer(b, way, connections)
				before := goMemory()
				round() // connects
				memory := goMemory() - before
				var took time.Duration
				for range b.N {
					took += round()
				}
				b.ReportMetric(float64(took)/float64(b.N)/roundRequests, "ns/request")
				b.ReportMetric(memory/float64(connections), "B/conn")
				b.ReportMetric(float64(pprof.Lookup("threadcreate").Count()), "threads")
			})
		}
	}
}

var serverConnections = []int{1, 64, 512}

// goMemory returns how many bytes the heap's objects and the stacks take.
func goMemory() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // finishes what the first one has begun to sweep
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// TestServerTable prints what a request costs, as TestBenchmarkTable does for calls.
func TestServerTable(t *testing.T) {
	turns, err := strconv.Atoi(os.Getenv("KQUEUE_TABLE"))
	if err != nil {
		t.Skip("KQUEUE_TABLE is not set to a number of turns")
	}
	for _, procs := range []int{1, 4} {
		for _, connections := range serverConnections {
			t.Run(fmt.Sprintf("connections=%d, GOMAXPROCS=%d", connections, procs), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				var rounds []func() time.Duration
				for _, way := range serverWays {
					rounds = append(rounds, startServer(t, way, connections))
					rounds[len(rounds)-1]()
				}
				least := make([]time.Duration, len(rounds))
				for turn := range turns {
					for i, round := range rounds {
						if took := round() / roundRequests; turn == 0 || took < least[i] {
							least[i] = took
						}
					}
				}
				raw, kqueue, net := float64(least[0]), float64(least[1]), float64(least[2])
				t.Logf("raw %.0f, kqueue %.0f, ratio %.3f, net %.0f, kqueue to net %.3f", raw, kqueue, kqueue/raw, net, kqueue/net)
			})
		}
	}
}
