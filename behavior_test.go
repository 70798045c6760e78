//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// The tests of the files behavior_*_test.go ask the kernel what the documentation
// says about it. Where the systems differ, each has its own expected answer, so
// that a kernel that changes is seen.

// answers holds what each system is expected to answer. A key is the name of a
// system or several names. A name with a release or with a file system, such as
// "dragonfly-tmpfs", precedes that of the system alone.
type answers map[string]string

const (
	everywhere = "darwin dragonfly freebsd netbsd openbsd"

	// unasked is the answer of a system that has not been asked yet: what it
	// says is logged.
	unasked = "not asked yet"
)

// release is another name of this system if it is one whose answers may differ
// from those of the newest release.
var release string

// system is the name of this system in answers.
func system() string {
	if macOS {
		return "darwin"
	}
	return runtime.GOOS
}

// of returns the answer for the first name that has one.
func (a answers) of(names ...string) string {
	for _, name := range names {
		for systems, answer := range a {
			if slices.Contains(strings.Fields(systems), name) {
				return answer
			}
		}
	}
	return ""
}

// here returns what this system is expected to answer.
func (a answers) here() string {
	return a.of(release, system())
}

// expect fails unless got is what this system is expected to answer.
func expect(t testing.TB, what, got string, want answers) {
	t.Helper()
	compare(t, what, got, want.here())
}

// compare fails unless got is want.
func compare(t testing.TB, what, got, want string) {
	t.Helper()
	switch want {
	case got:
	case unasked:
		t.Logf("%s: got %q", what, got)
	case "":
		t.Errorf("%s: got %q, but no answer of this system is known", what, got)
	default:
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// nothing is the answer of a wait that returns no event.
const nothing = "nothing"

// describe returns what a program looks at in an event: its filter, conditions,
// notes and Data. It leaves out the flags that the change had.
func describe(e Event) string {
	words := []string{e.Filter.String()}
	e.Flags &^= FlagAdd | FlagEnable | FlagDisable | FlagClear | FlagReceipt | FlagDispatch
	if e.Flags != 0 {
		words = append(words, e.Flags.String())
	}
	switch {
	case e.SocketErr() != nil:
		words = append(words, errno(e.SocketErr()))
	case e.Fflags != 0:
		words = append(words, "fflags="+e.Filter.NoteString(e.Fflags))
	}
	if e.Data != 0 {
		words = append(words, fmt.Sprint("data=", e.Data))
	}
	return strings.Join(words, " ")
}

// poll returns what a wait of no time returns.
func poll(t testing.TB, q *Queue) string {
	t.Helper()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		return nothing
	}
	var texts []string
	for _, e := range events {
		texts = append(texts, describe(e))
	}
	return strings.Join(texts, ", ")
}

// returned says whether a wait of no time returns an event, for events whose Data
// is of no interest.
func returned(t testing.TB, q *Queue) string {
	t.Helper()
	if poll(t, q) == nothing {
		return nothing
	}
	return "returned"
}

// ended is returned, and says whether the event has FlagEOF.
func ended(t testing.TB, q *Queue) string {
	t.Helper()
	switch got := poll(t, q); {
	case got == nothing:
		return nothing
	case strings.Contains(got, "EOF"):
		return "EOF"
	default:
		return "returned"
	}
}

// expectSoon is expect for what may take a while to arrive, over a network
// interface or by way of another thread of the kernel.
func expectSoon(t testing.TB, what string, get func() string, want answers) {
	t.Helper()
	const patience = 20 * time.Second
	start, got, answer := time.Now(), get(), want.here()
	for got != answer && answer != unasked && time.Since(start) < patience {
		runtime.Gosched()
		got = get()
	}
	expect(t, what, got, want)
}

// errno returns the name of the errno in err, or "ok".
func errno(err error) string {
	if err == nil {
		return "ok"
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		if name := unix.ErrnoName(number); name != "" {
			return name
		}
	}
	return err.Error()
}

// setNonblock makes reads and writes of fd return at once.
func setNonblock(t testing.TB, fd int) {
	t.Helper()
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
}

// fill writes to the non-blocking descriptor fd until nothing fits any more, and
// returns the number of bytes.
func fill(t testing.TB, fd int) (total int) {
	t.Helper()
	for block := make([]byte, 4096); ; {
		n, err := unix.Write(fd, block)
		switch {
		case err == nil:
			total += n
		case err != unix.EAGAIN && err != unix.ENOBUFS:
			t.Fatal(err)
		case len(block) == 1:
			return total
		default:
			block = block[:1] // what is left may be less than a block
		}
	}
}

// drain reads size bytes from fd.
func drain(t testing.TB, fd, size int) {
	t.Helper()
	for size > 0 {
		size -= len(read(t, fd, size))
	}
}

// sleepOn waits for a timer of the kernel, in a queue of its own.
func sleepOn(t testing.TB, period time.Duration) {
	t.Helper()
	q := newQueue(t)
	apply(t, q, TimerEvent(1, period).With(FlagOneshot))
	waitOne(t, q)
}
