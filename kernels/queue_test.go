//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
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

// pendingKinds are events of each kind. The functions add one to q and trigger it.
// They return the change that is made to it later.
var pendingKinds = []struct {
	name string
	make func(t *testing.T, q *Queue) Event
}{
	{"EVFILT_READ", func(t *testing.T, q *Queue) Event {
		r, w := kqtest.NewPipe(t)
		e := ReadEvent(r).With(FlagClear)
		kqtest.Apply(t, q, e)
		kqtest.Write(t, w, "x")
		return e
	}},
	{"EVFILT_WRITE", func(t *testing.T, q *Queue) Event {
		_, w := kqtest.NewPipe(t)
		e := WriteEvent(w).With(FlagClear)
		kqtest.Apply(t, q, e)
		return e
	}},
	{"EVFILT_VNODE", func(t *testing.T, q *Queue) Event {
		file := kqtest.NewFile(t, "")
		e := VnodeEvent(int(file.Fd()), NoteWrite|NoteLink).With(FlagClear)
		kqtest.Apply(t, q, e)
		if err := kqtest.WriteAt(file.Name(), 0, "x"); err != nil {
			t.Fatal(err)
		}
		return e
	}},
	{"EVFILT_PROC", func(t *testing.T, q *Queue) Event {
		c := kqtest.StartChild(t, "exit 7")
		e := ProcEvent(c.Process.Pid, exitWithStatus)
		kqtest.Apply(t, q, e)
		c.Release()
		return e
	}},
	{"EVFILT_SIGNAL", func(t *testing.T, q *Queue) Event {
		ignore(t, syscall.SIGWINCH)
		e := SignalEvent(syscall.SIGWINCH)
		kqtest.Apply(t, q, e)
		kqtest.Kill(t, syscall.SIGWINCH)
		kqtest.Kill(t, syscall.SIGWINCH)
		return e
	}},
	{"EVFILT_TIMER", func(t *testing.T, q *Queue) Event {
		kqtest.Apply(t, q, TimerEvent(1, time.Millisecond))
		return TimerEvent(1, time.Hour) // it would be returned again soon
	}},
	{"EVFILT_TIMER, EV_ONESHOT", func(t *testing.T, q *Queue) Event {
		kqtest.Apply(t, q, TimerEvent(1, time.Millisecond).With(FlagOneshot))
		return TimerEvent(1, time.Hour).With(FlagOneshot)
	}},
	{"EVFILT_USER", func(t *testing.T, q *Queue) Event {
		e := UserEvent(1)
		kqtest.Apply(t, q, e, e.Trigger())
		return e
	}},
	{"EVFILT_USER, EV_CLEAR", func(t *testing.T, q *Queue) Event {
		e := UserEvent(1).With(FlagClear)
		kqtest.Apply(t, q, e, e.Trigger())
		return e
	}},
}

// What a change does to an event that is pending. An answer names the changes after
// which the event is not returned, or not as it would have been without a change.
func TestChangeOfPending(t *testing.T) {
	changes := []struct {
		name string
		list func(e Event) []Event
	}{
		{"EV_ADD", func(e Event) []Event { return []Event{e} }},
		{"EV_ADD with other udata", func(e Event) []Event { return []Event{e.WithUdata(2)} }},
		{"EV_ENABLE", func(e Event) []Event { return []Event{e.Enable()} }},
		{"EV_DISABLE and EV_ENABLE", func(e Event) []Event { return []Event{e.Disable(), e.Enable()} }},
		{"EV_ADD|EV_DISABLE and EV_ENABLE", func(e Event) []Event { return []Event{e.With(FlagDisable), e.Enable()} }},
	}
	for _, kind := range pendingKinds {
		pending := func(change func(e Event) []Event) string {
			q := kqtest.NewQueue(t)
			e := kind.make(t, q)
			waitPending(t, q)
			for _, c := range change(e) {
				kqtest.Apply(t, q, c)
				e.Udata = c.Udata
			}
			events, err := q.Wait(0)
			if len(events) == 0 || err != nil {
				return nothing
			}
			got := events[0]
			if got.Filter == FilterTimer {
				got.Data = 1 // it depends on the time
			}
			if got.Udata != e.Udata {
				return "the old udata"
			}
			return describe(got)
		}
		unchanged := pending(func(Event) []Event { return nil })
		others := make(map[string][]string) // the changes, by what is returned
		for _, change := range changes {
			if got := pending(change.list); got != unchanged {
				others[got] = append(others[got], change.name)
			}
		}
		answer := "returned"
		if len(others) > 0 {
			answer = ""
		}
		for got, names := range others {
			after := strings.Join(names, ", ")
			switch {
			case len(names) == len(changes):
				after = "each of them"
			case after == "EV_ADD, EV_ADD with other udata, EV_ADD|EV_DISABLE and EV_ENABLE":
				after = "each with EV_ADD"
			}
			answer += got + " after " + after
		}
		expect(t, kind.name, answer)
	}
}

