//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// maxWaiters is the largest number of goroutines that a test lets wait at once.
// Each of them holds a thread. On an amd64 kernel of FreeBSD, each thread of a
// 386 program takes one of the 512 entries of the process's LDT.
func maxWaiters() int {
	if runtime.GOOS == "freebsd" && runtime.GOARCH == "386" {
		return 300
	}
	return 500
}

// limitUserEvents sets a limit to the user events of the process until the test
// ends, if not nil.
var limitUserEvents func(t testing.TB, limit int64)

// stubKevent replaces the simulated kernel until the test ends by one that allocates
// nothing, if not nil. It accepts all changes but the deletion of a single event
// (ENOENT), and it returns an event to each call that may wait.
var stubKevent func(t testing.TB)

// exhaustUserEvents uses up the user events of the process, if a test can reach
// their limit, and reports whether it did.
func exhaustUserEvents(t testing.TB) bool {
	t.Helper()
	if limitUserEvents != nil {
		limitUserEvents(t, 1024)
	}
	hoard := kqtest.NewQueue(t)
	for i := range uintptr(5000) {
		err := hoard.Apply(UserEvent(i))
		if errors.Is(err, unix.ENOMEM) {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return false
}

// exhaustDescriptors leaves no descriptor free until the test ends or the
// returned function is called.
func exhaustDescriptors(t testing.TB) (release func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var fds []int
	for {
		fd, err := unix.Dup(0)
		if err == unix.EMFILE {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	release = sync.OnceFunc(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
		unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	})
	t.Cleanup(release)
	return release
}
