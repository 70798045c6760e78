//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
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
