//go:build go1.25 && (darwin || dragonfly || freebsd || linux || netbsd || openbsd)

// testing/synctest refuses to run with the timers of Go 1.22, which is in go.mod.
//go:debug asynctimerchan=0

package kqueue_test

import (
	"testing"
	"testing/synctest"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// The clock of a bubble stands still during a system call. A timeout passes all
// the same, when the kernel says so: without a clock, the package cannot tell
// whether it was early.
func TestWaitTimeoutInSynctest(t *testing.T) {
	q := kqtest.NewQueue(t)
	for name, wait := range kqtest.WaitFuncs {
		synctest.Test(t, func(t *testing.T) {
			if n, err := wait(q, make([]Event, 1), 30*time.Millisecond); n != 0 || err != nil {
				t.Errorf("%s: got %d, %v", name, n, err)
			}
		})
	}
}
