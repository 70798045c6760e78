//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A comparison has up to three ways to do the same thing n times: raw with one
// unix.Kevent call, by hand as a careful program with raw calls does it, and
// wrapped with this package.
type comparison struct{ raw, byHand, wrapped func(n int) }

var comparisons = []struct {
	name string
	make func(t testing.TB) comparison
}{
	{"Kevent/1 change, 1 event", keventChanges(1)},
	{"Kevent/8 changes, 1 event", keventChanges(8)},
	{"Kevent/2 changes, no room for events", func(t testing.TB) comparison {
		q, changes := kqtest.NewQueue(t), userEvents(2)
		return comparison{raw: rawKevent(t, q, changes, nil, new(unix.Timespec)), wrapped: repeat(t, func() error {
			_, err := q.Kevent(changes, nil, 0)
			return err
		})}
	}},
	{"WaitInto/1 event", func(t testing.TB) comparison {
		q, buf := triggeredQueue(t, 1), make([]Event, 64)
		return comparison{raw: rawKevent(t, q, nil, buf, nil), byHand: renewedKevent(t, q, nil, buf), wrapped: repeat(t, func() error {
			_, err := q.WaitInto(buf, Forever)
			return err
		})}
	}},
	{"WaitInto/1 event, with a timeout", func(t testing.TB) comparison {
		q, buf := triggeredQueue(t, 1), make([]Event, 64)
		fd, raw := int(q.Fd()), rawEvents(buf)
		return comparison{
			raw: rawKevent(t, q, nil, buf, &unix.Timespec{Sec: 1}),
			byHand: repeat(t, func() error {
				deadline := time.Now().Add(time.Second)
				for {
					left := max(0, time.Until(deadline))
					limit := unix.NsecToTimespec(int64(left))
					if byHandLimit != nil && left > time.Second/2 {
						limit = *byHandLimit
					}
					n, err := unix.Kevent(fd, nil, raw, &limit)
					if n > 0 || err != nil && err != unix.EINTR || left == 0 {
						return err
					}
				}
			}),
			wrapped: repeat(t, func() error {
				_, err := q.WaitInto(buf, time.Second)
				return err
			}),
		}
	}},
	{"WaitInto/poll, no event", func(t testing.TB) comparison {
		q, buf := kqtest.NewQueue(t), make([]Event, 64)
		return comparison{raw: rawKevent(t, q, nil, buf, new(unix.Timespec)), wrapped: repeat(t, func() error {
			_, err := q.WaitInto(buf, 0)
			return err
		})}
	}},
	{"WaitInto/1 of 10,000 descriptors", waitAmong(1, 10000)},
	{"WaitInto/64 of 10,000 descriptors", waitAmong(64, 10000)},
	{"Wait/1 event", waitCopies(1)},
	{"Wait/8 events", waitCopies(8)},
	{"Wait/64 events", waitCopies(64)},
	{"Wait/poll, no event", func(t testing.TB) comparison {
		q := kqtest.NewQueue(t)
		return comparison{raw: rawKevent(t, q, nil, make([]Event, 64), new(unix.Timespec)), wrapped: repeat(t, func() error {
			_, err := q.Wait(0)
			return err
		})}
	}},
	{"wake-up and back/1 waiter", roundTrip(1)},
	{"wake-up and back/8 waiters", roundTrip(8)},
	{"Apply/1 change", func(t testing.TB) comparison {
		q, changes := kqtest.NewQueue(t), userEvents(1)
		return comparison{raw: rawKevent(t, q, changes, nil, new(unix.Timespec)), wrapped: repeat(t, func() error {
			return q.Apply(changes...)
		})}
	}},
	{"Apply/1 change, new goroutine", func(t testing.TB) comparison {
		q, changes := kqtest.NewQueue(t), userEvents(1)
		inGoroutine := func(do func(n int)) func(n int) {
			return repeat(t, func() error {
				done := make(chan bool)
				go func() {
					do(1)
					close(done)
				}()
				<-done
				return nil
			})
		}
		return comparison{
			raw:     inGoroutine(rawKevent(t, q, changes, nil, new(unix.Timespec))),
			wrapped: inGoroutine(repeat(t, func() error { return q.Apply(changes...) })),
		}
	}},
	{"Apply/1 change, refused", func(t testing.TB) comparison {
		q, changes := kqtest.NewQueue(t), []Event{UserEvent(0).Delete()}
		fd, raw := int(q.Fd()), rawEvents(changes)
		return comparison{raw: repeat(t, func() error {
			if _, err := unix.Kevent(fd, raw, nil, new(unix.Timespec)); err != unix.ENOENT {
				return fmt.Errorf("got %v, want ENOENT", err)
			}
			return nil
		}), wrapped: repeat(t, func() error {
			if q.Apply(changes...) == nil {
				return errors.New("got no error, want ENOENT")
			}
			return nil
		})}
	}},
	{"Apply/2 changes", applyMany(2)},
	{"Apply/4 changes", applyMany(4)},
	{"Apply/8 changes", applyMany(8)},
	{"Apply/16 changes", applyMany(16)},
	{"Apply/64 changes", applyMany(64)},
	{"Apply/1,000 changes", applyMany(1000)},
	{"Apply/1,000 changes, against 1,000 calls", func(t testing.TB) comparison {
		p := applyMany(1000)(t)
		q, changes := kqtest.NewQueue(t), readSockets(t, 1000)
		fd, raw := int(q.Fd()), rawEvents(changes)
		p.raw = repeat(t, func() error {
			for i := range raw {
				if _, err := unix.Kevent(fd, raw[i:i+1], nil, new(unix.Timespec)); err != nil {
					return err
				}
			}
			return nil
		})
		p.byHand = nil
		return p
	}},
}

