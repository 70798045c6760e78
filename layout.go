//go:build !freebsd && !(arm && (netbsd || openbsd))

package kqueue

// The three layout files declare Event, once for each layout of struct kevent that
// differs: on most systems it has no padding; C aligns int64_t to 8 bytes on arm
// and Go to 4; FreeBSD adds Ext. One declaration with paddings of computed size
// would not do, because Go pads a struct whose last field has size 0. sys_bsd.go
// proves each layout against that of x/sys.

// Event is the kernel's struct kevent. Passed to the kernel it is a change,
// returned by the kernel it is a triggered event. It has the layout of the C
// struct, so a []Event is passed without copying. On FreeBSD it has
// one more field, Ext [4]uint64.
//
// The section “Events” of the package comment explains the fields, and the comment
// of each Filter explains them for that filter. Source: kqueue(2) and sys/event.h
// of each system.
type Event struct {
	Ident  uintptr // what is watched
	Filter Filter  // the kind of event
	Flags  Flag    // in a change actions and options, in a triggered event conditions
	Fflags Note    // in a change what to watch for, in a triggered event what has happened
	Data   int64   // a number that depends on the filter, or an errno with FlagError
	Udata  uintptr // returned as it was passed in
}

// appendExt appends the field Ext, which FreeBSD alone has.
func (e *Event) appendExt(b []byte) []byte { return b }
