//go:build unix

package kqueue_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"syscall"
	"time"

	"github.com/go-kqueue/kqueue"
)

// descriptor returns the descriptor of a net.Listener, a net.Conn or an os.File. It
// still belongs to c: keep a reference to c while the descriptor is watched, and close
// c, not the descriptor. It may be used for system calls, which fail with EAGAIN when
// there is nothing to do: the descriptors of package net and os.Pipe are non-blocking.
func descriptor(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = raw.Control(func(u uintptr) { fd = int(u) })
	return fd, err
}

// accept accepts a connection. Its descriptor is non-blocking.
func accept(listener int) (fd int, err error) {
	syscall.ForkLock.RLock() // A program that is started now would inherit the descriptor.
	fd, _, err = syscall.Accept(listener)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// A server watches its listener, adds each connection that it accepts, and reads
// from it until the peer closes it. An event may be spurious, and its Data is only a
// hint: so nothing here may block, and a buffer has a size of its own.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	go func() { // a client
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		io.WriteString(conn, "hello, kqueue")
		conn.Close()
	}()
	listening, err := descriptor(listener.(syscall.Conn))
	if err != nil {
		log.Fatal(err)
	}

	q, err := kqueue.New() // 1. Make a queue.
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	changes := []kqueue.Event{ // 2. Say what to watch.
		kqueue.ReadEvent(listening),
		kqueue.TimerEvent(1, time.Minute),
	}
	if err := q.Apply(changes...); err != nil { // 3. Tell the kernel.
		log.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		events, err := q.Wait(kqueue.Forever) // 4. Wait.
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events { // 5. Handle the events.
			switch event.Filter { // first: a timer and a descriptor may both be 1
			case kqueue.FilterTimer:
				log.Print("still waiting")
			case kqueue.FilterRead:
				fd := int(event.Ident)
				if fd == listening {
					conn, err := accept(fd)
					if err == syscall.EAGAIN || err == syscall.ECONNABORTED {
						continue // The client has left already.
					}
					if err != nil {
						log.Fatal(err)
					}
					if err := q.Apply(kqueue.ReadEvent(conn)); err != nil {
						log.Fatal(err)
					}
					continue
				}
				// One read is enough. If there is more, the event is returned again.
				n, err := syscall.Read(fd, buf)
				if err == syscall.EAGAIN {
					continue // There was nothing after all.
				}
				if err != nil {
					log.Fatal(err)
				}
				if n == 0 {
					syscall.Close(fd) // which removes its event from the queue
					fmt.Println(", end of file")
					return
				}
				fmt.Printf("%s", buf[:n])
			}
		}
	}
	// Output: hello, kqueue, end of file
}
