//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue_test

import (
	"errors"
	"os"
	"testing"

	"github.com/go-kqueue/kqueue"
)

func TestNewIsUnsupported(t *testing.T) {
	q, err := kqueue.New()
	if q != nil || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("New() = %v, %v; want errors.ErrUnsupported", q, err)
	}
	var call *os.SyscallError
	if !errors.As(err, &call) || call.Syscall != "kqueue" {
		t.Errorf("%v is not an *os.SyscallError of kqueue", err)
	}
}
