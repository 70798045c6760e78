package kqueue

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kqueue/kqueue/internal/constants"
)

// What a kernel would get wrong is refused before any kernel sees it. No test may
// pass such a change to a kernel: these call the guards alone, those of all systems
// on any host.

const guardedQueue = 7 // the descriptor of the queue that the guards are asked about

var guards = map[string]func(*Event) bool{
	"darwin":    darwinMishandles,
	"dragonfly": dragonflyMishandles,
	"freebsd":   freebsdMishandles,
	"netbsd":    func(e *Event) bool { return netbsdMishandles(guardedQueue, e) },
	"openbsd":   openbsdMishandles,
}

// wantGuard checks whether the guard of system refuses change, and that it does not
// modify it.
func wantGuard(t *testing.T, system, name string, change Event, refused bool) {
	t.Helper()
	if FilterRead == 0 && system == "freebsd" && change.Filter == 0 {
		return // on NetBSD, filter 0 is FilterRead, which FreeBSD refuses
	}
	before := change
	if got := guards[system](&change); got != refused {
		t.Errorf("%s: %s is refused: %v: %+v", system, name, got, change)
	}
	if change != before {
		t.Errorf("%s: %s: the guard made %+v of %+v", system, name, change, before)
	}
}

const day = 24 * 60 * 60 * 1000 // in milliseconds

// longestPeriods has the longest period that each unit of a timer can be given, by
// its note. On NetBSD, OpenBSD and macOS the kernel itself refuses longer ones.
var longestPeriods = map[string]map[Note]int64{
	"darwin":    {0: math.MaxInt64, 0x1: math.MaxInt64, 0x2: math.MaxInt64, 0x4: math.MaxInt64},
	"dragonfly": {0: 248 * day},
	"freebsd":   {0: 1 << 30 * 1e3, 0x1: 1 << 30, 0x2: 1 << 30 * 1e3, 0x4: 1 << 30 * 1e6, 0x8: 1 << 30 * 1e9},
	"netbsd":    {0: math.MaxInt64, 0x1: math.MaxInt64, 0x2: math.MaxInt64, 0x3: math.MaxInt64},
	"openbsd":   {0: math.MaxInt64, 0x1: math.MaxInt64, 0x2: math.MaxInt64, 0x3: math.MaxInt64},
}

const absolute = 0x10 // NoteAbstime of FreeBSD, NetBSD and OpenBSD

