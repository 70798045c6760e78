//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue_test

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/go-kqueue/kqueue"
)

func TestNewIsUnsupported(t *testing.T) {
	q, err := kqueue.New()
	if err == nil && runtime.GOOS == "linux" {
		q.Close()
		t.Skip("the tests run on a simulated kernel")
	}
	if q != nil || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("New() = %v, %v; want errors.ErrUnsupported", q, err)
	}
	var call *os.SyscallError
	if !errors.As(err, &call) || call.Syscall != "kqueue" {
		t.Errorf("%v is not an *os.SyscallError of kqueue", err)
	}
}
