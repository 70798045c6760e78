package kqueue

import "testing"

// What a kernel would get wrong is refused before any kernel sees it. No test may
// pass such a change to a kernel: this one calls the guards alone.
func TestGuards(t *testing.T) {
	guards := map[string]func(*Event) bool{
		"darwin":    darwinMishandles,
		"dragonfly": dragonflyMishandles,
		"freebsd":   freebsdMishandles,
		"netbsd":    func(e *Event) bool { return netbsdMishandles(7, e) },
		"openbsd":   openbsdMishandles,
	}
	timer := func(flags Flag, notes Note, data int64) Event {
		return NewEvent(1, FilterTimer, flags, notes, data, 0)
	}
	tests := []struct {
		name   string
		change Event
		by     []string // the systems on which it is refused
	}{
		{"descriptor", ReadEvent(5), nil},
		{"user event", UserEvent(1).With(FlagClear), nil},
		{"FilterAIO", NewEvent(1, FilterAIO, FlagAdd, 0, 0, 0), []string{"darwin"}},
		{"delete with FilterAIO", NewEvent(1, FilterAIO, FlagDelete, 0, 0, 0), []string{"darwin"}},
		{"timer", timer(FlagAdd, 0, 1), nil},
		{"timer with a unit", timer(FlagAdd, 0x1, 1), nil},
		{"timer with two units", timer(FlagAdd, 0x3, 1), []string{"freebsd"}},
		{"timer with an unknown note", timer(FlagAdd, 0x20, 1), []string{"freebsd"}},
		{"timer with a negative period", timer(FlagAdd, 0, -1), []string{"dragonfly", "freebsd", "netbsd", "openbsd"}},
		{"timer that is too long", timer(FlagAdd, 0, tooLong), []string{"dragonfly", "freebsd", "netbsd", "openbsd"}},
		{"timer with period 0", timer(FlagAdd, 0, 0), []string{"netbsd"}},
		{"timer at time 0", timer(FlagAdd, 0x10, 0), nil},
		{"delete of a timer", timer(FlagDelete, 0, -1), nil},
		{"the queue's own descriptor", ReadEvent(7), []string{"netbsd"}},
	}
	if FilterRead != 0 { // on NetBSD, filter 0 is FilterRead
		tests = append(tests, struct {
			name   string
			change Event
			by     []string
		}{"filter 0", NewEvent(5, 0, FlagAdd, 0, 0, 0), []string{"freebsd"}})
	}
	for _, test := range tests {
		refused := make(map[string]bool)
		for _, system := range test.by {
			refused[system] = true
		}
		for system, guard := range guards {
			if FilterRead == 0 && system == "freebsd" && test.change.Filter == 0 {
				continue // the filter 0 of this host
			}
			if got := guard(&test.change); got != refused[system] {
				t.Errorf("%s: %s is refused: %v", system, test.name, got)
			}
		}
	}
}
