//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import (
	"errors"
	"syscall"
	"time"
	"unsafe"
)

// What the file of each system with kqueue declares about its kernel. The values
// here are those of FreeBSD, so that everything that needs no kernel works here
// too: the constructors, the methods of Event, and the names.
const (
	evfiltRead     = -1
	evfiltWrite    = -2
	evfiltAIO      = -3
	evfiltVnode    = -4
	evfiltProc     = -5
	evfiltSignal   = -6
	evfiltTimer    = -7
	evfiltUser     = -11
	evfiltProcdesc = -8
	noteExitStatus = 0
	timerUnit      = time.Nanosecond
	timerUnitNote  = 0x8
	shortestTimer  = 1
	longestTimer   = 1 << 30 * time.Second
	keyFlags       = 0
)

// These are variables so that the simulation can be like other kernels too.
var (
	wakeFlags        = FlagClear
	writesPastEvents = false
	longestCall      = 24 * time.Hour
	renewForever     = false
	spuriousErrno    = syscall.EINTR
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &freebsdNames

func kernelMishandles(queue int, change *Event) bool { return freebsdMishandles(change) }

type timespec struct{ d time.Duration }

func newTimespec(d time.Duration) timespec { return timespec{d} }

type kernelEvent = Event

func kernelEvents(events []Event) []kernelEvent { return events }

// The system calls. Without kqueue(2) there is no Queue, and so no use for the
// others. On Linux, the tests of this package put a simulated kernel here.
var (
	newKqueue       = func() (int, error) { return -1, errors.ErrUnsupported }
	kevent          func(fd int, changes, events []kernelEvent, limit *timespec) (int, error)
	closedPipe      func() (int, error)
	closeDescriptor func(fd int) error
)

func waitStatus(status uint32) syscall.WaitStatus {
	// It is a uint32 or, on Windows, a struct of one.
	return *(*syscall.WaitStatus)(unsafe.Pointer(&status))
}
