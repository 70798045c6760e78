//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// storm sends signals to the process, from several goroutines, until stopped.
// The Go runtime handles them on whatever thread the kernel picks, waiting ones
// among them, and so interrupts system calls.
func storm(t testing.TB) (stop func() int64) {
	t.Helper()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	var sent atomic.Int64
	var end atomic.Bool
	var senders sync.WaitGroup
	for range 3 {
		senders.Add(1)
		go func() {
			defer senders.Done()
			for !end.Load() {
				unix.Kill(os.Getpid(), syscall.SIGUSR1)
				sent.Add(1)
				runtime.Gosched()
			}
		}()
	}
	return sync.OnceValue(func() int64 {
		end.Store(true)
		senders.Wait()
		signal.Stop(c)
		return sent.Load()
	})
}

func TestSignalsDoNotEndAWait(t *testing.T) {
	q := newQueue(t)
	stop := storm(t)
	defer stop()
	const timeout = 300 * time.Millisecond
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 3 {
				start := time.Now()
				n, err := q.WaitInto(make([]Event, 1), timeout)
				took := time.Since(start)
				if n != 0 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
				if took < timeout {
					t.Errorf("a wait of %v ended after %v", timeout, took)
				}
			}
		}()
	}
	group.Wait()
	t.Logf("%d signals", stop())
}

// After a signal the changes of a combined call must not be sent again: a
// delete would give ENOENT, a trigger a second event.
func TestSignalsDoNotRepeatChanges(t *testing.T) {
	q := newQueue(t)
	stop := storm(t)
	defer stop()
	buf := make([]Event, 4)
	for i := range 30 {
		apply(t, q, UserEvent(1))
		// The delete is applied, then nothing is there to end the wait.
		n, err := q.Kevent([]Event{NewEvent(1, FilterUser, FlagDelete, 0, 0, 0)}, buf, 20*time.Millisecond)
		if n != 0 || err != nil {
			t.Fatalf("round %d: got %v, %v", i, buf[:n], err)
		}
		// The timer goes off once, and would start anew with each repetition.
		n, err = q.Kevent([]Event{TimerEvent(1, 10*time.Millisecond).With(FlagOneshot)}, buf, Forever)
		if n != 1 || err != nil || buf[0].Data != 1 {
			t.Fatalf("round %d: got %v, %v", i, buf[:n], err)
		}
		e := UserEvent(2).With(FlagClear)
		n, err = q.Kevent([]Event{e, e.Trigger()}, buf, Forever)
		if n != 1 || err != nil || buf[0].Ident != 2 {
			t.Fatalf("round %d: got %v, %v", i, buf[:n], err)
		}
		waitNone(t, q)
	}
	t.Logf("%d signals", stop())
}

func TestSignalsAndClose(t *testing.T) {
	stop := storm(t)
	defer stop()
	for range 20 {
		q := newQueue(t)
		ended := waiters(t, q, 8)
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		collect(t, ended, 8)
	}
}

// Each event of 1,000 descriptors must reach exactly one of 8 waiters.
func TestManyWaitersShareEvents(t *testing.T) {
	for name, flag := range map[string]Flag{"dispatch": FlagDispatch, "oneshot": FlagOneshot} {
		t.Run(name, func(t *testing.T) {
			raiseDescriptorLimit(t, 2100)
			q := newQueue(t)
			const total, workers, rounds = 1000, 8, 3
			index := make(map[uintptr]int)
			var readers, writers [total]int
			for i := range total {
				readers[i], writers[i] = newPipe(t)
				index[uintptr(readers[i])] = i
			}
			changes := make([]Event, total)
			for i := range changes {
				changes[i] = ReadEvent(readers[i]).With(flag | FlagEnable)
			}
			var seen [total]atomic.Int32
			var left atomic.Int64
			var group sync.WaitGroup
			roundDone := make(chan bool)
			for range workers {
				group.Add(1)
				go func() {
					defer group.Done()
					buf := make([]Event, 16)
					for {
						n, err := q.WaitInto(buf, Forever)
						if errors.Is(err, os.ErrClosed) {
							return
						}
						if err != nil {
							t.Error(err)
							return
						}
						for _, e := range buf[:n] {
							i, ok := index[e.Ident]
							if !ok || e.Filter != FilterRead || e.Data != 1 {
								t.Errorf("got %v", e)
							}
							seen[i].Add(1)
							if left.Add(-1) == 0 {
								roundDone <- true
							}
						}
					}
				}()
			}
			for round := range rounds {
				left.Store(total)
				for i := range total {
					write(t, writers[i], "x")
				}
				apply(t, q, changes...) // adds them, or enables them again
				<-roundDone
				for i := range total {
					if n := seen[i].Load(); n != int32(round+1) {
						t.Errorf("descriptor %d was seen %d times in %d rounds", i, n, round+1)
					}
					read(t, readers[i], 1)
				}
			}
			waitNone(t, q)
			q.Close()
			group.Wait()
		})
	}
}

func raiseDescriptorLimit(t testing.TB, want uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(limit.Cur) >= want {
		return
	}
	if uint64(limit.Max) < want {
		t.Skipf("RLIMIT_NOFILE allows %d descriptors, %d are needed", limit.Max, want)
	}
	old := limit
	setLimit(&limit.Cur, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}

// setLimit hides that a limit is signed on FreeBSD and DragonFly.
func setLimit[T int64 | uint64](limit *T, value uint64) {
	*limit = T(value)
}
