//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// The Data of a queue in another one counts events whose condition is gone until
// the inner queue is waited on.
func TestNestedData(t *testing.T) {
	inner, outer := kqtest.NewQueue(t), kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, inner, ReadEvent(r))
	kqtest.Apply(t, outer, ReadEvent(int(inner.Fd())))
	kqtest.WaitNone(t, outer)
	kqtest.Write(t, w, "x")
	expectSoon(t, "one pending event", func() string { return poll(t, outer) })
	kqtest.Read(t, r, 1)
	expect(t, "its condition is gone", poll(t, outer))
	kqtest.WaitNone(t, inner)
	expect(t, "the inner queue was waited on", poll(t, outer))

	user := UserEvent(1)
	kqtest.Apply(t, inner, user, user.Trigger(), user.Disable())
	expectSoon(t, "a disabled event", func() string { return poll(t, outer) })
}

// With FlagClear, a queue in another one is returned again for each of its events,
// but on macOS only after the inner queue was waited on.
func TestNestedWithClear(t *testing.T) {
	inner, outer := kqtest.NewQueue(t), kqtest.NewQueue(t)
	first, second := UserEvent(1), UserEvent(2)
	kqtest.Apply(t, inner, first, second)
	kqtest.Apply(t, outer, ReadEvent(int(inner.Fd())).With(FlagClear))
	kqtest.Apply(t, inner, first.Trigger())
	expectSoon(t, "the first event", func() string { return poll(t, outer) })
	expect(t, "nothing new", poll(t, outer))
	kqtest.Apply(t, inner, second.Trigger())
	expectSoon(t, "the second event", func() string { return poll(t, outer) })
}

// A wait that is longer than what the package asks of a kernel at once applies its
// changes once: a second deletion would be refused.
func TestLongWaits(t *testing.T) {
	q := kqtest.NewQueue(t)
	start := time.Now()
	if events, err := q.Wait(3 * time.Second); len(events) != 0 || err != nil {
		t.Errorf("got %v, %v", events, err)
	}
	if took := time.Since(start); took < 3*time.Second {
		t.Errorf("a wait of 3s ended after %v", took)
	}

	const period = 1200 * time.Millisecond
	for _, timeout := range []time.Duration{Forever, time.Hour} {
		timer := TimerEvent(1, period).With(FlagOneshot)
		kqtest.NotEarly(t, timeout.String(), func() bool {
			kqtest.Apply(t, q, UserEvent(1))
			buf := make([]Event, 4)
			start := time.Now()
			n, err := q.Kevent([]Event{UserEvent(1).Delete(), timer}, buf, timeout)
			took := time.Since(start)
			if n != 1 || err != nil || buf[0].Filter != FilterTimer || buf[0].Err() != nil {
				t.Fatalf("got %v, %v; want the timer", buf[:n], err)
			}
			kqtest.WaitGone(t, q, timer)
			return took < period
		})
	}
	kqtest.WaitNone(t, q)
}

// Deleting or disabling an event whose descriptor is closed.
func TestDeleteAfterClose(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	e := WriteEvent(w)
	kqtest.Apply(t, q, e)
	kqtest.CloseFD(w)
	for _, change := range []Event{e.Delete(), e.Disable()} {
		expect(t, "EV_"+change.Flags.String(), errno(q.Apply(change)))
	}
}

// A deletion that comes too late removes the event of the descriptor that has
// the number now.
func TestDeleteHitsTheNewOwner(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	stale := WriteEvent(w)
	kqtest.Apply(t, q, stale)
	kqtest.CloseFD(w)
	a, _ := kqtest.NewSocketpair(t)
	if err := unix.Dup2(a, w); err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, w)
	kqtest.Apply(t, q, WriteEvent(w))
	expect(t, "EV_DELETE for the old descriptor", errno(q.Apply(stale.Delete())))
	expect(t, "EV_DELETE for the new one", errno(q.Apply(WriteEvent(w).Delete())))
	kqtest.CloseFD(r)
}

// With FlagUdataSpecific, a descriptor has several events of one filter.
func TestFlagUdataSpecific(t *testing.T) {
	flag := flagNamed(t, "UDATA_SPECIFIC")
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	first := WriteEvent(w).With(flag).WithUdata(1)
	second := first.WithUdata(2)
	kqtest.Apply(t, q, first, second)
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "two were added with different udata", fmt.Sprint(len(events), " events"))
	if len(events) == 2 && events[0].Udata+events[1].Udata != 3 {
		t.Errorf("got %v", events)
	}
	expect(t, "EV_DELETE without EV_UDATA_SPECIFIC", errno(q.Apply(WriteEvent(w).Delete())))
	expect(t, "EV_DELETE with other udata", errno(q.Apply(first.WithUdata(3).Delete())))
	kqtest.Apply(t, q, first.Delete())
	if e := kqtest.WaitOne(t, q); e.Udata != 2 {
		t.Errorf("got %v, want the other one", e)
	}
	kqtest.Apply(t, q, second.Disable())
	kqtest.WaitNone(t, q)
}

