//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/constants"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// thisSystem is the name of this system in the .json files.
var thisSystem = func() string {
	if kqtest.MacOS {
		return "darwin"
	}
	return runtime.GOOS
}()

// release is another name of this system if it is one whose answers may differ
// from those of the newest release.
var release = func() string {
	if runtime.GOOS == "freebsd" {
		if version, err := unix.SysctlUint32("kern.osreldate"); err == nil && version < 1500000 {
			return "freebsd-14"
		}
	}
	return ""
}()

// recording says that an answer that is not the expected one is printed for
// TestPage to add it.
var recording = os.Getenv("KQUEUE_RECORD") != ""

// asked are the rows that a test has asked, and the tests that were skipped.
var asked struct {
	sync.Mutex
	rows    map[*row]bool
	tests   map[string]bool
	skipped map[string]bool
}

func init() {
	asked.rows, asked.tests, asked.skipped = make(map[*row]bool), make(map[string]bool), make(map[string]bool)
	checkAsked = everythingAsked
}

// everythingAsked reports whether a run of all tests has asked every row of this
// system. A test that asks nothing here was skipped.
func everythingAsked() bool {
	if recording || testing.Short() {
		return true
	}
	for _, filter := range []string{"run", "skip", "list"} {
		if flag.Lookup("test."+filter).Value.String() != "" {
			return true
		}
	}
	all := true
	for _, s := range known().sections {
		for _, t := range s.Tables {
			for _, r := range t.Rows {
				if answer := r.answer(release, thisSystem); r.Unasked == "" && answer != "" && answer != notAsked &&
					asked.tests[t.Test] && !asked.skipped[t.Test] && !asked.rows[r] {
					fmt.Printf("%s.json: %s does not ask %q\n", s.name, t.Test, r.What)
					all = false
				}
			}
		}
	}
	return all
}

// fileSystems has the file system of each test of eachFileSystem.
var fileSystems sync.Map

// eachFileSystem calls do in a subtest for each file system, with an empty directory
// on it: for those of the directories in KQUEUE_DIRS, or for that of temporary files.
func eachFileSystem(t *testing.T, do func(t *testing.T, dir string)) {
	t.Helper()
	parents := filepath.SplitList(os.Getenv("KQUEUE_DIRS"))
	if len(parents) == 0 {
		parents = []string{t.TempDir()}
	}
	for _, parent := range parents {
		kind := kqtest.FileSystem(t, parent)
		t.Run(kind, func(t *testing.T) {
			fileSystems.Store(t.Name(), kind)
			dir, err := os.MkdirTemp(parent, "kqueue")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
				}
			})
			do(t, dir)
		})
	}
}

// testAndFileSystem returns the name of the test function, and the file system on
// which eachFileSystem runs it.
func testAndFileSystem(t testing.TB) (test, kind string) {
	words := strings.SplitN(t.Name(), "/", 3)
	if len(words) > 1 {
		if value, ok := fileSystems.Load(words[0] + "/" + words[1]); ok {
			kind = value.(string)
		}
	}
	return words[0], kind
}

// find returns the row of a test, or nil.
func (a *atlas) find(test, what string) *row {
	for _, s := range a.sections {
		for _, t := range s.Tables {
			if t.Test != test {
				continue
			}
			for _, r := range t.Rows {
				if r.What == what && r.Unasked == "" {
					return r
				}
			}
		}
	}
	return nil
}

// expected returns the row of what a test asks, or nil, and the answer of this
// system, if it has one.
func expected(t testing.TB, what string) (r *row, answer string) {
	test, kind := testAndFileSystem(t)
	if r = known().find(test, what); r == nil {
		return nil, ""
	}
	if !known().has(thisSystem, kind) {
		return r, notAsked
	}
	names := []string{release, thisSystem}
	if kind != "" {
		names = slices.Insert(names, 0, thisSystem+"-"+kind)
	}
	return r, r.answer(names...)
}

