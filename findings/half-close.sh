#!/usr/bin/env bash
# Guess: a client may send its request, close its sending side, and read the
# answer, however late that comes, as from a server that uses package net. An
# event loop tells the end of input from a closed connection.
# Version: gnet v2.9.7, netpoll v0.7.2, nbio v1.6.8, and evio v1.0.8, Go 1.26.8,
# Linux.
# Seen: each of the four closes the connection, both ways, when the client's
# input ends. The answer is lost, and the client sees a clean end, not an error.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'END'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/cloudwego/netpoll"
	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
	"github.com/panjf2000/gnet/v2"
	"github.com/tidwall/evio"
)

const late = 500 * time.Millisecond

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// serveNet answers one request with package net.
func serveNet(addr string) {
	l, err := net.Listen("tcp", addr)
	check(err)
	c, err := l.Accept()
	check(err)
	_, err = c.Read(make([]byte, 100))
	check(err)
	time.Sleep(late)
	c.Write([]byte("answer"))
	c.Close()
}

type handler struct{ gnet.BuiltinEventEngine }

func (*handler) OnTraffic(c gnet.Conn) gnet.Action {
	c.Discard(-1)
	time.AfterFunc(late, func() { c.AsyncWrite([]byte("answer"), nil) })
	return gnet.None
}

func serveGnet(addr string) { check(gnet.Run(&handler{}, "tcp://"+addr)) }

func serveNetpoll(addr string) {
	l, err := netpoll.CreateListener("tcp", addr)
	check(err)
	loop, err := netpoll.NewEventLoop(func(ctx context.Context, c netpoll.Connection) error {
		c.Reader().Skip(c.Reader().Len())
		time.Sleep(late)
		c.Write([]byte("answer"))
		return nil
	})
	check(err)
	check(loop.Serve(l))
}

func serveNbio(addr string) {
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{addr}})
	engine.OnData(func(c *nbio.Conn, data []byte) {
		time.AfterFunc(late, func() { c.Write([]byte("answer")) })
	})
	check(engine.Start())
}

func serveEvio(addr string) {
	var events evio.Events
	events.Data = func(c evio.Conn, in []byte) ([]byte, evio.Action) {
		if in == nil { // Wake
			return []byte("answer"), evio.None
		}
		time.AfterFunc(late, c.Wake)
		return nil, evio.None
	}
	check(evio.Serve(events, "tcp://"+addr))
}

// ask sends a request and reads six bytes.
func ask(addr string, halfClose bool) string {
	var c net.Conn
	for {
		var err error
		if c, err = net.Dial("tcp", addr); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	defer c.Close()
	_, err := c.Write([]byte("request"))
	check(err)
	if halfClose {
		time.Sleep(late / 5)
		check(c.(*net.TCPConn).CloseWrite())
	}
	answer := make([]byte, 6)
	check(c.SetReadDeadline(time.Now().Add(20 * time.Second)))
	n, err := io.ReadFull(c, answer)
	return fmt.Sprintf("%q, %v", answer[:n], err)
}

func main() {
	log.SetOutput(io.Discard)
	logging.SetLevel(logging.LevelNone)
	changed := false
	for _, server := range []struct {
		name  string
		serve func(addr string)
		half  string
	}{
		{"net", serveNet, `"answer", <nil>`},
		{"gnet", serveGnet, `"", EOF`},
		{"netpoll", serveNetpoll, `"", EOF`},
		{"nbio", serveNbio, `"", EOF`},
		{"evio", serveEvio, `"", EOF`},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		addr := l.Addr().String()
		check(l.Close())
		go server.serve(addr)
		if server.name != "net" {
			if whole := ask(addr, false); whole != `"answer", <nil>` {
				fmt.Printf("%s: does not answer: %s\n", server.name, whole)
				changed = true
			}
		}
		half := ask(addr, true)
		fmt.Printf("%s, sending side closed: %s\n", server.name, half)
		changed = changed || half != server.half
	}
	if changed {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init example.com/cmd 2> /dev/null
go get github.com/panjf2000/gnet/v2@v2.9.7 github.com/cloudwego/netpoll@v0.7.2 \
	github.com/lesismal/nbio@v1.6.8 github.com/tidwall/evio@v1.0.8 2> log || { cat log >&2; exit 1; }
go run . 2> log || { cat log >&2; exit 1; }