// No guard refuses what the constructors make and the methods of Event make of it,
// with any flag and note of the system.
func TestGuardsLetThrough(t *testing.T) {
	rows := readConstants(t)
	for system := range guards {
		var flags []Flag
		filters := make(map[string]Filter)
		notes := make(map[string][]Note)
		for _, c := range rows {
			switch {
			case c.System != system:
			case c.Group == "flag":
				flags = append(flags, Flag(c.Value))
			case c.Group == "filter":
				filters[strings.TrimPrefix(c.Name, "EVFILT_")] = Filter(c.Value)
			default:
				for _, filter := range constants.Filters(c.Group) {
					notes[filter] = append(notes[filter], Note(c.Value))
				}
			}
		}
		if len(flags) < 10 || len(filters) < 10 || len(notes["VNODE"]) < 7 {
			t.Fatalf("%s: got the flags %v, filters %v, notes of files %v", system, flags, filters, notes["VNODE"])
		}

		count := 0
		check := func(e Event) {
			t.Helper()
			changes := []Event{e, e.Delete(), e.Enable(), e.Disable(), e.Trigger(), e.WithUdata(math.MaxUint)}
			for _, flag := range flags {
				changes = append(changes, e.With(flag))
			}
			for _, change := range changes {
				count++
				wantGuard(t, system, "a good change", change, false)
			}
		}
		// checkNotes checks e with each note of its filter, and with all of them.
		checkNotes := func(filter string, e Event) {
			t.Helper()
			all := Note(0)
			check(e)
			for _, note := range notes[filter] {
				all |= note
				e.Fflags = note
				check(e)
			}
			e.Fflags = all
			check(e)
		}
		for _, fd := range []int{-1, 0, 1, guardedQueue + 1, math.MaxInt32} {
			checkNotes("READ", ReadEvent(fd))
			checkNotes("WRITE", WriteEvent(fd))
			checkNotes("VNODE", VnodeEvent(fd, 0))
		}
		checkNotes("WRITE", WriteEvent(guardedQueue)) // a kernel refuses it itself
		checkNotes("VNODE", VnodeEvent(guardedQueue, 0))
		// Idents that are no descriptors may be any numbers, and Data too.
		for _, ident := range []uintptr{guardedQueue, math.MaxInt32 + 1, math.MaxUint - 1, math.MaxUint} {
			for _, data := range []int64{-1, math.MaxInt64, math.MinInt64} {
				proc, user := ProcEvent(int(ident), 0), UserEvent(ident)
				proc.Data, user.Data = data, data
				checkNotes("PROC", proc)
				checkNotes("USER", user)
			}
		}
		for sig := range 33 {
			check(SignalEvent(syscall.Signal(sig)))
		}
		for name, filter := range filters {
			switch name {
			case "READ", "WRITE", "VNODE", "PROC", "SIGNAL", "TIMER", "USER": // those of this host are above
			case "AIO":
				if system != "darwin" {
					checkNotes(name, NewEvent(5, FilterAIO, FlagAdd, 0, -1, 0))
				}
			default:
				checkNotes(name, NewEvent(5, filter, FlagAdd, 0, -1, 0))
			}
		}

		for unit, longest := range longestPeriods[system] {
			for _, data := range []int64{1, 2, 1000, longest - 1, longest} {
				for _, ident := range []uintptr{0, guardedQueue, math.MaxUint - 1, math.MaxUint} {
					check(NewEvent(ident, FilterTimer, FlagAdd, unit, data, 0))
				}
				for _, note := range notes["TIMER"] {
					if slices.Contains([]string{"freebsd", "netbsd", "openbsd"}, system) && note != absolute {
						continue // the units, which are no flags
					}
					check(NewEvent(1, FilterTimer, FlagAdd, unit|note, data, 0))
				}
			}
			// Without FlagAdd, most kernels do not look at the period.
			for _, data := range []int64{0, -1, tooLong, math.MaxInt64} {
				timer := NewEvent(1, FilterTimer, FlagAdd, unit, data, 0)
				wantGuard(t, system, "a timer without FlagAdd", timer.Delete(), false)
				wantGuard(t, system, "a timer without FlagAdd", timer.Delete().With(FlagDelete|FlagReceipt), false)
				if system != "dragonfly" {
					wantGuard(t, system, "a timer without FlagAdd", timer.Enable(), false)
					wantGuard(t, system, "a timer without FlagAdd", timer.Disable(), false)
				}
			}
			if system != "netbsd" {
				check(NewEvent(1, FilterTimer, FlagAdd, unit, 0, 0))
			}
			if system != "dragonfly" { // which has no absolute times
				check(NewEvent(1, FilterTimer, FlagAdd, unit|absolute, 0, 0))
				check(NewEvent(1, FilterTimer, FlagAdd, unit|absolute, 1<<30+1, 0))
				if system != "freebsd" {
					check(NewEvent(1, FilterTimer, FlagAdd, unit|absolute, math.MaxInt64-1, 0))
				}
			}
		}
		if count < 3000 {
			t.Errorf("%s: only %d changes were tried", system, count)
		}
	}
}

