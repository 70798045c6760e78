//go:build go1.25 && (darwin || dragonfly || freebsd || linux || netbsd || openbsd)

// testing/synctest refuses to run with the timers of Go 1.22, which is in go.mod.
//go:debug asynctimerchan=0

package kqueue_test

import (
	"strconv"
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

// A queue belongs to no bubble: one that is made inside may be closed outside, and
// the other way around, also while a call waits on the other side.
func TestCloseOutsideOfItsBubble(t *testing.T) {
	for _, waiters := range []int{0, 1, 8} {
		t.Run("made inside/"+strconv.Itoa(waiters), func(t *testing.T) {
			var q *Queue
			synctest.Test(t, func(t *testing.T) { q = kqtest.OpenQueue(t) })
			kqtest.Watchdog(t, kqtest.WatchdogTime)
			ended := kqtest.StartWaiters(t, q, waiters)
			if err := q.Close(); err != nil {
				t.Error(err)
			}
			kqtest.WantClosed(t, ended, waiters)
		})
		t.Run("closed inside/"+strconv.Itoa(waiters), func(t *testing.T) {
			q := kqtest.NewQueue(t)
			ended := kqtest.StartWaiters(t, q, waiters)
			synctest.Test(t, func(t *testing.T) {
				if err := q.Close(); err != nil {
					t.Error(err)
				}
			})
			kqtest.WantClosed(t, ended, waiters)
		})
	}
}
