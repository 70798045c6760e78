package kqueue_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"syscall"

	"github.com/go-kqueue/kqueue"
)

// A server watches its listener, adds each connection that it accepts, and reads
// from it until the peer closes it.
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

	q, err := kqueue.New() // 1. Make a queue.
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	listening := kqueue.ReadEvent(descriptor(listener)) // 2. Say what to watch.
	if err := q.Apply(listening); err != nil {          // 3. Tell the kernel.
		log.Fatal(err)
	}
	var conn net.Conn
	for {
		events, err := q.Wait(kqueue.Forever) // 4. Wait.
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events { // 5. Handle the events.
			if event.Ident == listening.Ident {
				if conn, err = listener.Accept(); err != nil {
					log.Fatal(err)
				}
				defer conn.Close()
				if err := q.Apply(kqueue.ReadEvent(descriptor(conn))); err != nil {
					log.Fatal(err)
				}
				continue
			}
			data := make([]byte, event.Data)
			if _, err := io.ReadFull(conn, data); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s", data)
			if event.EOF() {
				fmt.Println(", end of file")
				return
			}
		}
	}
	// Output: hello, kqueue, end of file
}

// descriptor returns the descriptor of a connection or listener of package net,
// which still owns it. The File method would return a duplicate.
func descriptor(c any) (fd int) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	if err := raw.Control(func(u uintptr) { fd = int(u) }); err != nil {
		log.Fatal(err)
	}
	return fd
}
