//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"errors"
	"time"
)

// What the file of each system with kqueue declares about its kernel. The values
// here are those of FreeBSD, so that everything that needs no kernel works here
// too: the constructors, the methods of Event, and the names.
const (
	evfiltRead   = -1
	evfiltWrite  = -2
	evfiltAIO    = -3
	evfiltVnode  = -4
	evfiltProc   = -5
	evfiltSignal = -6
	evfiltTimer  = -7
	evfiltUser   = -11

	evfiltProcdesc = -8 // evfiltProc on systems without this filter
	noteExitStatus = 0

	systemNames = freebsdNames

	// TimerEvent passes a period as a number of units, which timerUnitNote names.
	// It does not pass less than shortestTimer units, and mishandles makes Apply
	// refuse a period above longestTimer.
	timerUnit, timerUnitNote    = time.Nanosecond, 0x8
	shortestTimer, longestTimer = 1, 1 << 30 * time.Second

	// keyFlags are the flags that belong to the key of an event.
	keyFlags = 0

	// wakeFlags are the options of the event with which Close wakes calls.
	wakeFlags = FlagClear

	// writesPastEvents says that the kernel writes the answers to changes past the
	// end of a list of events that is too short for them.
	writesPastEvents = false
)

// mishandles reports whether the kernel would accept change and get it wrong.
func (q *Queue) mishandles(change *Event) bool {
	return false
}

func newKqueue() (int, error) {
	return -1, errors.ErrUnsupported
}

type timespec struct{}

func newTimespec(time.Duration) timespec {
	return timespec{}
}

type kernelEvent = Event

func kernelEvents(events []Event) []kernelEvent {
	return events
}

func kevent(int, []kernelEvent, []kernelEvent, *timespec) (int, error) {
	return 0, errors.ErrUnsupported
}

func closedPipe() (int, error) {
	return -1, errors.ErrUnsupported
}

func closeDescriptor(int) error {
	return errors.ErrUnsupported
}
