//go:build freebsd || netbsd

package kernels_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// specialFD returns the descriptor that a system call makes, or skips the test.
func specialFD(t *testing.T, call uintptr, a, b, c uintptr) int {
	t.Helper()
	fd, _, err := unix.Syscall(call, a, b, c)
	if err != 0 {
		t.Skip("this kernel does not have it:", err)
	}
	kqtest.OwnFD(t, int(fd))
	return int(fd)
}

// The numbers of system calls are those of sys/syscall.h. x/sys lacks them.
func TestEventFD(t *testing.T) {
	var fd int
	if runtime.GOOS == "netbsd" {
		fd = specialFD(t, 267, 0, unix.O_NONBLOCK, 0) // eventfd
	} else {
		arg := struct{ value, flags uint32 }{0, 4}                                            // EFD_NONBLOCK
		fd = specialFD(t, 577, 1, uintptr(unsafe.Pointer(&arg)), uintptr(unsafe.Sizeof(arg))) // __specialfd
	}
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, reads, ReadEvent(fd))
	kqtest.Apply(t, writes, WriteEvent(fd))
	expect(t, "0, EVFILT_READ", poll(t, reads))
	expect(t, "0, EVFILT_WRITE", poll(t, writes))
	number := make([]byte, 8)
	binary.NativeEndian.PutUint64(number, 5)
	kqtest.Write(t, fd, string(number))
	expect(t, "5, EVFILT_READ", poll(t, reads))
	expect(t, "5, EVFILT_WRITE", poll(t, writes))
}

func TestTimerFD(t *testing.T) {
	create, set, clock := uintptr(585), uintptr(587), uintptr(4) // CLOCK_MONOTONIC
	if runtime.GOOS == "netbsd" {
		create, set, clock = 177, 178, 3
	}
	fd := specialFD(t, create, clock, unix.O_NONBLOCK, 0)
	q := kqtest.NewQueue(t)
	expect(t, "EVFILT_WRITE", errno(q.Apply(WriteEvent(fd))))
	kqtest.Apply(t, q, ReadEvent(fd))
	once := [2]unix.Timespec{1: unix.NsecToTimespec(1e6)}
	if _, _, err := unix.Syscall6(set, uintptr(fd), 0, uintptr(unsafe.Pointer(&once)), 0, 0, 0); err != 0 {
		t.Fatal(err)
	}
	waitPending(t, q)
	for range 2 {
		expect(t, "it has expired", poll(t, q))
	}
	kqtest.Read(t, fd, 8)
	expect(t, "after read(2)", poll(t, q))
}
