//go:build unix

package kqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"

	"github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// An echoServer sends back what it receives. One goroutine serves all connections,
// and waits only in WaitInto: the descriptors are non-blocking.
type echoServer struct {
	queue    *kqueue.Queue
	listener int                   // its descriptor
	conns    map[uintptr]*echoConn // by descriptor
	accepted uintptr               // the number of connections so far
	buf      [64 << 10]byte        // for input
	ended    func(error)           // told why a connection has ended; io.EOF is the usual end
}

type echoConn struct {
	fd               int
	read, write      kqueue.Event // as they were added
	reading, writing bool         // which of them are enabled
	inputEnded       bool
	output           []byte // to be sent
}

// maxOutput is how much output a connection may have before its input has to wait.
const maxOutput = 64 << 10

// serve returns when the queue is closed.
func (s *echoServer) serve() error {
	defer func() {
		for _, c := range s.conns {
			unix.Close(c.fd)
		}
	}()
	listening := kqueue.ReadEvent(s.listener)
	if err := s.queue.Apply(listening); err != nil {
		return err
	}
	events := make([]kqueue.Event, 64)
	for {
		n, err := s.queue.WaitInto(events, kqueue.Forever)
		if err != nil {
			return err
		}
		for _, event := range events[:n] {
			if event.Ident == listening.Ident {
				if err := s.accept(); err != nil {
					return err
				}
				continue
			}
			c := s.conns[event.Ident]
			if c == nil || c.read.Udata != event.Udata {
				// An event before this one closed the connection. Its descriptor
				// may even belong to a new one by now, which has another Udata.
				continue
			}
			if err := s.handle(c, event); err != nil {
				delete(s.conns, event.Ident)
				unix.Close(c.fd) // which removes its events from the queue
				s.ended(err)
			}
		}
	}
}

// accept accepts one connection. If there are more, the event is returned again.
func (s *echoServer) accept() error {
	syscall.ForkLock.RLock() // A program that is started now would inherit the descriptor.
	fd, _, err := unix.Accept(s.listener)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err == unix.EAGAIN || err == unix.ECONNABORTED {
		return nil // the client has left already
	}
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return err
	}
	s.accepted++
	c := &echoConn{
		fd:      fd,
		read:    kqueue.ReadEvent(fd).WithUdata(s.accepted),
		write:   kqueue.WriteEvent(fd).With(kqueue.FlagDisable).WithUdata(s.accepted),
		reading: true,
	}
	if err := s.queue.Apply(c.read, c.write); err != nil {
		unix.Close(fd)
		return err
	}
	s.conns[uintptr(fd)] = c
	return nil
}

// handle handles an event of c. If it returns an error, the connection has ended.
func (s *echoServer) handle(c *echoConn, event kqueue.Event) error {
	if err := event.SocketErr(); err != nil {
		return err // such as ECONNRESET: the client is gone
	}
	if event.Filter == kqueue.FilterRead {
		// One read is enough. If there is more, the event is returned again.
		n, err := unix.Read(c.fd, s.buf[:])
		switch {
		case err == unix.EAGAIN: // there was nothing after all
		case err != nil:
			return err
		case n == 0:
			c.inputEnded = true
		default:
			c.output = append(c.output, s.buf[:n]...)
		}
	}
	for len(c.output) > 0 {
		n, err := unix.Write(c.fd, c.output)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return err
		}
		c.output = c.output[n:] // the rest, if there was not room for all
	}
	if c.inputEnded && len(c.output) == 0 {
		return io.EOF
	}

	// Watch for room to write only while there is output: a connection has room
	// most of the time, and the event would be returned all the time.
	reading := !c.inputEnded && len(c.output) < maxOutput
	writing := len(c.output) > 0
	if c.reading == reading && c.writing == writing {
		return nil
	}
	c.reading, c.writing = reading, writing
	read, write := c.read.Disable(), c.write.Disable()
	if reading {
		read = c.read.Enable()
	}
	if writing {
		write = c.write.Enable()
	}
	return s.queue.Apply(read, write)
}

// An echo server with non-blocking descriptors. It waits for room to write only
// while it has output, and stops when a context is done.
func Example_echoServer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	ended := make(chan error, 10)
	server := &echoServer{
		queue: q,
		conns: make(map[uintptr]*echoConn),
		ended: func(err error) { ended <- err },
	}
	if err := raw.Control(func(fd uintptr) { server.listener = int(fd) }); err != nil {
		log.Fatal(err)
	}
	// Buffers of this size make output wait, here and in the slow client below.
	if err := unix.SetsockoptInt(server.listener, unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10); err != nil {
		log.Fatal(err)
	}

	// Closing the queue ends the wait, and with it the server.
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() { q.Close() })
	defer stop()
	served := make(chan error, 1)
	go func() { served <- server.serve() }()

	// One client sends more than the buffers hold, and does not read yet.
	slow := connect(listener.Addr())
	slow.SetReadBuffer(64 << 10)
	sent := bytes.Repeat([]byte("hello, kqueue\n"), 1<<17)
	end := make(chan bool)
	go func() {
		if _, err := slow.Write(sent); err != nil {
			log.Fatal(err)
		}
		<-end
		slow.CloseWrite()
	}()

	// That holds up no other client. This one resets its connection in the end.
	client := connect(listener.Addr())
	if _, err := io.WriteString(client, "hello"); err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, len("hello"))
	if _, err := io.ReadFull(client, buf); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", buf)
	client.SetLinger(0)
	client.Close()
	fmt.Println("ended:", <-ended)

	close(end)
	received, err := io.ReadAll(slow)
	if err != nil {
		log.Fatal(err)
	}
	slow.Close()
	fmt.Println("all echoed:", bytes.Equal(received, sent))
	fmt.Println("ended:", <-ended)

	cancel()
	fmt.Println("stopped:", errors.Is(<-served, os.ErrClosed))
	// Output:
	// hello
	// ended: connection reset by peer
	// all echoed: true
	// ended: EOF
	// stopped: true
}

func connect(addr net.Addr) *net.TCPConn {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		log.Fatal(err)
	}
	return conn.(*net.TCPConn)
}
