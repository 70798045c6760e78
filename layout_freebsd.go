package kqueue

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// See layout.go. eventPad is the padding before Data and before Ext: 0 but on arm.
const eventPad = unsafe.Offsetof(unix.Kevent_t{}.Data) - unsafe.Offsetof(unix.Kevent_t{}.Fflags) - 4

// sys_bsd.go compares the offsets of the fields that all systems have.
var _ [unsafe.Offsetof(Event{}.Ext)]byte = [unsafe.Offsetof(unix.Kevent_t{}.Ext)]byte{}

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
	_      [eventPad]byte
	Data   int64   // a number that depends on the filter, or an errno with FlagError
	Udata  uintptr // returned as it was passed in
	_      [eventPad]byte

	// Ext holds more integers that are returned as they were passed in, except by
	// FilterAIO and FilterLIO. They are those of the change that first added the
	// event: unlike Udata, later changes do not overwrite them. The events of a
	// child that NoteTrack follows have 0. FreeBSD 12 and later have this field.
	// Source: kqueue(2), kern_event.c.
	Ext [4]uint64
}

// appendExt appends the field Ext if it is not zero.
func (e *Event) appendExt(b []byte) []byte {
	if e.Ext == [4]uint64{} {
		return b
	}
	return fmt.Appendf(b, " ext=%#x", e.Ext)
}
