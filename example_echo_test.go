//go:build unix

package kqueue_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// An echoServer sends back what it receives. One goroutine serves all connections,
// and waits only in WaitInto: the descriptors are non-blocking.
type echoServer struct {
	queue     *kqueue.Queue
	listener  net.Listener
	listening kqueue.Event          // as it was added
	conns     map[uintptr]*echoConn // by descriptor
	accepted  uintptr               // the number of connections so far
	stopping  bool
	buf       [64 << 10]byte // for input
	ended     func(error)    // told why a connection has ended; io.EOF is the usual end
}

// An echoConn is small, so that many idle connections cost little.
type echoConn struct {
	fd     int
	id     uintptr // the Udata of its events: the descriptor's number is used again
	output []byte  // what the kernel had no room for
}

// These are the Idents of events that belong to no descriptor. Each filter has its
// own numbers.
const (
	stopUser = 1

	acceptTimer = 1 // ends a pause in accepting
	stopTimer   = 2 // ends the patience with clients
)

const (
	acceptPause  = 100 * time.Millisecond
	stopPatience = time.Minute
)

// newEchoServer returns a server that serve runs. The queue must have no other
// events.
func newEchoServer(q *kqueue.Queue, listener net.Listener, ended func(error)) (*echoServer, error) {
	fd, err := descriptor(listener.(syscall.Conn)) // from the package's first example, as accept below
	if err != nil {
		return nil, err
	}
	s := &echoServer{
		queue:     q,
		listener:  listener,
		listening: kqueue.ReadEvent(fd),
		conns:     make(map[uintptr]*echoConn),
		ended:     ended,
	}
	return s, q.Apply(s.listening, kqueue.UserEvent(stopUser).With(kqueue.FlagClear))
}

// stop makes serve close the listener, send what it has read, and return when the
// clients have closed their connections. Any goroutine may call it.
func (s *echoServer) stop() error {
	return s.queue.Apply(kqueue.UserEvent(stopUser).Trigger())
}

// serve returns nil after stop, or os.ErrDeadlineExceeded if clients took too long.
func (s *echoServer) serve() error {
	defer func() {
		s.listener.Close()
		for _, c := range s.conns {
			unix.Close(c.fd)
		}
	}()
	events := make([]kqueue.Event, 64)
	for !s.stopping || len(s.conns) > 0 {
		n, err := s.queue.WaitInto(events, kqueue.Forever)
		if err != nil {
			return err
		}
		for _, event := range events[:n] {
			if err := s.handle(event); err != nil {
				return err
			}
		}
	}
	return nil
}

// handle handles an event. If it returns an error, the server has to end.
func (s *echoServer) handle(event kqueue.Event) error {
	switch event.Filter {
	case kqueue.FilterRead, kqueue.FilterWrite:
		if event.Ident == s.listening.Ident && !s.stopping {
			return s.accept()
		}
		c := s.conns[event.Ident]
		if c == nil || c.id != event.Udata {
			// An event before this one closed the connection. Its descriptor may
			// even belong to a new one by now, which has another Udata.
			return nil
		}
		if err := s.serveConn(c, event); err != nil {
			delete(s.conns, event.Ident)
			unix.Close(c.fd) // which removes its events from the queue
			s.ended(err)
		}
	case kqueue.FilterUser:
		return s.beginStop()
	case kqueue.FilterTimer:
		switch {
		case event.Ident == stopTimer:
			return os.ErrDeadlineExceeded
		case !s.stopping: // acceptTimer
			return s.queue.Apply(s.listening.Enable())
		}
	}
	return nil
}

// accept accepts one connection. If there are more, the event is returned again.
func (s *echoServer) accept() error {
	fd, err := accept(int(s.listening.Ident))
	switch err {
	case nil:
	case unix.EAGAIN, unix.ECONNABORTED:
		return nil // The client has left already.
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		// The connection is still there, so every wait would return the event at
		// once. Somebody has to close a descriptor first, not necessarily this server.
		timer := kqueue.TimerEvent(acceptTimer, acceptPause).With(kqueue.FlagOneshot)
		return s.queue.Apply(s.listening.Disable(), timer)
	default:
		return err
	}
	s.accepted++
	c := &echoConn{fd: fd, id: s.accepted}
	if err := s.queue.Apply(c.read()); err != nil {
		unix.Close(fd)
		return err
	}
	s.conns[uintptr(fd)] = c
	return nil
}