// expect fails unless got is what this system is expected to answer to what, by
// the table of the test.
func expect(t testing.TB, what, got string) {
	t.Helper()
	test, kind := testAndFileSystem(t)
	r, want := expected(t, what)
	asked.Lock()
	if !asked.tests[test] {
		asked.tests[test] = true
	}
	asked.rows[r] = true
	asked.Unlock()
	t.Cleanup(func() {
		if t.Skipped() {
			asked.Lock()
			asked.skipped[test] = true
			asked.Unlock()
		}
	})
	name := thisSystem
	if kind != "" {
		name += "-" + kind
	} else if release != "" {
		name = release
	}
	section := callerSection(test)
	switch {
	case got == want:
	case recording:
		line, err := json.Marshal(recorded{section, test, what, name, got})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s%s\n", recordMark, line)
	case want == notAsked:
		t.Logf("%s: got %q", what, got)
	case want == "":
		line, _ := json.Marshal(row{What: what, Answers: map[string]string{name: got}})
		t.Errorf("%s.json lacks this of %s: %s (KQUEUE_RECORD=1 records it: see page_test.go)", section, test, line)
	default:
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// callerSection returns the section of the file that has the test.
func callerSection(test string) string {
	stack := make([]uintptr, 64)
	frames := runtime.CallersFrames(stack[:runtime.Callers(2, stack)])
	for {
		frame, more := frames.Next()
		name := frame.Function[strings.LastIndexByte(frame.Function, '/')+1:] // package.TestX.func1
		if words := strings.Split(name, "."); len(words) > 1 && words[1] == test {
			return sectionOf(frame.File)
		}
		if !more {
			return ""
		}
	}
}

// expectSoon is expect for what may take a while to arrive, over a network
// interface or by way of another thread of the kernel.
func expectSoon(t testing.TB, what string, get func() string) {
	t.Helper()
	patience := 20 * time.Second
	if recording {
		patience = time.Second
	}
	_, want := expected(t, what)
	start, got := time.Now(), get()
	for got != want && (want != notAsked || recording) && time.Since(start) < patience {
		runtime.Gosched()
		got = get()
	}
	expect(t, what, got)
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
	return describeAll(events)
}

// describeAll returns what a program looks at in the events of a wait.
func describeAll(events []Event) string {
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

// constant returns the number that a constant of sys/event.h has on this system. If
// it has none, the test is skipped.
func constant(t testing.TB, name string) int64 {
	t.Helper()
	list, err := allConstants()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.System == thisSystem && c.Name == name {
			return c.Value
		}
	}
	t.Skip("this system has no", name)
	return 0
}

var allConstants = sync.OnceValues(func() ([]constants.Row, error) {
	return constants.Read("../testdata/constants.tsv")
})

// filterNamed, flagNamed and noteNamed return a constant that not all systems have.
func filterNamed(t testing.TB, name string) Filter {
	t.Helper()
	return Filter(constant(t, "EVFILT_"+name))
}

func flagNamed(t testing.TB, name string) Flag {
	t.Helper()
	return Flag(constant(t, "EV_"+name))
}

func noteNamed(t testing.TB, name string) Note {
	t.Helper()
	return Note(constant(t, "NOTE_"+name))
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
		size -= len(kqtest.Read(t, fd, size))
	}
}

// sleepOn waits for a timer of the kernel, in a queue of its own.
func sleepOn(t testing.TB, period time.Duration) {
	t.Helper()
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, TimerEvent(1, period).With(FlagOneshot))
	kqtest.WaitOne(t, q)
}

// waitPending waits until q has a pending event, and leaves it there.
func waitPending(t testing.TB, q *Queue) {
	t.Helper()
	outer := kqtest.NewQueue(t)
	kqtest.Apply(t, outer, ReadEvent(int(q.Fd())))
	kqtest.WaitOne(t, outer)
	outer.Close()
}
