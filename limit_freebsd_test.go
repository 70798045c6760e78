package kqueue_test

import (
	"errors"
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
