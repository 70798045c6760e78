//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"runtime"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// openFreeBSDPTY opens a pseudo-terminal where it takes a system call.
var openFreeBSDPTY func(t testing.TB) (master int, slave string)

// openPTY opens both sides of a pseudo-terminal.
func openPTY(t testing.TB) (master, slave int) {
	t.Helper()
	master, name := -1, ""
	if openFreeBSDPTY != nil {
		master, name = openFreeBSDPTY(t)
	} else {
		for _, unit := range []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"} {
			fd, err := unix.Open("/dev/pty"+unit, unix.O_RDWR|unix.O_NOCTTY, 0)
			if err == nil {
				master, name = fd, "/dev/tty"+unit
				break
			}
		}
	}
	if master < 0 {
		t.Skipf("no free /dev/ptyp0 to /dev/ptyp7 on this %s", runtime.GOOS)
	}
	slave, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		unix.Close(master)
		t.Skipf("%s: %v", name, err)
	}
	return master, slave
}

func TestPTY(t *testing.T) {
	q := newQueue(t)
	master, slave := openPTY(t)
	defer unix.Close(slave)
	apply(t, q, ReadEvent(slave))
	waitNone(t, q)
	write(t, master, "line\n")
	if e := waitOne(t, q); e.Ident != uintptr(slave) || e.Data != 5 || e.EOF() {
		t.Errorf("slave: got %v", e)
	}
	if got := read(t, slave, 10); got != "line\n" {
		t.Errorf("read %q", got)
	}
	waitNone(t, q)

	// The terminal echoes what it was sent.
	apply(t, q, ReadEvent(master))
	if e := waitOne(t, q); e.Ident != uintptr(master) || e.Data != 6 {
		t.Errorf("master: got %v, want the echo of 6 bytes", e)
	}
	if got := read(t, master, 10); got != "line\r\n" {
		t.Errorf("read %q", got)
	}
	waitNone(t, q)

	unix.Close(master)
	if runtime.GOOS == "netbsd" { // only data count (filt_ttyread in sys/kern/tty.c)
		waitNone(t, q)
		return
	}
	if e := waitOne(t, q); e.Ident != uintptr(slave) || !e.EOF() {
		t.Errorf("slave after the master was closed: got %v, want EOF", e)
	}
}