// Each system refuses these changes, and the others do not.
func TestGuardsRefuse(t *testing.T) {
	timer := func(flags Flag, notes Note, data int64) Event {
		return NewEvent(1, FilterTimer, flags, notes, data, 0)
	}
	type row struct {
		name   string
		change Event
		by     string // the systems on which it is refused
	}
	const bsds = "dragonfly freebsd netbsd openbsd"
	tests := []row{
		{"FilterAIO", NewEvent(1, FilterAIO, FlagAdd, 0, 0, 0), "darwin"},
		{"FilterAIO without FlagAdd", NewEvent(1, FilterAIO, FlagEnable, 0, 0, 0), "darwin"},
		{"delete with FilterAIO", NewEvent(1, FilterAIO, FlagDelete, 0, 0, 0), "darwin"},

		{"the queue itself", ReadEvent(guardedQueue), "netbsd"},
		{"the queue itself, cleared", ReadEvent(guardedQueue).With(FlagClear | FlagReceipt), "netbsd"},
		{"the queue itself, disabled", ReadEvent(guardedQueue).With(FlagDisable), "netbsd"},

		{"two units", timer(FlagAdd, 0x3, 1), "freebsd"},
		{"three units", timer(FlagAdd, 0x7, 1), "freebsd netbsd"},
		{"two units and an absolute time", timer(FlagAdd, 0x3|absolute, 1), "freebsd"},
		{"an unknown note", timer(FlagAdd, 0x20, 1), "freebsd netbsd"},
		{"a time in 2037", timer(FlagAdd, 0x11, 1<<31-1), ""},
		{"a time in 2038", timer(FlagAdd, 0x11, 1<<31), "freebsd"},
		{"a negative period, FlagAdd and FlagDelete", timer(FlagAdd|FlagDelete, 0, -1), bsds},
		{"an unknown high note", timer(FlagAdd, 1<<31, 1), "freebsd netbsd"},
		{"an unknown note without FlagAdd", timer(FlagEnable, 0x20, 1), ""},

		{"period 0", timer(FlagAdd, 0, 0), "netbsd"},
		{"period 0 of seconds", timer(FlagAdd, 0x1, 0), "netbsd"},
		{"period 0 without FlagAdd", timer(FlagEnable, 0, 0), ""},
		{"negative absolute time", timer(FlagAdd, absolute, -1), bsds},
		{"the last absolute time", timer(FlagAdd, absolute, math.MaxInt64), "dragonfly freebsd"},
		{"tooLong", timer(FlagAdd, 0, tooLong), bsds},
		{"tooLong without FlagAdd", timer(FlagEnable, 0, tooLong), "dragonfly"},
		{"tooLong in a delete", timer(FlagDelete, 0, tooLong), ""},

		{"248 days", timer(FlagAdd, 0, 248*day), ""},
		{"more than 248 days", timer(FlagAdd, 0, 248*day+1), "dragonfly"},
		{"more than 248 days, enabled", timer(FlagEnable, 0, 248*day+1), "dragonfly"},
		{"more than 248 days, disabled", timer(FlagDisable, 0, 248*day+1), "dragonfly"},
		{"more than 248 days, without flags", timer(0, 0, 248*day+1), "dragonfly"},
		{"more than 248 days, deleted", timer(FlagDelete, 0, 248*day+1), ""},
		{"the longest number", timer(FlagAdd, 0, math.MaxInt64), "dragonfly freebsd"},
	}
	for _, flags := range []Flag{FlagAdd, FlagAdd | FlagOneshot, FlagAdd | FlagDisable, FlagAdd | FlagReceipt} {
		tests = append(tests, row{"a negative period", timer(flags, 0, -1), bsds})
	}
	for _, flags := range []Flag{0, FlagEnable, FlagDisable, FlagReceipt, FlagOneshot} {
		tests = append(tests, row{"a negative period without FlagAdd", timer(flags, 0, -1), "dragonfly"})
	}
	// Beyond the range of FreeBSD, in each of its units. DragonFly takes any of these
	// numbers for milliseconds.
	for unit, longest := range longestPeriods["freebsd"] {
		by := "freebsd"
		if longest+1 > 248*day {
			by = "dragonfly freebsd"
		}
		others := strings.TrimSuffix(by, "freebsd")
		if unit > 0x3 { // which NetBSD does not know
			by, others = by+" netbsd", others+" netbsd"
		}
		tests = append(tests,
			row{"too long", timer(FlagAdd, unit, longest+1), by},
			row{"much too long", timer(FlagAdd|FlagReceipt, unit, math.MaxInt64), by + " dragonfly"},
			row{"too long without FlagAdd", timer(FlagEnable, unit, longest+1), strings.TrimSuffix(others, "netbsd")},
			row{"the longest", timer(FlagAdd, unit, longest), others},
			row{"a late absolute time", timer(FlagAdd, unit|absolute, longest+1), others},
			row{"an absolute time after 2038", timer(FlagAdd, unit|absolute, 2*longest), by},
			row{"a negative period with a unit", timer(FlagAdd, unit, -1), bsds},
		)
	}
	if FilterRead != 0 { // on NetBSD, filter 0 is FilterRead
		tests = append(tests,
			row{"filter 0", NewEvent(5, 0, FlagAdd, 0, 0, 0), "freebsd"},
			row{"delete with filter 0", NewEvent(5, 0, FlagDelete, 0, 0, 0), "freebsd"},
			row{"nothing", Event{}, "freebsd"},
		)
	}
	if bits.UintSize == 64 {
		for _, ident := range []uint64{1 << 32, 1<<32 + 5, 1 << 40, 1<<63 + 3, math.MaxInt32 | 1<<62} {
			for _, filter := range []Filter{FilterRead, FilterWrite, FilterVnode, dragonflyExcept} {
				for _, flags := range []Flag{FlagAdd, FlagDelete, FlagEnable, 0} {
					tests = append(tests, row{"a descriptor above 32 bits", NewEvent(uintptr(ident), filter, flags, 0, 0, 0), "dragonfly"})
				}
			}
			for _, filter := range []Filter{FilterTimer, FilterUser, FilterProc, FilterSignal, ^Filter(9) /* FilterFS */} {
				tests = append(tests, row{"an ident above 32 bits", NewEvent(uintptr(ident), filter, FlagAdd, 0, 1, 0), ""})
			}
		}
		for _, ident := range []uint64{math.MaxUint64, 1 << 31, math.MaxUint32} { // the kernel answers EBADF
			for _, filter := range []Filter{FilterRead, FilterWrite, FilterVnode, dragonflyExcept} {
				tests = append(tests, row{"a negative descriptor", NewEvent(uintptr(ident), filter, FlagAdd, 0, 0, 0), ""})
			}
		}
	}
	for _, test := range tests {
		for system := range guards {
			wantGuard(t, system, test.name, test.change, slices.Contains(strings.Fields(test.by), system))
		}
	}
}

