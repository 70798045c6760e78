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
)

const (
	evfiltRead   = unix.EVFILT_READ
	evfiltWrite  = unix.EVFILT_WRITE
	evfiltAIO    = unix.EVFILT_AIO
	evfiltVnode  = unix.EVFILT_VNODE
	evfiltProc   = unix.EVFILT_PROC
	evfiltSignal = unix.EVFILT_SIGNAL
	evfiltTimer  = unix.EVFILT_TIMER
)

// newKqueue makes a close-on-exec kernel queue.
func newKqueue() (int, error) {
	// No system call that x/sys wraps sets close-on-exec at creation, so a
	// concurrent fork and exec is kept out, as package os does.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Kqueue()
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

type timespec = unix.Timespec

func newTimespec(d time.Duration) timespec { return unix.NsecToTimespec(int64(d)) }

// kernelEvent is Event under x/sys's name. What the kernel has written must not
// be read as one: where its Udata is a pointer to x/sys, it is none.
type kernelEvent = unix.Kevent_t

func kernelEvents(events []Event) []kernelEvent { return *(*[]kernelEvent)(unsafe.Pointer(&events)) }

// kevent is one kevent(2) call. Without a limit it waits until an event comes.
func kevent(fd int, changes, events []kernelEvent, limit *timespec) (int, error) {
	return unix.Kevent(fd, changes, events, limit)
}

func closeDescriptor(fd int) error { return unix.Close(fd) }

func waitStatus(status uint32) syscall.WaitStatus { return syscall.WaitStatus(status) }
