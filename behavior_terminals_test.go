//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// newTerminal opens a pseudo-terminal whose master is closed first: closing a slave
// may wait until its output was read.
func newTerminal(t *testing.T) (master, slave int) {
	t.Helper()
	master, slave = openPTY(t)
	t.Cleanup(func() { closeFD(master) })
	return master, slave
}

// Both sides of a pseudo-terminal can be written to.
func TestTerminalWrite(t *testing.T) {
	q := newQueue(t)
	master, slave := newTerminal(t)
	for _, fd := range []int{master, slave} {
		e := WriteEvent(fd)
		apply(t, q, e)
		expect(t, "an empty terminal", returned(t, q), answers{everywhere: "returned"})
		apply(t, q, e.Delete())
	}
}

// The end of the input is a byte to FilterRead and no FlagEOF.
func TestTerminalEndOfInput(t *testing.T) {
	q := newQueue(t)
	master, slave := newTerminal(t)
	apply(t, q, ReadEvent(slave))
	write(t, master, "\x04")
	expect(t, "^D", poll(t, q), answers{everywhere: "READ data=1"})
	if got := read(t, slave, 10); got != "" {
		t.Errorf("read %q", got)
	}
	waitNone(t, q)
	write(t, master, "ab\x04")
	expect(t, "ab^D", poll(t, q), answers{everywhere: "READ data=3"})
	if got := read(t, slave, 10); got != "ab" {
		t.Errorf("read %q", got)
	}
}

// VMIN keeps FilterRead from being triggered, except on FreeBSD.
func TestTerminalMinimum(t *testing.T) {
	q := newQueue(t)
	master, slave := newTerminal(t)
	settings, err := unix.IoctlGetTermios(slave, unix.TIOCGETA)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag &^= unix.ICANON | unix.ECHO
	settings.Cc[unix.VMIN], settings.Cc[unix.VTIME] = 5, 0
	if err := unix.IoctlSetTermios(slave, unix.TIOCSETA, settings); err != nil {
		t.Fatal(err)
	}
	apply(t, q, ReadEvent(slave))
	write(t, master, "a")
	expect(t, "1 of 5 bytes", poll(t, q), answers{
		"darwin dragonfly netbsd openbsd": nothing,
		"freebsd":                         "READ data=1",
	})
	write(t, master, "bcde")
	expect(t, "5 bytes", poll(t, q), answers{everywhere: "READ data=5"})
}

// The master of a pseudo-terminal closes, and the slave watches.
func TestTerminalMasterCloses(t *testing.T) {
	master, slave := newTerminal(t)
	reads, writes := newQueue(t), newQueue(t)
	apply(t, reads, ReadEvent(slave))
	apply(t, writes, WriteEvent(slave))
	closeFD(master)
	expect(t, "FilterRead", ended(t, reads), answers{
		"darwin dragonfly freebsd openbsd": "EOF",
		"netbsd":                           nothing,
	})
	expect(t, "FilterWrite", ended(t, writes), answers{
		"darwin freebsd":    "EOF",
		"dragonfly openbsd": "returned",
		"netbsd":            nothing,
	})
}

// The slave of a pseudo-terminal closes, and the master watches.
func TestTerminalSlaveCloses(t *testing.T) {
	master, slave := newTerminal(t)
	reads, writes := newQueue(t), newQueue(t)
	apply(t, reads, ReadEvent(master))
	apply(t, writes, WriteEvent(master).With(FlagClear))
	waitNone(t, reads)
	waitOne(t, writes)
	closeSlave(t, master, slave)
	expect(t, "FilterRead", ended(t, reads), answers{everywhere: "EOF"})
	expect(t, "FilterWrite", ended(t, writes), answers{
		"darwin freebsd":           "EOF",
		"dragonfly netbsd openbsd": nothing,
	})
}

// closeSlave closes slave and, on OpenBSD, the descriptor that came with master.
func closeSlave(t *testing.T, master, slave int) {
	t.Helper()
	var terminal, other unix.Stat_t
	if err := unix.Fstat(slave, &terminal); err != nil {
		t.Fatal(err)
	}
	for fd := range 4096 {
		if fd != master && unix.Fstat(fd, &other) == nil &&
			other.Mode&unix.S_IFMT == unix.S_IFCHR && other.Rdev == terminal.Rdev {
			closeFD(fd)
		}
	}
}
