//go:build netbsd || openbsd

package kqueue

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// See layout.go. dataPad is the padding before Data.
const dataPad = unsafe.Offsetof(unix.Kevent_t{}.Data) - unsafe.Offsetof(unix.Kevent_t{}.Fflags) - 4

// Event is the kernel's struct kevent. Passed to the kernel it is a change,
// returned by the kernel it is a triggered event. It has the layout of the C
// struct, so a []Event is passed without copying.
//
// The section “Events” of the package comment explains the fields, and the comment
// of each Filter explains them for that filter. Source: kqueue(2) and sys/event.h
// of each system.
type Event struct {
	// Ident identifies what is watched: a descriptor, a process ID, a signal
	// number, or a number that the program chooses. A queue has one event for
	// each pair of Ident and Filter.
	Ident uintptr

	// Filter is the kind of event.
	Filter Filter

	// Flags are actions and options in a change (FlagAdd, FlagClear, …), and
	// conditions in a triggered event (FlagEOF, FlagError).
	Flags Flag

	// Fflags are what to watch for in a change, and what happened in a triggered
	// event. Their meaning depends on the filter.
	Fflags Note

	_ [dataPad]byte

	// Data is a number whose meaning depends on the filter: bytes, a period, a
	// count, a status. With FlagError it is an errno.
	Data int64

	// Udata is returned as it was passed in. It holds an integer: see “Udata” in
	// the package comment.
	Udata uintptr

	_ [4]byte
}

// appendExt appends the field Ext, which FreeBSD alone has.
func (e *Event) appendExt(b []byte) []byte { return b }
