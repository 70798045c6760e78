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
	Ident  uintptr // what is watched
	Filter Filter  // the kind of event
	Flags  Flag    // in a change actions and options, in a triggered event conditions
	Fflags Note    // in a change what to watch for, in a triggered event what has happened
	_      [dataPad]byte
	Data   int64   // a number that depends on the filter, or an errno with FlagError
	Udata  uintptr // returned as it was passed in
	_      [4]byte
}

// appendExt appends the field Ext, which FreeBSD alone has.
func (e *Event) appendExt(b []byte) []byte { return b }
