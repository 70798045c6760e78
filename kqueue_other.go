//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package kqueue

import "time"

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
	longestTimer   = freebsdLongestTimer
	keyFlags       = 0
	maxBatch       = 1024
)

// These are variables so that the simulation can be like other kernels too.
var (
	wakeFlags        = FlagClear
	writesPastEvents = false
	longestCall      = 24 * time.Hour
)

type kernelFilter = int16
type kernelFlag = uint16

var systemNames = &freebsdNames

func kernelMishandles(queue int, change *Event) bool { return freebsdMishandles(change) }
