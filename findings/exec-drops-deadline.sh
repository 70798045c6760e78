#!/usr/bin/env bash
# Guess: a file that was the standard input of a child works in the parent
# afterwards as before; a file whose deadlines do not work says so with
# os.ErrNoDeadline, as os.File.SetDeadline documents.
# Version: Go 1.26.8.
# Seen: os/exec calls Fd on the parent's file, which makes it blocking for good.
# SetReadDeadline still returns nil, but a Read goes on past the deadline.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

// read reads one byte from r in a goroutine, with a deadline of 10 ms.
func read(r *os.File) <-chan string {
	result := make(chan string, 1)
	fmt.Println("  SetReadDeadline:", r.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	go func() {
		n, err := r.Read(make([]byte, 1))
		result <- fmt.Sprintf("%d bytes, %v", n, err)
	}()
	return result
}

func main() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}

	fmt.Println("before the child:")
	fmt.Println("  Read:", <-read(r))

	child := exec.Command("true")
	child.Stdin = r
	if err := child.Run(); err != nil {
		panic(err)
	}

	fmt.Println("after the child:")
	result := read(r)
	select {
	case s := <-result:
		fmt.Println("  Read:", s)
		fmt.Println("CHANGED: the deadline is kept")
		os.Exit(1)
	case <-time.After(time.Second):
		fmt.Println("  Read: still waits a second later")
	}
	w.Write([]byte("x"))
	fmt.Println("  Read after a write:", <-result)
}
EOF

go run main.go