// An event with FlagDispatch2 that is disabled is deleted when it is enabled.
func TestFlagDispatch2(t *testing.T) {
	flag := flagNamed(t, "DISPATCH2")
	if want := FlagDispatch | flagNamed(t, "UDATA_SPECIFIC"); flag != want {
		t.Errorf("EV_DISPATCH2 is %v, want %v", flag, want)
	}
	q := kqtest.NewQueue(t)
	_, w := kqtest.NewPipe(t)
	e := WriteEvent(w).With(flag).WithUdata(5)
	kqtest.Apply(t, q, e)
	kqtest.WaitOne(t, q)
	kqtest.WaitNone(t, q)
	expect(t, "EV_DELETE while it is disabled", errno(q.Apply(e.Delete())))
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, e.Enable())
	got := kqtest.WaitOne(t, q)
	if got.Udata != 5 {
		t.Errorf("got %v", got)
	}
	expect(t, "EV_ENABLE after that", (got.Flags & (FlagDelete | FlagOneshot)).String())
	kqtest.WaitGone(t, q, e)
}

// FlagVanished reports that the descriptor was closed.
func TestFlagVanished(t *testing.T) {
	vanished, dispatch2 := flagNamed(t, "VANISHED"), flagNamed(t, "DISPATCH2")
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	expect(t, "without EV_DISPATCH2", errno(q.Apply(ReadEvent(r).With(vanished))))
	e := ReadEvent(r).With(dispatch2 | vanished).WithUdata(5)
	kqtest.Apply(t, q, e)
	kqtest.WaitNone(t, q)
	kqtest.CloseFD(r)
	got := kqtest.WaitOne(t, q)
	if got.Udata != 5 {
		t.Errorf("got %v", got)
	}
	expect(t, "with it, the descriptor is closed", (got.Flags & (vanished | FlagOneshot)).String())
	kqtest.WaitNone(t, q)
}

// FlagOoband in a change is ignored.
func TestFlagOoband(t *testing.T) {
	flag := flagNamed(t, "OOBAND")
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r).With(flag))
	kqtest.Write(t, w, "a")
	expect(t, "1 byte, EV_OOBAND in the change", poll(t, q))
}

// FlagForceoneshot triggers an event that exists and removes it. In the change
// that adds the event, it does nothing.
func TestFlagForceoneshot(t *testing.T) {
	flag := flagNamed(t, "FORCEONESHOT")
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	for _, e := range []Event{ReadEvent(r), UserEvent(1)} {
		filter := "EVFILT_" + e.Filter.String()
		kqtest.Apply(t, q, e.With(flag))
		expect(t, filter+", with EV_ADD", poll(t, q))
		force := e
		force.Flags = flag
		kqtest.Apply(t, q, force)
		expect(t, filter+", alone", poll(t, q))
		expect(t, filter+", deleting it after that", errno(q.Apply(e.Delete())))
	}
}

// FlagKeepudata keeps Udata in a change, and is refused in one that adds.
func TestFlagKeepudata(t *testing.T) {
	flag := flagNamed(t, "KEEPUDATA")
	q := kqtest.NewQueue(t)
	e := UserEvent(1).WithUdata(7)
	kqtest.Apply(t, q, e)
	expect(t, "with EV_ADD", errno(q.Apply(e.With(flag))))
	e = e.WithUdata(8)
	kqtest.Apply(t, q, e.Trigger().With(flag))
	expect(t, "NOTE_TRIGGER and other udata, with the flag", fmt.Sprint("udata=", kqtest.WaitOne(t, q).Udata))
	kqtest.Apply(t, q, e.Trigger())
	expect(t, "NOTE_TRIGGER and other udata, without it", fmt.Sprint("udata=", kqtest.WaitOne(t, q).Udata))
}

// Only the kernel itself registers these filters, or nobody any more.
func TestFiltersOfTheKernel(t *testing.T) {
	if kqtest.MacOS {
		t.Skip("the package refuses EVFILT_AIO there")
	}
	q := kqtest.NewQueue(t)
	for _, name := range []string{"AIO", "LIO", "SENDFILE"} {
		expect(t, "adding EVFILT_"+name, errno(q.Apply(NewEvent(1, filterNamed(t, name), FlagAdd, 0, 0, 0))))
	}
}

// FilterVM is only a number, whatever the notes are.
func TestFilterVM(t *testing.T) {
	filter := filterNamed(t, "VM")
	q := kqtest.NewQueue(t)
	for _, name := range []string{"VM_PRESSURE", "VM_PRESSURE_TERMINATE", "VM_PRESSURE_SUDDEN_TERMINATE", "VM_ERROR"} {
		expect(t, "NOTE_"+name, errno(q.Apply(NewEvent(1, filter, FlagAdd, noteNamed(t, name), 0, 0))))
	}
	expect(t, "no note", errno(q.Apply(NewEvent(1, filter, FlagAdd, 0, 0, 0))))
}

// At RLIMIT_KQUEUES, which limits the queues of a user, New fails with ENOMEM
// (sys/kern/kern_event.c, kern_kqueue).
func TestNewAtTheLimitOfQueues(t *testing.T) {
	if thisSystem != "freebsd" {
		t.Skip("this system does not limit them")
	}
	const rlimitKqueues = 13   // sys/sys/resource.h; x/sys lacks it
	kqtest.NewQueue(t).Close() // its watchdog has the Go runtime make a queue of its own
	var old unix.Rlimit
	if err := unix.Getrlimit(rlimitKqueues, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = 1
	if err := unix.Setrlimit(rlimitKqueues, &limit); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(rlimitKqueues, &old)
	before := kqtest.OpenFDs(t)
	for range 100 {
		q, err := New()
		if err == nil {
			q.Close()
		}
		expect(t, "kqueue(2)", errno(err))
	}
	kqtest.WantOpenFDs(t, before)
}
