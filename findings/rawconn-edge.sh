#!/usr/bin/env bash
# Guess: syscall.RawConn's Read calls its function again as long as the function
# returns false and the file is ready; it is documented to wait until the file is
# ready for reading and then to try again.
# Version: Go 1.26.8, Linux.
# Seen: it waits for the next arrival. A function that reads one byte at a time
# and returns false to be called for the next one is not, though the rest is in
# the pipe, and poll(2) says so. It must read until EAGAIN before it returns false.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'END'
package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	r, w, err := os.Pipe()
	check(err)
	conn, err := r.SyscallConn()
	check(err)

	const input = "ten bytes!"
	_, err = w.Write([]byte(input))
	check(err)
	calls := make(chan unix.PollFd, len(input))
	ended := make(chan error, 1)
	go func() {
		ended <- conn.Read(func(fd uintptr) bool {
			n, err := unix.Read(int(fd), make([]byte, 1))
			if n == 0 {
				return true
			}
			check(err)
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, err = unix.Poll(poll, 0)
			check(err)
			calls <- poll[0]
			return false
		})
	}()
	n := 0
	for waiting := true; waiting; {
		select {
		case poll := <-calls:
			n++
			fmt.Printf("call %d takes a byte; more to read: %v\n", n, poll.Revents&unix.POLLIN != 0)
		case <-time.After(2 * time.Second):
			waiting = false
		}
	}
	fmt.Printf("no call in two seconds, %d bytes taken of %d\n", n, len(input))
	// The first call comes at once, and one more may come for the write that was
	// made before.
	if n > 2 {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init example.com/cmd 2> /dev/null
go get golang.org/x/sys@v0.50.0
go run .