func (c *echoConn) read() kqueue.Event  { return kqueue.ReadEvent(c.fd).WithUdata(c.id) }
func (c *echoConn) write() kqueue.Event { return kqueue.WriteEvent(c.fd).WithUdata(c.id) }

// serveConn handles an event of c. If it returns an error, the connection has ended.
func (s *echoServer) serveConn(c *echoConn, event kqueue.Event) error {
	if err := event.SocketErr(); err != nil {
		return err // such as ECONNRESET: the client is gone
	}
	if event.Filter == kqueue.FilterWrite {
		return s.send(c, c.output)
	}
	// One read is enough. If there is more, the event is returned again.
	n, err := unix.Read(c.fd, s.buf[:])
	switch {
	case err == unix.EAGAIN:
		return nil // There was nothing after all.
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	case s.stopping:
		return nil // Nothing more is sent.
	}
	return s.send(c, s.buf[:n])
}

// send sends output. Most of the time, there is room for it at once. Only if there
// is not, c waits for room, and not for input meanwhile.
func (s *echoServer) send(c *echoConn, output []byte) error {
	n, err := unix.Write(c.fd, output)
	if err == unix.EAGAIN {
		n, err = 0, nil
	}
	if err != nil {
		return err
	}
	waiting, rest := c.output != nil, output[n:]
	switch {
	case len(rest) == 0 && waiting:
		c.output = nil
		if s.stopping {
			c.shutdown()
		}
		return s.queue.Apply(c.read().Enable(), c.write().Delete())
	case len(rest) > 0 && !waiting:
		c.output = bytes.Clone(rest) // because others use the buffer too
		return s.queue.Apply(c.read().Disable(), c.write())
	case waiting:
		c.output = rest
	}
	return nil
}

// beginStop is what stop triggers.
func (s *echoServer) beginStop() error {
	if s.stopping {
		return nil
	}
	s.stopping = true
	s.listener.Close() // which removes its event from the queue
	for _, c := range s.conns {
		if c.output == nil {
			c.shutdown()
		}
	}
	return s.queue.Apply(kqueue.TimerEvent(stopTimer, stopPatience))
}

// shutdown tells the client that nothing more comes. To close the connection instead
// would reset it if there is unread input, and what was sent could be lost.
func (c *echoConn) shutdown() {
	unix.Shutdown(c.fd, unix.SHUT_WR) // If it fails, the next event says why.
}

// An echo server with non-blocking descriptors. It waits for room to write only
// while it has output, pauses when there are no descriptors left, and stops in order.
func Example_echoServer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	ended := make(chan error, 10)
	server, err := newEchoServer(q, listener, func(err error) { ended <- err })
	if err != nil {
		log.Fatal(err)
	}
	// Buffers of this size make output wait, here and in the slow client below.
	fd := int(server.listening.Ident)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.serve() }()

	// One client sends more than the buffers hold, and does not read yet.
	slow := connect(listener.Addr())
	slow.SetReadBuffer(64 << 10)
	sent := bytes.Repeat([]byte("hello, kqueue\n"), 1<<17)
	written := make(chan error)
	go func() {
		_, err := slow.Write(sent)
		written <- err
	}()

	// That holds up no other client. This one resets its connection in the end.
	client := connect(listener.Addr())
	if _, err := io.WriteString(client, "hello"); err != nil {
		log.Fatal(err)
	}
	received := make([]byte, len(sent)/2)
	if _, err := io.ReadFull(client, received[:len("hello")]); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", received[:len("hello")])
	client.SetLinger(0)
	client.Close()
	fmt.Println("ended:", <-ended)

	// The server stops while the slow client has received half of its own. It gets
	// what the server has read, and can still send the rest, though in vain.
	if _, err := io.ReadFull(slow, received); err != nil {
		log.Fatal(err)
	}
	if err := server.stop(); err != nil {
		log.Fatal(err)
	}
	rest, err := io.ReadAll(slow)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("echoed:", bytes.HasPrefix(sent, append(received, rest...)))
	if err := <-written; err != nil {
		log.Fatal(err)
	}
	slow.Close()
	fmt.Println("ended:", <-ended)
	fmt.Println("stopped:", <-served)
	// Output:
	// hello
	// ended: connection reset by peer
	// echoed: true
	// ended: EOF
	// stopped: <nil>
}

func connect(addr net.Addr) *net.TCPConn {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		log.Fatal(err)
	}
	return conn.(*net.TCPConn)
}
