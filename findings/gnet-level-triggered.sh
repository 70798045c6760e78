#!/usr/bin/env bash
# Guess: gnet, which offers edge-triggered events as an option, is level-triggered
# without it, so OnTraffic is called again while input is left in the connection.
# Version: gnet v2.9.7, Go 1.26.8.
# Seen: level-triggered is the socket, which gnet reads into a buffer of its own
# before it calls OnTraffic. OnTraffic is not called again for what it leaves in
# that buffer, until the peer sends more; if the peer closes instead, OnClose is
# the only call that follows.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
)

type server struct {
	gnet.BuiltinEventEngine
	engine  gnet.Engine
	booted  chan bool
	traffic chan int // what is buffered at each call of OnTraffic
	closed  chan int // what is buffered when the connection ends
}

func (s *server) OnBoot(engine gnet.Engine) gnet.Action {
	s.engine = engine
	close(s.booted)
	return gnet.None
}

// OnTraffic takes one byte.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	s.traffic <- c.InboundBuffered()
	c.Next(1)
	return gnet.None
}

func (s *server) OnClose(c gnet.Conn, err error) gnet.Action {
	s.closed <- c.InboundBuffered()
	return gnet.None
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	s := &server{booted: make(chan bool), traffic: make(chan int, 10), closed: make(chan int, 1)}
	done := make(chan error)
	go func() { done <- gnet.Run(s, "unix://socket") }()
	<-s.booted
	c, err := net.Dial("unix", "socket")
	check(err)

	write := func(text string) int {
		_, err := c.Write([]byte(text))
		check(err)
		n := <-s.traffic
		fmt.Printf("wrote %q: OnTraffic has %d bytes and takes one\n", text, n)
		select {
		case n := <-s.traffic:
			fmt.Printf("CHANGED: OnTraffic is called again, with %d bytes\n", n)
			os.Exit(1)
		case <-time.After(time.Second):
			fmt.Println("  not called again in a second")
		}
		return n
	}
	first, second := write("abc"), write("d")
	check(c.Close())
	left := <-s.closed
	fmt.Printf("closed: %d bytes left, %d calls waiting\n", left, len(s.traffic))
	if first != 3 || second != 3 || left != 2 || len(s.traffic) != 0 {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
	check(s.engine.Stop(context.Background()))
	check(<-done)
}
EOF
go mod init example.com/cmd 2> /dev/null
go get github.com/panjf2000/gnet/v2@v2.9.7
go run . 2> log || { cat log >&2; exit 1; }
