//go:build linux

package kqueue_test

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
)

// This file tests sys_sim.go. It takes the place of other_test.go.

func init() {
	// Tests skip what the simulated kernel lacks, but examples cannot.
	testing.Init()
	flag.Set("test.skip", "^Example(Proc|Signal|Vnode)Event$")
}

// An interrupted call goes on for the time that is left, and does not apply its
// changes again.
func TestSimulatedSignals(t *testing.T) {
	q := newQueue(t)
	defer SimSignals.Store(SimSignals.Swap(1))
	before := SimInterrupts.Load()
	buf := make([]Event, 1)
	const timeout = 20 * time.Millisecond
	for range 10 {
		apply(t, q, UserEvent(1))
		start := time.Now()
		n, err := q.Kevent([]Event{UserEvent(1).Delete()}, buf, timeout)
		if took := time.Since(start); n != 0 || err != nil || took < timeout {
			t.Fatalf("got %v, %v after %v", buf[:n], err, took)
		}
	}
	if n := SimInterrupts.Load() - before; n < 20 {
		t.Errorf("calls were interrupted %d times", n)
	}
}

// A call that is interrupted shortly before its timeout does not start anew.
func TestSimulatedLateSignal(t *testing.T) {
	q := newQueue(t)
	defer SimSignals.Store(SimSignals.Swap(0))
	const timeout, late, tooLate = 400 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond
	var took time.Duration
	for range 3 { // the machine may be busy
		start := time.Now()
		ended := make(chan bool)
		go func() {
			q.Wait(timeout)
			took = time.Since(start)
			close(ended)
		}()
		time.Sleep(late)
		SimSignals.Store(1)
		for before := SimInterrupts.Load(); SimInterrupts.Load() == before && time.Since(start) < timeout; {
			time.Sleep(time.Millisecond)
		}
		SimSignals.Store(0)
		if <-ended; took < tooLate {
			return
		}
	}
	t.Errorf("a wait of %v ended after %v", timeout, took)
}

// A copy of a Queue knows nothing of the calls of the original, so it does what a
// Queue must never do. The simulated kernel tells.
func TestSimulatedMisuse(t *testing.T) {
	original := openQueue(t)
	twin := func() *Queue {
		q := new(Queue)
		reflect.ValueOf(q).Elem().Set(reflect.ValueOf(original).Elem())
		return q
	}
	first, second, third := twin(), twin(), twin()
	misuse := func(do func() error) (text string, err error) {
		defer func() { text, _ = recover().(string) }()
		return "", do()
	}

	defer SimSignals.Store(SimSignals.Swap(0))
	ended := startWaiters(t, original, 1)
	for SimSleepers(original) == 0 {
		time.Sleep(time.Millisecond)
	}
	text, err := misuse(first.Close)
	if os.Getenv("KQUEUE_SIM") == "darwin" {
		if woken := <-ended; !errors.Is(woken, syscall.EBADF) || err != nil || text != "" {
			t.Errorf("the call returned %v, Close %v, %s", woken, err, text)
		}
	} else {
		if !strings.Contains(text, "calls inside") {
			t.Errorf("Close with a call inside: %v, %q", err, text)
		}
		if err := original.Close(); err != nil {
			t.Error(err)
		}
		wantClosed(t, ended, 1)
	}
	for _, do := range []func() error{func() error { return second.Apply(UserEvent(1)) }, third.Close} {
		if text, err := misuse(do); !strings.Contains(text, "released") {
			t.Errorf("a call on a released descriptor: %v, %q", err, text)
		}
	}
}
