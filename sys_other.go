//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"errors"
	"time"
)

// The numbers are FreeBSD's: some number must stand behind each name, so that
// what needs no kernel (constructors, decoding, String) works here too.
const (
	evfiltRead   = -1
	evfiltWrite  = -2
	evfiltAIO    = -3
	evfiltVnode  = -4
	evfiltProc   = -5
	evfiltSignal = -6
	evfiltTimer  = -7
	evfiltUser   = -11

	evfiltProcdesc = -8

	noteExitStatus = 0

	systemNames = freebsdNames

	timerUnit, timerUnitNote    = time.Nanosecond, 0x8
	shortestTimer, longestTimer = 1, 1 << 30 * time.Second

	keyFlags                    = 0
	wakeFlags, writesPastEvents = FlagClear, false
)

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
