//go:build !freebsd && !(arm && (netbsd || openbsd))

package kqueue

// Event is struct kevent: a change on its way into the kernel, a triggered
// event on its way out. It has the kernel's own layout, so a []Event is handed
// over without a copy. On FreeBSD it has one field more, Ext [4]uint64.
//
// The section “Events” of the package comment says what each field means in
// and out; the comment of each Filter says it for that filter. Source:
// kqueue(2) and sys/event.h of each system.
type Event struct {
	// Ident is what is watched: a descriptor, a process id, a signal number,
	// or a free number. With Filter it is the key of the event in its queue.
	Ident uintptr

	// Filter says what kind of thing Ident is.
	Filter Filter

	// Flags are actions (FlagAdd, FlagDelete, …) on the way in, conditions
	// (FlagEOF, FlagError) on the way out.
	Flags Flag

	// Fflags are the filter's own flags: what to watch on the way in, what
	// happened on the way out.
	Fflags Note

	// Data is the filter's own number: bytes, a period, a count, a status.
	Data int64

	// Udata belongs to the user; the kernel keeps it and hands it back. It
	// holds a number, never a Go pointer: see “Udata” in the package comment.
	Udata uintptr
}
