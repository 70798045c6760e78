//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program has nothing of the simulated kernel on which the tests run.
func TestNewIsUnsupported(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command:", err)
	}
	program := filepath.Join(t.TempDir(), "program.go")
	if err := os.WriteFile(program, []byte(`package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-kqueue/kqueue"
)

func main() {
	q, err := kqueue.New()
	var call *os.SyscallError
	if q != nil || !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &call) || call.Syscall != "kqueue" {
		fmt.Println(q, err)
		os.Exit(1)
	}
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "run", program).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
