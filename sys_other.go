//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

type timespec struct{ d time.Duration }

func newTimespec(d time.Duration) timespec { return timespec{d} }

type kernelEvent = Event

func kernelEvents(events []Event) []kernelEvent { return events }

// The system calls. Without kqueue(2) there is no Queue, and so no use for the
// others. On Linux, the tests of this package put a simulated kernel here.
var (
	newKqueue = func() (int, error) {
		return -1, fmt.Errorf("not on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	kevent          func(fd int, changes, events []kernelEvent, limit *timespec) (int, error)
	closeDescriptor func(fd int) error
)

func waitStatus(status uint32) syscall.WaitStatus {
	// It is a uint32 or, on Windows, a struct of one.
	return *(*syscall.WaitStatus)(unsafe.Pointer(&status))
}
