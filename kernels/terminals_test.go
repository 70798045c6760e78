//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// newTerminal opens a pseudo-terminal whose master is closed first: closing a slave
// may wait until its output was read.
func newTerminal(t *testing.T) (master, slave int) {
	t.Helper()
	master, slave = kqtest.OpenPTY(t)
	t.Cleanup(func() { kqtest.CloseFD(master) })
	return master, slave
}

// Both sides of a pseudo-terminal can be written to.
func TestTerminalWrite(t *testing.T) {
	q := kqtest.NewQueue(t)
	master, slave := newTerminal(t)
	for name, fd := range map[string]int{"master": master, "slave": slave} {
		e := WriteEvent(fd)
		kqtest.Apply(t, q, e)
		expect(t, name, returned(t, q))
		kqtest.Apply(t, q, e.Delete())
	}
}

// The end of the input is a byte to FilterRead and no FlagEOF.
func TestTerminalEndOfInput(t *testing.T) {
	q := kqtest.NewQueue(t)
	master, slave := newTerminal(t)
	kqtest.Apply(t, q, ReadEvent(slave))
	kqtest.Write(t, master, "\x04")
	expect(t, "^D alone", poll(t, q))
	if got := kqtest.Read(t, slave, 10); got != "" {
		t.Errorf("read %q", got)
	}
	kqtest.WaitNone(t, q)
	kqtest.Write(t, master, "ab\x04")
	expect(t, "ab and ^D", poll(t, q))
	if got := kqtest.Read(t, slave, 10); got != "ab" {
		t.Errorf("read %q", got)
	}
}

// VMIN keeps FilterRead from being triggered, except on FreeBSD.
func TestTerminalMinimum(t *testing.T) {
	q := kqtest.NewQueue(t)
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
	kqtest.Apply(t, q, ReadEvent(slave))
	kqtest.Write(t, master, "a")
	expect(t, "1 of 5 bytes", poll(t, q))
	kqtest.Write(t, master, "bcde")
	expect(t, "5 bytes", poll(t, q))
}

// The master of a pseudo-terminal closes, and the slave watches.
func TestTerminalMasterCloses(t *testing.T) {
	master, slave := newTerminal(t)
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, reads, ReadEvent(slave))
	kqtest.Apply(t, writes, WriteEvent(slave))
	kqtest.CloseFD(master)
	expect(t, "EVFILT_READ", ended(t, reads))
	expect(t, "EVFILT_WRITE", ended(t, writes))
}

// The slave of a pseudo-terminal closes, and the master watches.
func TestTerminalSlaveCloses(t *testing.T) {
	master, slave := newTerminal(t)
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, reads, ReadEvent(master))
	kqtest.Apply(t, writes, WriteEvent(master).With(FlagClear))
	kqtest.WaitNone(t, reads)
	kqtest.WaitOne(t, writes)
	closeSlave(t, master, slave)
	expect(t, "EVFILT_READ", ended(t, reads))
	expect(t, "EVFILT_WRITE", ended(t, writes))
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
			kqtest.CloseFD(fd)
		}
	}
}

// At the hang-up, Data may keep its last value.
func TestTerminalKeepsData(t *testing.T) {
	q := kqtest.NewQueue(t)
	master, slave := newTerminal(t)
	kqtest.Apply(t, q, ReadEvent(slave))
	kqtest.Write(t, master, "abcd\n")
	expect(t, "a line of 5 bytes", poll(t, q))
	kqtest.Read(t, slave, 10)
	kqtest.CloseFD(master)
	expect(t, "it was read, and the master has closed", poll(t, q))
}

// In packet mode, FilterExcept on the master of a pseudo-terminal reports a
// control byte until it is read.
func TestExceptPacketMode(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q := kqtest.NewQueue(t)
	master, slave := newTerminal(t)
	on := int32(1)
	if err := kqtest.Ioctl(master, unix.TIOCPKT, &on); err != nil {
		t.Fatal(err)
	}
	err := q.Apply(NewEvent(uintptr(master), filter, FlagAdd, oob, 0, 0))
	expect(t, "adding the master", errno(err))
	if err != nil {
		return
	}
	kqtest.WaitNone(t, q)
	flush := int32(2) // FWRITE
	if err := kqtest.Ioctl(slave, unix.TIOCFLUSH, &flush); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expect(t, "the slave has flushed its output", returned(t, q))
	}
	if got := kqtest.Read(t, master, 10); len(got) != 1 || got[0] != unix.TIOCPKT_FLUSHWRITE {
		t.Errorf("read %q", got)
	}
	expect(t, "the control byte was read", returned(t, q))
}

// Which devices can be watched, and which trigger.
func TestDevices(t *testing.T) {
	for _, test := range []struct {
		path   string
		change func(fd int) Event
	}{
		{"/dev/null", ReadEvent},
		{"/dev/null", WriteEvent},
		{"/dev/zero", ReadEvent},
		{"/dev/urandom", ReadEvent},
		{"/dev/null", func(fd int) Event { return VnodeEvent(fd, NoteWrite) }},
	} {
		q := kqtest.NewQueue(t)
		f, err := os.OpenFile(test.path, os.O_RDWR, 0)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		defer f.Close()
		change := test.change(int(f.Fd()))
		got := errno(q.Apply(change))
		if got == "ok" {
			got = returned(t, q)
		}
		expect(t, test.path+", EVFILT_"+change.Filter.String(), got)
	}
}