// What else the descriptor of a queue can do, and that it does not show the event
// that New adds to it.
func TestQueueDescriptor(t *testing.T) {
	q := kqtest.NewQueue(t)
	fd := int(q.Fd())
	var buf [1]byte
	_, err := unix.Read(fd, buf[:])
	expect(t, "read(2)", errno(err))
	_, err = unix.Write(fd, buf[:])
	expect(t, "write(2)", errno(err))
	pollFor := func(events int16) string {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		if _, err := unix.Poll(fds, 0); err != nil {
			return errno(err)
		}
		return fmt.Sprintf("%#x", fds[0].Revents)
	}
	size := func() string {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil {
			return errno(err)
		}
		return fmt.Sprint(stat.Size)
	}
	outer := kqtest.NewQueue(t)
	kqtest.Apply(t, outer, ReadEvent(fd))
	expect(t, "a new queue, poll(2) for POLLIN", pollFor(unix.POLLIN))
	expect(t, "a new queue, the size by fstat(2)", size())
	expect(t, "a new queue, EVFILT_READ in another one", poll(t, outer))
	e := UserEvent(1)
	kqtest.Apply(t, q, e, e.Trigger())
	expect(t, "a pending event, poll(2) for POLLIN", pollFor(unix.POLLIN))
	expect(t, "a pending event, poll(2) for POLLIN and POLLOUT", pollFor(unix.POLLIN|unix.POLLOUT))
	expect(t, "a pending event, the size by fstat(2)", size())
	expectSoon(t, "a pending event, EVFILT_READ in another one", func() string { return poll(t, outer) })

	a, _ := kqtest.NewSocketpair(t)
	expect(t, "SCM_RIGHTS", errno(unix.Sendmsg(a, []byte("x"), unix.UnixRights(fd), nil, 0)))
	c := exec.Command(os.DevNull)
	if fd, err = unix.Dup(fd); err != nil { // os.File closes it
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "queue")
	defer file.Close()
	c.ExtraFiles = []*os.File{file}
	expect(t, "ExtraFiles of os/exec", errno(c.Start()))
}

// Events that stay triggered are returned in turn.
func TestFairness(t *testing.T) {
	const count, room = 64, 8
	q := kqtest.NewQueue(t)
	at := make(map[uintptr]int) // the place in the order in which they were added
	for i := range count {
		_, w := kqtest.NewPipe(t)
		at[uintptr(w)] = i
		kqtest.Apply(t, q, WriteEvent(w))
	}
	answer := "in the order added, round and round"
	for call := range 10 {
		buf := make([]Event, room)
		n, err := q.WaitInto(buf, 0)
		if n != room || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		for i, e := range buf {
			if at[e.Ident] != (call*room+i)%count {
				answer = "in another order"
			}
		}
	}
	expect(t, "64 pipes, waits with room for 8", answer)
}

// Two goroutines wait, and an event is triggered once. The other one is woken by
// another event afterwards.
func TestTwoWaiters(t *testing.T) {
	for _, option := range []Flag{0, FlagClear, FlagOneshot, FlagDispatch} {
		q := kqtest.NewQueue(t)
		r, w := kqtest.NewPipe(t)
		e, stop := ReadEvent(r).With(option), UserEvent(1)
		kqtest.Apply(t, q, e, stop)
		results := make(chan []Event)
		for range 2 {
			go func() {
				events, err := q.Wait(Forever)
				if err != nil {
					t.Error(err)
				}
				results <- events
			}()
		}
		kqtest.Write(t, w, "x")
		<-results
		kqtest.Apply(t, q, stop.Trigger())
		receivers := 1
		for _, e := range <-results {
			if e.Filter == FilterRead {
				receivers++
			}
		}
		name := "without an option"
		if option != 0 {
			name = "EV_" + option.String()
		}
		expect(t, name, fmt.Sprint(receivers, " of 2"))
	}
}

// Changes of an event that is pending, in the call that waits.
func TestChangeAndWait(t *testing.T) {
	for name, list := range map[string]func(e Event) []Event{
		"EV_DELETE":             func(e Event) []Event { return []Event{e.Delete()} },
		"EV_DELETE and EV_ADD":  func(e Event) []Event { return []Event{e.Delete(), e} },
		"EV_DISABLE":            func(e Event) []Event { return []Event{e.Disable()} },
		"EV_ADD":                func(e Event) []Event { return []Event{e} },
		"EV_ADD and EV_RECEIPT": func(e Event) []Event { return []Event{e.With(FlagReceipt)} },
	} {
		q := kqtest.NewQueue(t)
		r, w := kqtest.NewPipe(t)
		e := ReadEvent(r).With(FlagClear)
		kqtest.Apply(t, q, e)
		kqtest.Write(t, w, "x")
		buf := make([]Event, 4)
		n, err := q.Kevent(list(e), buf, 0)
		if err != nil {
			t.Fatal(err)
		}
		words := []string{}
		for _, e := range buf[:n] {
			if e.Flags&FlagError != 0 {
				words = append(words, "receipt")
			} else {
				words = append(words, "event")
			}
		}
		if n == 0 {
			words = append(words, nothing)
		}
		expect(t, name, strings.Join(words, ", ")+"; then "+returned(t, q))
	}
}