// userEvents returns changes that add count user events.
func userEvents(count int) []Event {
	var changes []Event
	for i := range count {
		changes = append(changes, UserEvent(uintptr(i)))
	}
	return changes
}

func keventChanges(count int) func(t testing.TB) comparison {
	return func(t testing.TB) comparison {
		q, changes := triggeredQueue(t, 1), userEvents(count)
		buf := make([]Event, 64)
		return comparison{raw: rawKevent(t, q, changes, buf, nil), byHand: renewedKevent(t, q, changes, buf), wrapped: repeat(t, func() error {
			_, err := q.Kevent(changes, buf, Forever)
			return err
		})}
	}
}

// waitCopies compares Wait with a call whose events are copied by hand.
func waitCopies(count int) func(t testing.TB) comparison {
	return func(t testing.TB) comparison {
		q, buf := triggeredQueue(t, count), make([]Event, 64)
		fd, raw := int(q.Fd()), rawEvents(buf)
		return comparison{
			raw: rawKevent(t, q, nil, buf, nil),
			byHand: repeat(t, func() error {
				n, err := unix.Kevent(fd, nil, raw, byHandLimit)
				if n > 0 {
					kept = append([]unix.Kevent_t(nil), raw[:n]...)
				}
				return err
			}),
			wrapped: repeat(t, func() error {
				_, err := q.Wait(Forever)
				return err
			}),
		}
	}
}

// kept keeps the compiler from leaving out what is stored here.
var kept []unix.Kevent_t

// rawEvents returns events as unix.Kevent takes them.
func rawEvents(events []Event) []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(events))), len(events))
}

