//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// programKqueue is newKqueue as a program has it, which the simulated kernel
// replaces on Linux.
var programKqueue = newKqueue

func TestNewIsUnsupported(t *testing.T) {
	defer func(kernel func() (int, error)) { newKqueue = kernel }(newKqueue)
	newKqueue = programKqueue
	q, err := New()
	var call *os.SyscallError
	if q != nil || !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &call) || call.Syscall != "kqueue" {
		t.Fatalf("New() = %v, %v; want errors.ErrUnsupported from kqueue", q, err)
	}
	if want := "kqueue: not on " + runtime.GOOS + ": " + errors.ErrUnsupported.Error(); err.Error() != want {
		t.Errorf("New() fails with %q, want %q", err, want)
	}
}

// A program has nothing of the simulated kernel on which the tests run.
func TestProgramIsUnsupported(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command:", err)
	}
	program := filepath.Join(t.TempDir(), "program.go")
	if err := os.WriteFile(program, []byte(`package main

import (
	"errors"

	"github.com/go-kqueue/kqueue"
)

func main() {
	if q, err := kqueue.New(); q != nil || !errors.Is(err, errors.ErrUnsupported) {
		panic(err)
	}
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "run", program).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
