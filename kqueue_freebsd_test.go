package kqueue_test

import (
	"errors"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// At RLIMIT_KQUEUES, which limits the queues of a user, New fails with ENOMEM
// (sys/kern/kern_event.c, kern_kqueue).
func TestNewAtTheLimitOfQueues(t *testing.T) {
	const rlimitKqueues = 13 // sys/sys/resource.h; x/sys lacks it
	newQueue(t).Close()      // its watchdog has the Go runtime make a queue of its own
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
	wantOpenFDs(t, before)
}

func init() {
	openMaster = func(t *testing.T) int {
		const posixOpenpt = 504 // sys/sys/syscall.h; x/sys lacks it
		fd, _, errno := unix.Syscall(posixOpenpt, unix.O_RDWR|unix.O_NOCTTY, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		return int(fd)
	}
}
