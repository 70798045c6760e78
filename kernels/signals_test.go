//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// Signals that the program catches are counted one by one, but DragonFly merges
// them while one is pending.
func TestSignalsCaught(t *testing.T) {
	const total = 50
	caught := make(chan os.Signal, total)
	signal.Notify(caught, syscall.SIGUSR1)
	defer signal.Stop(caught)
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, SignalEvent(syscall.SIGUSR1))
	for range total {
		if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	<-caught
	sum := kqtest.WaitOne(t, q).Data
	for sum < total && thisSystem != "dragonfly" {
		sum += kqtest.WaitOne(t, q).Data
	}
	if sum < 1 || sum > total {
		t.Errorf("counted %d signals of %d", sum, total)
	}
	got := "all"
	if thisSystem == "dragonfly" {
		got = "1 to 50"
	}
	expect(t, "50 signals", got)
	t.Logf("counted %d signals of %d", sum, total)
}

// Which signal numbers the filter takes. Those that are none are never triggered.
func TestSignalIdents(t *testing.T) {
	q := kqtest.NewQueue(t)
	for _, number := range []int{0, -1, 9, 17, 33, 128, 1 << 20} {
		expect(t, fmt.Sprint("adding ", number), errno(q.Apply(SignalEvent(syscall.Signal(number)))))
	}
	kqtest.WaitNone(t, q)
}

// ignore makes the program ignore a signal until the test ends.
func ignore(t *testing.T, sig os.Signal) {
	signal.Ignore(sig)
	t.Cleanup(func() { catch(sig) })
}

// catch lets the Go runtime handle a signal again. (signal.Reset leaves it ignored.)
func catch(sig os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	signal.Stop(c)
}

// A child stops, continues and exits, and its parent counts SIGCHLD.
func TestSigchld(t *testing.T) {
	for _, how := range []string{"ignored", "caught"} {
		list := []unix.Signal{unix.SIGSTOP, unix.SIGCONT, unix.SIGKILL}
		switch {
		case how == "ignored" && kqtest.MacOS:
			continue // the kernel that its children belong to does not know what it ignores
		case how == "ignored":
			signal.Ignore(syscall.SIGCHLD)
		case thisSystem == "dragonfly":
			list = list[2:] // the others may be counted seconds later
		}
		q, watch := kqtest.NewQueue(t), kqtest.NewQueue(t)
		c := kqtest.StartChild(t, "sleep")
		kqtest.Apply(t, q, SignalEvent(syscall.SIGCHLD))
		kqtest.Apply(t, watch, ProcEvent(c.Process.Pid, NoteExit))
		for _, sig := range list {
			if err := unix.Kill(c.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			switch sig {
			case unix.SIGSTOP:
				unix.Wait4(c.Process.Pid, nil, unix.WUNTRACED, nil)
			case unix.SIGKILL:
				kqtest.WaitOne(t, watch)
			}
			seen := nothing
			expectSoon(t, fmt.Sprintf("%s, %s of a child", how, unix.SignalName(sig)), func() string {
				if got := returned(t, q); got != nothing {
					seen = got
				}
				return seen
			})
		}
		catch(syscall.SIGCHLD)
	}
}

// Signals to a process that is stopped are counted when it goes on, if the program
// ignores them.
func TestSignalsToStopped(t *testing.T) {
	const total = 3
	sig := syscall.SIGUSR1
	if what := peerTask(); what != "" {
		q := kqtest.NewQueue(t)
		if what == "ignored" {
			ignore(t, sig)
		}
		kqtest.Apply(t, q, SignalEvent(sig))
		say("ready")
		hearTest()
		say(poll(t, q))
		return
	}
	for _, how := range []string{"caught", "ignored"} {
		p := startPeer(t, how, nil)
		p.hear(t)
		kill := func(sig syscall.Signal) {
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
		kill(syscall.SIGSTOP)
		var status unix.WaitStatus
		if _, err := unix.Wait4(p.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || status.Exited() || status.Signaled() {
			t.Fatalf("got %v, %v", status, err)
		}
		for range total {
			kill(sig)
		}
		kill(syscall.SIGCONT)
		expect(t, "three signals, "+how, p.ask(t))
	}
}

// SIGCONT, which the default ignores for a process that is not stopped.
func TestSigcont(t *testing.T) {
	for _, how := range []string{"not caught", "caught"} {
		if how == "not caught" && kqtest.MacOS {
			continue // its signals are those of another kernel
		}
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, SignalEvent(syscall.SIGCONT))
		if how == "caught" {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, syscall.SIGCONT)
			defer signal.Stop(caught)
		}
		kqtest.Kill(t, syscall.SIGCONT)
		seen := nothing
		expectSoon(t, how, func() string {
			if got := poll(t, q); got != nothing {
				seen = got
			}
			return seen
		})
	}
}