// An Ident that is no descriptor because it has more than 32 bits. The package
// refuses it where the kernel would cut it.
func TestIdentAbove32Bits(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	ident := uint64(1<<32) + uint64(r)
	if uint64(uintptr(ident)) != ident {
		t.Skip("an Ident has 32 bits")
	}
	for _, filter := range []Filter{FilterRead, FilterWrite, FilterVnode} {
		expect(t, "1<<32 more than a descriptor, EVFILT_"+filter.String(),
			errno(q.Apply(NewEvent(uintptr(ident), filter, FlagAdd, 0, 0, 0))))
	}
}

// Which filters take FlagVanished.
func TestVanishedFilters(t *testing.T) {
	flags := flagNamed(t, "VANISHED") | flagNamed(t, "DISPATCH2")
	q := kqtest.NewQueue(t)
	for _, e := range []Event{UserEvent(1), TimerEvent(1, time.Hour), SignalEvent(syscall.SIGWINCH), ProcEvent(os.Getpid(), NoteExit)} {
		expect(t, "adding EVFILT_"+e.Filter.String(), errno(q.Apply(e.With(flags))))
	}
}

// Flags that contradict each other, in the change of an event that is triggered.
func TestContradictingFlags(t *testing.T) {
	for _, state := range []string{"enabled", "disabled"} {
		q := kqtest.NewQueue(t)
		e := UserEvent(1)
		kqtest.Apply(t, q, e, e.Trigger())
		if state == "disabled" {
			kqtest.Apply(t, q, e.Disable())
		}
		change := e.Enable()
		change.Flags |= FlagDisable
		err := q.Apply(change)
		expect(t, "EV_ENABLE|EV_DISABLE", errno(err))
		if err == nil {
			expect(t, "EV_ENABLE|EV_DISABLE, it was "+state, returned(t, q))
		}
	}
	q := kqtest.NewQueue(t)
	e := UserEvent(1)
	for _, state := range []string{"not in the queue", "in the queue"} {
		if state == "in the queue" {
			kqtest.Apply(t, q, e)
		}
		what := "EV_ADD|EV_DELETE, it is " + state
		expect(t, what, errno(q.Apply(e.With(FlagDelete))))
		expect(t, what+", EV_DELETE after that", errno(q.Apply(e.Delete())))
	}
}

// The Udata of a change that does not add the event.
func TestUdataWithoutAdd(t *testing.T) {
	for _, kind := range pendingKinds {
		q := kqtest.NewQueue(t)
		e := kind.make(t, q)
		waitPending(t, q)
		kqtest.Apply(t, q, e.Enable().WithUdata(2))
		if kqtest.MacOS && e.Filter == FilterTimer {
			continue // its period has begun anew
		}
		expect(t, kind.name+", EV_ENABLE", fmt.Sprint("udata=", kqtest.WaitOne(t, q).Udata))
	}
	q := kqtest.NewQueue(t)
	e := UserEvent(1)
	kqtest.Apply(t, q, e, e.Trigger().WithUdata(2))
	expect(t, "EVFILT_USER, NOTE_TRIGGER", fmt.Sprint("udata=", kqtest.WaitOne(t, q).Udata))
}

// Which flags of the change an event has.
func TestFlagsOfTheChange(t *testing.T) {
	for _, flag := range []Flag{0, FlagEnable, FlagClear, FlagReceipt, FlagOneshot, FlagDispatch} {
		q := kqtest.NewQueue(t)
		_, w := kqtest.NewPipe(t)
		e := WriteEvent(w).With(flag)
		kqtest.Apply(t, q, e)
		expect(t, "EV_"+strings.ReplaceAll(e.Flags.String(), "|", "|EV_"), "flags="+kqtest.WaitOne(t, q).Flags.String())
	}
}

// A duplicate of a descriptor has events of its own.
func TestDuplicateOfDescriptor(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	other, err := unix.Dup(r)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, other)
	kqtest.Apply(t, q, ReadEvent(r).With(FlagClear), ReadEvent(other).With(FlagClear))
	kqtest.Write(t, w, "x")
	expect(t, "both were added, 1 byte", poll(t, q))
	kqtest.CloseFD(r)
	kqtest.Write(t, w, "x")
	expect(t, "one was closed, another byte", poll(t, q))
}
