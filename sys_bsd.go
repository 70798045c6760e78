//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel reads and writes []Event in place, so Event must be laid out as
// unix.Kevent_t is. Each line fails to compile where the two numbers differ.
var (
	_ [unsafe.Sizeof(Event{})]byte          = [unsafe.Sizeof(unix.Kevent_t{})]byte{}
	_ [unsafe.Offsetof(Event{}.Ident)]byte  = [unsafe.Offsetof(unix.Kevent_t{}.Ident)]byte{}
	_ [unsafe.Offsetof(Event{}.Filter)]byte = [unsafe.Offsetof(unix.Kevent_t{}.Filter)]byte{}
	_ [unsafe.Offsetof(Event{}.Flags)]byte  = [unsafe.Offsetof(unix.Kevent_t{}.Flags)]byte{}
	_ [unsafe.Offsetof(Event{}.Fflags)]byte = [unsafe.Offsetof(unix.Kevent_t{}.Fflags)]byte{}
	_ [unsafe.Offsetof(Event{}.Data)]byte   = [unsafe.Offsetof(unix.Kevent_t{}.Data)]byte{}
	_ [unsafe.Offsetof(Event{}.Udata)]byte  = [unsafe.Offsetof(unix.Kevent_t{}.Udata)]byte{}

	_ [unsafe.Sizeof(Event{}.Ident)]byte  = [unsafe.Sizeof(unix.Kevent_t{}.Ident)]byte{}
	_ [unsafe.Sizeof(Event{}.Filter)]byte = [unsafe.Sizeof(unix.Kevent_t{}.Filter)]byte{}
	_ [unsafe.Sizeof(Event{}.Flags)]byte  = [unsafe.Sizeof(unix.Kevent_t{}.Flags)]byte{}
	_ [unsafe.Sizeof(Event{}.Fflags)]byte = [unsafe.Sizeof(unix.Kevent_t{}.Fflags)]byte{}
	_ [unsafe.Sizeof(Event{}.Data)]byte   = [unsafe.Sizeof(unix.Kevent_t{}.Data)]byte{}
	_ [unsafe.Sizeof(Event{}.Udata)]byte  = [unsafe.Sizeof(unix.Kevent_t{}.Udata)]byte{}
)

// newKqueue makes a close-on-exec kernel queue.
func newKqueue() (int, error) {
	// No system call that x/sys wraps sets close-on-exec at creation, so a
	// concurrent fork and exec is kept out, as package os does.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Kqueue()
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	return fd, nil
}

// kevent is one kevent(2) call. A negative timeout waits for ever.
func kevent(fd int, changes, events []Event, timeout time.Duration) (int, error) {
	var limit *unix.Timespec
	if timeout >= 0 {
		ts := unix.NsecToTimespec(int64(timeout))
		limit = &ts
	}
	return unix.Kevent(fd, kernelEvents(changes), kernelEvents(events), limit)
}

// kernelEvents is events under x/sys's name for them. The result must not be
// read in Go: where its Udata is a pointer, what stands there is none.
func kernelEvents(events []Event) []unix.Kevent_t {
	return unsafe.Slice((*unix.Kevent_t)(unsafe.Pointer(unsafe.SliceData(events))), len(events))
}

// closedPipe returns the read end of a pipe that has no writer any more.
func closedPipe() (int, error) {
	var p [2]int
	syscall.ForkLock.RLock()
	err := unix.Pipe(p[:])
	if err == nil {
		unix.CloseOnExec(p[0])
		unix.CloseOnExec(p[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	unix.Close(p[1])
	return p[0], nil
}

func closeDescriptor(fd int) error {
	return unix.Close(fd)
}