// repeat returns a function that calls do n times.
func repeat(t testing.TB, do func() error) func(n int) {
	return func(n int) {
		for range n {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rawKevent returns a function that makes the same unix.Kevent call n times.
func rawKevent(t testing.TB, q *Queue, changes, events []Event, timeout *unix.Timespec) func(n int) {
	fd, c, e := int(q.Fd()), rawEvents(changes), rawEvents(events)
	return repeat(t, func() error {
		_, err := unix.Kevent(fd, c, e, timeout)
		return err
	})
}

// byHandLimit is how long a careful program waits at once, again and again: on
// DragonFly, which does not bear long calls on a busy queue, as long as this package.
var byHandLimit = map[string]*unix.Timespec{"dragonfly": {Nsec: 5e8}}[runtime.GOOS]

// renewedKevent returns what rawKevent does where a careful program has to renew
// its waits, and nil where it has not.
func renewedKevent(t testing.TB, q *Queue, changes, events []Event) func(n int) {
	if byHandLimit == nil {
		return nil
	}
	fd, raw, e := int(q.Fd()), rawEvents(changes), rawEvents(events)
	return repeat(t, func() error {
		for c := raw; ; c = nil {
			n, err := unix.Kevent(fd, c, e, byHandLimit)
			if n > 0 || err != nil && err != unix.EINTR {
				return err
			}
		}
	})
}

// triggeredQueue returns a queue with count events, which stay triggered.
func triggeredQueue(t testing.TB, count int) *Queue {
	q := kqtest.NewQueue(t)
	for _, e := range userEvents(count) {
		kqtest.Apply(t, q, e)
		kqtest.Apply(t, q, e.Trigger())
	}
	return q
}

// duplicates returns count duplicates of fd.
func duplicates(t testing.TB, fd, count int) []int {
	kqtest.RaiseDescriptorLimit(t, uint64(count)+2000)
	var fds []int
	t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	for range count {
		dup, err := unix.Dup(fd)
		if err == unix.ENFILE || err == unix.EMFILE {
			t.Skipf("the system has only %d more descriptors", len(fds))
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, dup)
	}
	return fds
}

// readSockets returns changes that add as many sockets with nothing to read. They are
// no duplicates of one: some kernels keep the events of all duplicates in one list,
// and search it for each change.
func readSockets(t testing.TB, count int) []Event {
	kqtest.RaiseDescriptorLimit(t, uint64(count)+2000)
	var changes []Event
	for range count {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		changes = append(changes, ReadEvent(fd))
	}
	return changes
}

// readPipes returns changes that add as many descriptors with nothing to read.
func readPipes(t testing.TB, count int) []Event {
	r, _ := kqtest.NewPipe(t)
	var changes []Event
	for _, fd := range duplicates(t, r, count) {
		changes = append(changes, ReadEvent(fd))
	}
	return changes
}

// waitAmong compares waits for count descriptors that are ready among others that
// are not, which must not make a wait slower.
func waitAmong(count, watched int) func(t testing.TB) comparison {
	return func(t testing.TB) comparison {
		q, into := kqtest.NewQueue(t), make([]Event, count)
		_, w := kqtest.NewPipe(t)
		changes := readPipes(t, watched-count)
		for _, fd := range duplicates(t, w, count) {
			changes = append(changes, WriteEvent(fd))
		}
		kqtest.Apply(t, q, changes...)
		fd, raw := int(q.Fd()), rawEvents(into)
		all := func(wait func() (int, error)) func(n int) {
			return repeat(t, func() error {
				n, err := wait()
				if n != count && err == nil {
					err = fmt.Errorf("got %d events, want %d", n, count)
				}
				return err
			})
		}
		return comparison{
			raw:     all(func() (int, error) { return unix.Kevent(fd, nil, raw, nil) }),
			wrapped: all(func() (int, error) { return q.WaitInto(into, Forever) }),
		}
	}
}

// applyMany compares Apply with one kevent call that requests a receipt for each
// change, which tells as much.
func applyMany(count int) func(t testing.TB) comparison {
	return func(t testing.TB) comparison {
		q, changes := kqtest.NewQueue(t), readSockets(t, count)
		var withReceipts []Event
		for _, change := range changes {
			withReceipts = append(withReceipts, change.With(FlagReceipt))
		}
		answers := make([]Event, count)
		fd, raw, rawAnswers := int(q.Fd()), rawEvents(changes), rawEvents(answers)
		batch := make([]unix.Kevent_t, count)
		return comparison{
			raw: rawKevent(t, q, withReceipts, answers, new(unix.Timespec)),
			byHand: repeat(t, func() error {
				copy(batch, raw)
				for i := range batch {
					setFlag(&batch[i].Flags, FlagReceipt) // x/sys lacks EV_RECEIPT on NetBSD
				}
				n, err := unix.Kevent(fd, batch, rawAnswers, new(unix.Timespec))
				if err != nil {
					return err
				}
				for _, a := range rawAnswers[:n] {
					if a.Flags&unix.EV_ERROR == 0 || a.Data != 0 {
						return unix.Errno(a.Data)
					}
				}
				return nil
			}),
			wrapped: repeat(t, func() error { return q.Apply(changes...) }),
		}
	}
}

// setFlag hides that flags have 32 bits on NetBSD.
func setFlag[T uint16 | uint32](flags *T, flag Flag) { *flags |= T(flag) }

// callWays are the two ways to wait and to make a change.
var callWays = []struct {
	name  string
	wait  func(*Queue, []Event) error
	apply func(*Queue, Event) error
}{
	{"raw", func(q *Queue, buf []Event) error {
		for {
			n, err := unix.Kevent(int(q.Fd()), nil, rawEvents(buf), byHandLimit)
			if n > 0 || err != nil && err != unix.EINTR {
				return err
			}
		}
	}, func(q *Queue, e Event) error {
		_, err := unix.Kevent(int(q.Fd()), rawEvents([]Event{e}), nil, new(unix.Timespec))
		return err
	}},
	{"kqueue",
		func(q *Queue, buf []Event) error { _, err := q.WaitInto(buf, Forever); return err },
		func(q *Queue, e Event) error { return q.Apply(e) }},
}

// roundTrip compares how a user event wakes a goroutine, which wakes the caller
// again, while more goroutines wait beside it.
func roundTrip(waiters int) func(t testing.TB) comparison {
	return func(t testing.TB) comparison {
		raw, wrapped := callWays[0], callWays[1]
		return comparison{
			raw:     roundTrips(t, waiters, raw.wait, raw.apply),
			wrapped: roundTrips(t, waiters, wrapped.wait, wrapped.apply),
		}
	}
}

func roundTrips(t testing.TB, waiters int, wait func(*Queue, []Event) error, apply func(*Queue, Event) error) func(n int) {
	there, back := kqtest.NewQueue(t), kqtest.NewQueue(t)
	ping, pong := UserEvent(1).With(FlagClear), UserEvent(2).With(FlagClear)
	if err := errors.Join(there.Apply(ping), back.Apply(pong)); err != nil {
		t.Fatal(err)
	}
	var end atomic.Bool
	var group sync.WaitGroup
	for range waiters {
		group.Add(1)
		go func() {
			defer group.Done()
			buf := make([]Event, 1)
			for {
				err := wait(there, buf)
				switch {
				case end.Load():
					apply(there, ping.Trigger()) // for the next one
					return
				case err == nil:
					err = apply(back, pong.Trigger())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	t.Cleanup(func() {
		end.Store(true)
		apply(there, ping.Trigger())
		group.Wait()
	})
	buf := make([]Event, 1)
	return repeat(t, func() error {
		if err := apply(there, ping.Trigger()); err != nil {
			return err
		}
		return wait(back, buf)
	})
}

func BenchmarkComparisons(b *testing.B) {
	for _, c := range comparisons {
		b.Run(c.name, func(b *testing.B) {
			p := c.make(b)
			for _, way := range []struct {
				name string
				do   func(n int)
			}{{"raw", p.raw}, {"by hand", p.byHand}, {"kqueue", p.wrapped}} {
				if way.do != nil {
					b.Run(way.name, func(b *testing.B) { b.ReportAllocs(); way.do(b.N) })
				}
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	exit := NoteExit | NoteExitStatus
	for name, text := range map[string]fmt.Stringer{
		"READ":   Event{Ident: 5, Filter: FilterRead, Flags: FlagEOF, Data: 12},
		"USER":   NewEvent(1, FilterUser, FlagAdd|FlagClear, NoteFfcopy|NoteTrigger|5, 3, 7),
		"exit":   Event{Ident: 9, Filter: FilterProc, Flags: FlagEOF, Fflags: exit, Data: 256},
		"filter": FilterTimer,
		"flag":   FlagClear,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				_ = text.String()
			}
		})
	}
	err := &ChangeError{Event: ReadEvent(5).Delete(), Err: unix.ENOENT}
	b.Run("ChangeError", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			_ = err.Error()
		}
	})
}

// BenchmarkScale adds, triggers, returns and deletes one more user event in a
// queue that has many already. Kernels that keep them in a fixed number of hash
// buckets get slower with their number, and slower still if the idents are
// multiples of 65536, which fall into the same bucket.
func BenchmarkScale(b *testing.B) {
	for _, idents := range []struct {
		name   string
		shift  int
		counts []uintptr
	}{
		{"consecutive", 0, []uintptr{100, 1000, 10000, 50000}},
		{"shifted by 16", 16, []uintptr{100, 1000, 10000}}, // adding 50,000 takes too long
	} {
		for _, count := range idents.counts {
			b.Run(fmt.Sprintf("%s/%d", idents.name, count), func(b *testing.B) {
				scale(b, count, idents.shift)
			})
		}
	}
}

func scale(b *testing.B, count uintptr, shift int) {
	q, buf := kqtest.NewQueue(b), make([]Event, 1)
	for i := range count {
		err := q.Apply(UserEvent(i << shift))
		if errors.Is(err, unix.ENOMEM) {
			b.Skipf("the kernel has no room for more than %d user events", i)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	e := UserEvent(count << shift)
	b.ResetTimer()
	for range b.N {
		kqtest.Apply(b, q, e)
		kqtest.Apply(b, q, e.Trigger())
		if n, err := q.WaitInto(buf, Forever); n != 1 || err != nil || buf[0].Ident != e.Ident {
			b.Fatalf("got %v, %v", buf[:n], err)
		}
		kqtest.Apply(b, q, e.Delete())
	}
}

// TestBenchmarkTable prints how much more this package costs than raw calls. It
// measures by the clock, which proves nothing on a busy machine, so it runs only
// on request:
//
//	KQUEUE_TABLE=100 go test -run BenchmarkTable -v ./kernels
//
// The value is the number of turns that each way takes. The ways take turns, and
// the quickest turn of each counts: for a series of turns a kernel may take longer
// for all of them. A turn is long enough for Wait's allocations, which it makes for
// 16 events at a time, unless one call alone is long. The collector is off, and the
// memory has been used before: the first use of each page would cost as much as
// several calls.
func TestBenchmarkTable(t *testing.T) {
	turns, err := strconv.Atoi(os.Getenv("KQUEUE_TABLE"))
	if err != nil {
		t.Skip("KQUEUE_TABLE is not set to a number of turns")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	memory := make([]byte, 64<<20)
	for i := range memory {
		memory[i] = 1
	}
	runtime.KeepAlive(memory)
	measure := func(do func(int), n int) time.Duration {
		start := time.Now()
		do(n)
		return time.Since(start) / time.Duration(n)
	}
	for _, c := range comparisons {
		t.Run(c.name, func(t *testing.T) {
			p := c.make(t)
			runtime.GC()
			p.raw(1) // the first call may take longer
			n := 1
			if took := measure(p.raw, 1); took < 200*time.Microsecond {
				n = max(1, int(200*time.Microsecond/16/max(1, took))) * 16
			}
			ways := []struct {
				name  string
				do    func(n int)
				least time.Duration
			}{{name: "raw", do: p.raw}, {name: "kqueue", do: p.wrapped}, {name: "by hand", do: p.byHand}}
			for turn := range turns {
				for i := range ways {
					if w := &ways[i]; w.do != nil {
						if took := measure(w.do, n); turn == 0 || took < w.least {
							w.least = took
						}
					}
				}
			}
			raw := ways[0].least
			line := fmt.Sprintf("raw %d", raw)
			for _, w := range ways[1:] {
				if w.do != nil {
					line += fmt.Sprintf(", %s %+d, ratio %.3f", w.name, w.least-raw, float64(w.least)/float64(raw))
				}
			}
			t.Log(line)
		})
	}
}
