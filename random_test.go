//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// randomEvent returns an event with any values, valid and invalid ones. Of the open
// descriptors it has only fds, so that it has no queue.
func randomEvent(r *rand.Rand, fds []int) Event {
	ident := r.Uint64()
	switch r.IntN(4) {
	case 0:
		ident = uint64(fds[r.IntN(len(fds))])
	case 1:
		ident = uint64(r.IntN(64)) + 1000
	case 2:
		ident = uint64(r.IntN(40)) // signals
	}
	filter := Filter(r.IntN(40)) - 20
	if r.IntN(8) == 0 {
		filter = Filter(r.Uint32())
	}
	if kqtest.MacOS && filter == FilterAIO {
		filter = FilterTimer // no program can use the other one there
	}
	if fd := uint32(ident); fd < 1000 && filter != FilterSignal && !slices.Contains(fds, int(fd)) {
		ident = uint64(fds[r.IntN(len(fds))]) // kernels may look at no more than 32 bits
	}
	flags := Flag(r.Uint32())
	if r.IntN(2) == 0 {
		flags = []Flag{FlagAdd, FlagAdd | FlagClear, FlagAdd | FlagOneshot, FlagDelete, FlagEnable, FlagDisable, FlagAdd | FlagDispatch}[r.IntN(7)]
	}
	notes := Note(r.Uint32())
	if r.IntN(2) == 0 {
		notes = 1 << r.IntN(32)
	}
	data := int64(r.Uint64())
	switch r.IntN(3) {
	case 0:
		data = int64(r.IntN(2000)) - 1000
	case 1:
		data = 0
	}
	return NewEvent(uintptr(ident), filter, flags, notes, data, uintptr(r.Uint64()))
}

// randomRounds passes random changes and timeouts to a queue and checks that
// every call returns events or an errno.
func randomRounds(t testing.TB, seed uint64, rounds int) {
	r := rand.New(rand.NewPCG(seed, 0))
	q := kqtest.OpenQueue(t)
	defer q.Close()
	rd, w := kqtest.NewPipe(t)
	a, b := kqtest.NewSocketpair(t)
	fds := []int{rd, w, a, b}
	end := UserEvent(7777).With(FlagClear) // no random event has this key
	kqtest.Apply(t, q, end)
	isErrno := func(err error) bool {
		var errno syscall.Errno
		return err == nil || errors.As(err, &errno) || errors.Is(err, os.ErrInvalid)
	}
	for range rounds {
		changes := make([]Event, r.IntN(20))
		for i := range changes {
			changes[i] = randomEvent(r, fds)
		}
		events := make([]Event, r.IntN(6))
		var timeout time.Duration
		var ending *time.Timer
		if r.IntN(16) == 0 { // rarely, because each sleep takes a clock tick
			timeout = time.Duration(r.Uint64()) // up to 292 years; a negative one polls
			ending = time.AfterFunc(time.Microsecond, func() { q.Apply(end.Trigger()) })
		}
		n := 0
		var err error
		switch r.IntN(3) {
		case 0:
			err = q.Apply(changes...)
		case 1:
			n, err = q.WaitInto(events, timeout)
		case 2:
			n, err = q.Kevent(changes, events, timeout)
		}
		if ending != nil {
			ending.Stop()
		}
		if !isErrno(err) || n < 0 || n > len(events) {
			t.Fatalf("seed %d: got %d, %v", seed, n, err)
		}
		for _, e := range events[:n] {
			_ = e.String()
		}
	}
}

// FuzzKernel passes random input to the kernel. The fuzzer chooses the seed.
func FuzzKernel(f *testing.F) {
	f.Add([]byte("kqueue"))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		kqtest.Watchdog(t, kqtest.WatchdogTime)
		var seed [8]byte
		copy(seed[:], data)
		randomRounds(t, binary.LittleEndian.Uint64(seed[:]), 100)
	})
}

// TestRandomInput does what FuzzKernel does for KQUEUE_ROUNDS rounds, 2,000 unless
// it is set.
func TestRandomInput(t *testing.T) {
	kqtest.OpenQueue(t).Close()
	want, err := strconv.Atoi(cmp.Or(os.Getenv("KQUEUE_ROUNDS"), "2000"))
	if err != nil {
		t.Fatal(err)
	}
	before := kqtest.OpenFDs(t)
	const step = 100
	for seed := 0; seed*step < want; seed++ {
		t.Run("", func(t *testing.T) {
			kqtest.Watchdog(t, kqtest.WatchdogTime)
			randomRounds(t, uint64(seed), step)
		})
	}
	kqtest.WantOpenFDs(t, before)
	t.Logf("%d rounds", want)
}

// TestSoak keeps up a mixed load for the duration KQUEUE_SOAK, a second unless it
// is set.
func TestSoak(t *testing.T) {
	length := time.Second
	if s := os.Getenv("KQUEUE_SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	kqtest.Watchdog(t, length+kqtest.WatchdogTime)
	soakRound(t) // makes what is made only once
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fds, goroutines := kqtest.OpenFDs(t), runtime.NumGoroutine()
	rounds := 0
	for start := time.Now(); time.Since(start) < length; rounds++ {
		soakRound(t)
	}
	// The last goroutines may still be about to end.
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched()
	}
	kqtest.WantOpenFDs(t, fds)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, after.HeapAlloc)
	}
	t.Logf("%d rounds in %v", rounds, length)
}

// soakRound lets goroutines wait for the events of a pipe, a timer, a user event
// and a signal while others change events, and then closes the queue.
func soakRound(t *testing.T) {
	q := kqtest.OpenQueue(t)
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	var got atomic.Int64
	var group sync.WaitGroup
	run := func(do func() error) {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				if err := do(); err != nil {
					if !errors.Is(err, os.ErrClosed) && !errors.Is(err, unix.ENOENT) {
						t.Error(err)
					}
					if errors.Is(err, os.ErrClosed) {
						return
					}
				}
			}
		}()
	}
	user := UserEvent(1).With(FlagClear)
	kqtest.Apply(t, q, user, TimerEvent(1, time.Millisecond), ReadEvent(p[0]).With(FlagDispatch))
	if err := q.Apply(SignalEvent(syscall.SIGWINCH)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		run(func() error {
			events, err := q.Wait(Forever)
			got.Add(int64(len(events)))
			for _, e := range events {
				if e.Filter == FilterRead {
					kqtest.Read(t, p[0], 1)
					return q.Apply(ReadEvent(p[0]).With(FlagDispatch | FlagEnable))
				}
			}
			return err
		})
	}
	run(func() error { runtime.Gosched(); return q.Apply(user.Trigger()) })
	run(func() error {
		return q.Apply(TimerEvent(2, time.Hour), TimerEvent(2, time.Hour).Delete())
	})
	for range 20 {
		kqtest.Write(t, p[1], "x")
		unix.Kill(os.Getpid(), syscall.SIGWINCH)
	}
	for got.Load() < 40 {
		runtime.Gosched()
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	unix.Close(p[0])
	unix.Close(p[1])
}