// macOS takes /dev/null with NoteLowat and Data 1.
func TestDeviceLowat(t *testing.T) {
	q := kqtest.NewQueue(t)
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, null)
	if err := q.Apply(NewEvent(uintptr(null), FilterRead, FlagAdd, NoteLowat, 1, 0)); err != nil {
		expect(t, "/dev/null", errno(err))
	} else {
		expect(t, "/dev/null", poll(t, q))
	}
}

// Only displays have FilterDevice.
func TestDeviceRefused(t *testing.T) {
	filter, note := filterNamed(t, "DEVICE"), noteNamed(t, "CHANGE")
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	add := func(fd int) string {
		return errno(q.Apply(NewEvent(uintptr(fd), filter, FlagAdd, note, 0, 0)))
	}
	expect(t, "adding a pipe", add(r))
	expect(t, "adding /dev/null", add(int(null.Fd())))
}

// terminalPath returns the path of the terminal that fd is.
func terminalPath(t *testing.T, fd int) string {
	t.Helper()
	var want, stat unix.Stat_t
	if err := unix.Fstat(fd, &want); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"/dev/pts/*", "/dev/tty[p-zP-Z]*", "/dev/ttys*"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if unix.Stat(path, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFCHR && stat.Rdev == want.Rdev {
				return path
			}
		}
	}
	t.Skip("the terminal has no path")
	return ""
}

// revoke(2) of a terminal.
func TestTerminalRevoke(t *testing.T) {
	if kqtest.MacOS {
		t.Skip("the terminals are made up where the kernel of macOS runs")
	}
	master, slave := newTerminal(t)
	path := terminalPath(t, slave)
	slaves, masters := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, slaves, ReadEvent(slave))
	kqtest.Apply(t, masters, ReadEvent(master))
	kqtest.WaitNone(t, slaves)
	kqtest.WaitNone(t, masters)
	if err := unix.Revoke(path); err != nil {
		t.Fatal(err)
	}
	expect(t, "the slave", ended(t, slaves))
	if err := slaves.Apply(ReadEvent(slave)); err != nil {
		expect(t, "the slave is added again", errno(err))
	} else {
		expect(t, "the slave is added again", ended(t, slaves))
	}
	expect(t, "the master", ended(t, masters))
}

// What FilterSignal counts of a terminal's signals if the program ignores them.
func TestTerminalSignals(t *testing.T) {
	const terminal = 3 // the descriptor of the peers
	if what := peerTask(); what != "" {
		q := kqtest.NewQueue(t)
		for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTSTP, unix.SIGWINCH, unix.SIGTTOU, unix.SIGTTIN, unix.SIGHUP} {
			ignore(t, sig)
			kqtest.Apply(t, q, SignalEvent(sig))
		}
		count := func() string {
			events, err := q.Wait(0)
			if err != nil {
				t.Fatal(err)
			}
			text := nothing
			for i, e := range events {
				if i == 0 {
					text = ""
				}
				text += fmt.Sprintf("%s data=%d ", unix.SignalName(unix.Signal(e.Ident)), e.Data)
			}
			return strings.TrimSpace(text)
		}
		if what == "background" {
			say("ready")
			hearTest()
			_, err := unix.Write(terminal, []byte("x"))
			say("write(2) ", errno(err), ", ", count())
			hearTest()
			_, err = unix.Read(terminal, make([]byte, 1))
			say("read(2) ", errno(err), ", ", count())
			return
		}
		file := os.NewFile(terminal, "terminal")
		p := startPeer(t, "background", &syscall.SysProcAttr{Setpgid: true}, file)
		file.Close()
		say(p.hear(t))
		for range 2 {
			hearTest()
			say(p.ask(t))
		}
		for {
			hearTest()
			say(count())
		}
	}
	master, slave := newTerminal(t)
	settings, err := unix.IoctlGetTermios(slave, unix.TIOCGETA)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag |= unix.ICANON | unix.ISIG | unix.TOSTOP
	if err := unix.IoctlSetTermios(slave, unix.TIOCSETA, settings); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(slave)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "terminal")
	defer file.Close()
	unix.CloseOnExec(master) // else the peers would keep it open
	p := startPeer(t, "leader", &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: terminal}, file)
	p.hear(t)
	expect(t, "in the background, TOSTOP", p.ask(t))
	expect(t, "in the background", p.ask(t))
	kqtest.Write(t, master, "\x03")
	expect(t, "^C", p.ask(t))
	kqtest.Write(t, master, "\x1a")
	expect(t, "^Z", p.ask(t))
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 44}); err != nil {
		t.Fatal(err)
	}
	expect(t, "TIOCSWINSZ of the master", p.ask(t))
	kqtest.CloseFD(master)
	expect(t, "the master closes", p.ask(t))
}
