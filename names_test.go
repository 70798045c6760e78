package kqueue

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-kqueue/kqueue/internal/constants"
)

var allNames = map[string]*names{
	"darwin":    &darwinNames,
	"dragonfly": &dragonflyNames,
	"freebsd":   &freebsdNames,
	"netbsd":    &netbsdNames,
	"openbsd":   &openbsdNames,
}

func readConstants(t testing.TB) []constants.Row {
	t.Helper()
	list, err := constants.Read("testdata/constants.tsv")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (n *names) number(t testing.TB, filter string) Filter {
	t.Helper()
	for _, f := range n.filters {
		if f.name == filter {
			return Filter(f.number)
		}
	}
	t.Fatalf("no filter %s", filter)
	return 0
}

// Every constant of every system is printed by its name.
func TestNamesAreComplete(t *testing.T) {
	filters := make(map[string]int)
	for _, c := range readConstants(t) {
		n := allNames[c.System]
		switch {
		case c.Group == "filter":
			filters[c.System]++
			if got, want := n.filterText(Filter(c.Value)), strings.TrimPrefix(c.Name, "EVFILT_"); got != want {
				t.Errorf("%s: filter %d prints as %s, want %s", c.System, c.Value, got, want)
			}
		case c.Name == "EV_DISPATCH2": // two flags
			if got := n.flagsText(Flag(c.Value)); got != "DISPATCH|UDATA_SPECIFIC" {
				t.Errorf("%s: EV_DISPATCH2 prints as %s", c.System, got)
			}
		case c.Group == "flag":
			if got, want := n.flagsText(Flag(c.Value)), strings.TrimPrefix(c.Name, "EV_"); got != want {
				t.Errorf("%s: flag %#x prints as %s, want %s", c.System, c.Value, got, want)
			}
		case c.Value == 0, strings.HasSuffix(c.Name, "MASK"): // nothing to print
		default:
			for _, filter := range constants.Filters(c.Group) {
				got := n.notesText(n.number(t, filter), Note(c.Value))
				if want := strings.TrimPrefix(c.Name, "NOTE_"); got != want {
					t.Errorf("%s: note %#x of %s prints as %s, want %s", c.System, c.Value, filter, got, want)
				}
			}
		}
	}
	for system, n := range allNames {
		if got := len(n.filters); got != filters[system] {
			t.Errorf("%s: %d filters have names, want %d", system, got, filters[system])
		}
	}
}

func TestNotesTextBySystem(t *testing.T) {
	tests := []struct {
		system, filter string
		notes          Note
		want           string
	}{
		{"freebsd", "READ", 0x3, "LOWAT|FILE_POLL"},
		{"openbsd", "READ", 0x3, "LOWAT|EOF"},
		{"netbsd", "READ", 0x3, "LOWAT|0x2"},
		{"freebsd", "VNODE", 0x81, "DELETE|OPEN"},
		{"openbsd", "VNODE", 0x81, "DELETE|TRUNCATE"},
		{"darwin", "VNODE", 0x81, "DELETE|NONE"},
		{"dragonfly", "VNODE", 0x81, "DELETE|0x80"},
		{"netbsd", "PROC", 0x80000001, "EXIT|TRACK"},
		{"openbsd", "DEVICE", 0x1, "CHANGE"},
		{"openbsd", "EXCEPT", 0x4, "OOB"},
		{"darwin", "EXCEPT", 0x2, "OOB"},
		{"freebsd", "TIMER", 0x1, "SECONDS"},
		{"freebsd", "TIMER", 0x3, "SECONDS|MSECONDS"},
		{"freebsd", "TIMER", 0x18, "NSECONDS|ABSTIME"},
		{"darwin", "TIMER", 0x3, "SECONDS|USECONDS"},
		{"darwin", "TIMER", 0x18, "ABSOLUTE|LEEWAY"},
		{"netbsd", "TIMER", 0x2, "USECONDS"},
		{"netbsd", "TIMER", 0x3, "NSECONDS"},
		{"openbsd", "TIMER", 0x13, "NSECONDS|ABSTIME"},
		{"openbsd", "TIMER", 0x10, "ABSTIME"},
		{"dragonfly", "TIMER", 0x1, "0x1"},
		{"freebsd", "USER", 0x40000000, "FFAND"},
		{"netbsd", "USER", 0x80000005, "FFOR|0x5"},
		{"openbsd", "USER", 0xc1000000, "FFCOPY|TRIGGER"},
		{"darwin", "USER", 0xffffff, "0xffffff"},
		{"dragonfly", "USER", 0x3e000001, "0x3e000001"},
		{"freebsd", "JAIL", 0x18000000, "JAIL_REMOVE|JAIL_MULTI"},
		{"freebsd", "PROCDESC", 0x90000000, "EXIT|PDSIGCHLD"},
		{"freebsd", "PROC", 0x90000000, "EXIT|0x10000000"},
		{"darwin", "PROC", 0x94000000, "EXIT|REAP|EXITSTATUS"},
		{"freebsd", "SIGNAL", 0x7, "0x7"},
	}
	for _, test := range tests {
		n := allNames[test.system]
		if got := n.notesText(n.number(t, test.filter), test.notes); got != test.want {
			t.Errorf("%s: %s %#x is %s, want %s", test.system, test.filter, uint32(test.notes), got, test.want)
		}
	}
}

// A filter without a name is a number, negative ones too where Filter is unsigned.
func TestUnknownFilterText(t *testing.T) {
	for system, n := range allNames {
		for _, number := range []int{-99, 99} {
			if got, want := n.filterText(Filter(number)), fmt.Sprintf("Filter(%d)", number); got != want {
				t.Errorf("%s: got %s, want %s", system, got, want)
			}
		}
	}
}

// parseBits returns the bits that text names.
func parseBits(t testing.TB, text string, known ...[]bitName) uint32 {
	t.Helper()
	var bits uint32
words:
	for _, word := range strings.Split(text, "|") {
		for _, list := range known {
			for _, k := range list {
				if k.name == word {
					bits |= k.bits
					continue words
				}
			}
		}
		n, err := strconv.ParseUint(word, 0, 32)
		if err != nil {
			t.Fatalf("%q in %q is neither a name nor a number", word, text)
		}
		bits |= uint32(n)
	}
	return bits
}

// checkBits checks that the names of every system print exactly the given bits.
func checkBits(t testing.TB, flags uint32, notes uint32) {
	t.Helper()
	for system, n := range allNames {
		if text := n.flagsText(Flag(flags)); Flag(parseBits(t, text, flagNames, n.flags, conditionNames)) != Flag(flags) {
			t.Errorf("%s: flags %#x print as %s", system, flags, text)
		} else if got := string(n.appendFlags(nil, Flag(flags))); got != text {
			t.Errorf("%s: flags %#x print as %s, in an event as %s", system, flags, text, got)
		}
		for _, f := range n.filters {
			if text := n.notesText(Filter(f.number), Note(notes)); parseBits(t, text, f.notes, f.more) != notes {
				t.Errorf("%s: notes %#x of %s print as %s", system, notes, f.name, text)
			} else if got := string(n.appendNotes(nil, Filter(f.number), Note(notes))); got != text {
				t.Errorf("%s: notes %#x of %s print as %s, in an event as %s", system, notes, f.name, text, got)
			}
		}
	}
}

func TestEveryBitIsPrinted(t *testing.T) {
	checkBits(t, 0, 0)
	for bit := range 32 {
		checkBits(t, 1<<bit, 1<<bit)
		checkBits(t, ^uint32(1<<bit), ^uint32(1<<bit))
	}
}

func FuzzEventString(f *testing.F) {
	f.Add(uint64(5), int32(-1), uint32(0x8020), uint32(0x36), int64(12), uint64(0))
	f.Add(uint64(9), int32(-5), uint32(0x8010), uint32(0x80000000), int64(256), uint64(1)<<63)
	f.Add(uint64(0), int32(-128), uint32(0x4000), uint32(0xffffffff), int64(-1), uint64(7))
	f.Fuzz(func(t *testing.T, ident uint64, filter int32, flags, notes uint32, data int64, udata uint64) {
		checkBits(t, flags, notes)
		e := NewEvent(uintptr(ident), Filter(filter), Flag(flags), Note(notes), data, uintptr(udata))
		text := e.String()
		if !strings.HasPrefix(text, fmt.Sprintf("%v(%d)", e.Filter, e.Ident)) &&
			!strings.HasPrefix(text, fmt.Sprintf("%v(%d)", e.Filter, int(e.Ident))) {
			t.Errorf("%q does not begin with the filter and ident", text)
		}
		if e.Flags != 0 && !strings.Contains(text, " "+e.Flags.String()) {
			t.Errorf("%q lacks the flags %v", text, e.Flags)
		}
		if e.Fflags != 0 && !strings.Contains(text, " fflags=") {
			t.Errorf("%q lacks the fflags", text)
		}
		if e.Data != 0 && !strings.Contains(text, fmt.Sprintf(" data=%d", e.Data)) {
			t.Errorf("%q lacks the data", text)
		}
		if e.Udata != 0 && !strings.HasSuffix(text, fmt.Sprintf(" udata=%#x", e.Udata)) {
			t.Errorf("%q lacks the udata", text)
		}
	})
}
