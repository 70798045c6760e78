package kqueue_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// RLIMIT_KQUEUES limits a user's queues: New fails with ENOMEM there (kern_kqueue
// in sys/kern/kern_event.c) and must leave nothing open.
func TestNewAtTheLimitOfQueues(t *testing.T) {
	const rlimitKqueues = 13  // sys/sys/resource.h; x/sys lacks it
	watchdog(t, watchdogTime) // its timer has the Go runtime make a queue of its own: the first one
	var old unix.Rlimit
	if err := unix.Getrlimit(rlimitKqueues, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(rlimitKqueues, &unix.Rlimit{Cur: 1, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(rlimitKqueues, &old)
	before := openFDs(t)
	for range 100 {
		if q, err := New(); q != nil || !errors.Is(err, unix.ENOMEM) {
			t.Fatalf("got %v, %v; want ENOMEM", q, err)
		}
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func init() {
	openFreeBSDPTY = func(t testing.TB) (int, string) {
		const posixOpenpt = 504 // sys/sys/syscall.h; x/sys lacks it
		fd, _, errno := unix.Syscall(posixOpenpt, unix.O_RDWR|unix.O_NOCTTY, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		number, err := unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		if err != nil {
			t.Fatal(err)
		}
		return int(fd), fmt.Sprint("/dev/pts/", number)
	}
}
