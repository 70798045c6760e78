//go:build go1.25 && (darwin || dragonfly || freebsd || linux || netbsd || openbsd)

// testing/synctest refuses to run with the timers of Go 1.22, which is in go.mod.
//go:debug asynctimerchan=0

package kqueue_test

import (
	"testing"
	"testing/synctest"
	"time"

	. "github.com/go-kqueue/kqueue"
)

// The clock of a bubble stands still during a system call. A timeout passes all
// the same, in real time.
func TestWaitTimeoutInSynctest(t *testing.T) {
	q := newQueue(t)
	const timeout = 30 * time.Millisecond
	for name, wait := range waitFuncs {
		start := time.Now()
		synctest.Test(t, func(t *testing.T) {
			if n, err := wait(q, make([]Event, 1), timeout); n != 0 || err != nil {
				t.Errorf("%s: got %d, %v", name, n, err)
			}
		})
		// Without a clock, the package cannot notice that the kernel is a little
		// early, as one with several clocks that differ may be.
		if took := time.Since(start); took < timeout/2 {
			t.Errorf("%s: a wait of %v ended after %v", name, timeout, took)
		}
	}
}