// On every system, the user event that belongs to Close is kept from the kernel,
// besides what the guard of this system refuses.
func TestMishandled(t *testing.T) {
	user := UserEvent(^uintptr(0))
	for _, change := range []Event{
		user, user.With(FlagClear), user.Delete(), user.Enable(), user.Disable(), user.Trigger(),
		user.With(FlagReceipt), user.WithUdata(1), NewEvent(^uintptr(0), FilterUser, 0, 0, 0, 0),
	} {
		if !mishandled(guardedQueue, &change) {
			t.Errorf("%v is not refused", change)
		}
	}
	system := runtime.GOOS
	if system == "ios" {
		system = "darwin"
	} else if guards[system] == nil {
		system = "freebsd"
	}
	for _, change := range []Event{
		UserEvent(^uintptr(0) - 1), UserEvent(0), ReadEvent(-1), NewEvent(^uintptr(0), FilterSignal, FlagAdd, 0, 0, 0), ProcEvent(-1, NoteExit),
		NewEvent(^uintptr(0), FilterTimer, FlagAdd, 0, 1, 0), ReadEvent(5), ReadEvent(guardedQueue),
		NewEvent(1, FilterAIO, FlagAdd, 0, 0, 0), NewEvent(1, FilterTimer, FlagAdd, 0, -1, 0),
		NewEvent(1, FilterTimer, FlagAdd, 0, 0, 0), NewEvent(1, FilterTimer, FlagAdd, 0x3, 1, 0),
		NewEvent(1, FilterTimer, FlagEnable, 0, -1, 0), NewEvent(5, 0, FlagAdd, 0, 0, 0),
	} {
		if got, want := mishandled(guardedQueue, &change), guards[system](&change); got != want {
			t.Errorf("%v is refused: %v; the guard of %s says %v", change, got, system, want)
		}
	}
}

// The guard of this system refuses what TimerEvent makes of a period that is too
// long, and nothing else that TimerEvent makes.
func TestGuardOfTimerEvent(t *testing.T) {
	for _, period := range []time.Duration{
		math.MinInt64, -1, 0, 1, 41, 999, time.Microsecond, time.Millisecond, time.Hour, longestTimer - 1, longestTimer,
	} {
		if change := TimerEvent(1, period); mishandled(guardedQueue, &change) {
			t.Errorf("%v is refused", change)
		}
	}
	if longest := time.Duration(longestTimer); longest < math.MaxInt64 {
		for _, period := range []time.Duration{longest + 1, math.MaxInt64} {
			if change := TimerEvent(1, period); !mishandled(guardedQueue, &change) {
				t.Errorf("%v, of the period %v, is not refused", change, period)
			}
		}
	}
}
