//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

func TestReadPipe(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r))
	waitNone(t, q)
	write(t, w, "hello")
	for range 2 { // level-triggered
		if e := waitOne(t, q); e.Ident != uintptr(r) || e.Filter != FilterRead || e.Data != 5 || e.EOF() {
			t.Fatalf("got %v", e)
		}
	}
	read(t, r, 2)
	if e := waitOne(t, q); e.Data != 3 {
		t.Fatalf("got %v", e)
	}
	read(t, r, 3)
	waitNone(t, q)
}

func TestReadPipeEOFWithDataLeft(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r))
	write(t, w, "rest")
	closeFD(w)
	if e := waitOne(t, q); !e.EOF() || e.Data != 4 || e.SocketErr() != nil {
		t.Errorf("got %v, want EOF with 4 bytes left", e)
	}
	if got := read(t, r, 10); got != "rest" {
		t.Errorf("read %q", got)
	}
	if e := waitOne(t, q); !e.EOF() || e.Data != 0 {
		t.Errorf("got %v, want EOF with nothing left", e)
	}
}

func TestWritePipe(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	if err := syscall.SetNonblock(w, true); err != nil {
		t.Fatal(err)
	}
	apply(t, q, WriteEvent(w))
	if e := waitOne(t, q); e.Ident != uintptr(w) || e.Filter != FilterWrite || e.Data <= 0 {
		t.Fatalf("got %v", e)
	}
	block := make([]byte, 4096)
	full := 0
	for {
		n, err := unix.Write(w, block)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		full += n
	}
	waitNone(t, q)
	for full > 0 {
		full -= len(read(t, r, 65536))
	}
	if e := waitOne(t, q); e.Data <= 0 {
		t.Fatalf("got %v", e)
	}
	closeFD(r)
	if e := waitOne(t, q); !e.EOF() {
		t.Errorf("got %v, want EOF because the reader is gone", e)
	}
}

func TestReadListener(t *testing.T) {
	q := newQueue(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd := rawFD(t, l.(*net.TCPListener))
	apply(t, q, ReadEvent(fd))
	waitNone(t, q)
	for i := range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for { // the last step of the handshake may still be on its way
			if e := waitOne(t, q); e.Ident == uintptr(fd) && e.Data == int64(i+1) {
				break
			}
		}
	}
}

func TestReadSocket(t *testing.T) {
	q := newQueue(t)
	a, b, fd, _ := tcpPair(t)
	apply(t, q, ReadEvent(fd))
	waitNone(t, q)
	if _, err := b.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data != 4 || e.EOF() {
		t.Fatalf("got %v", e)
	}
	b.CloseWrite()
	for {
		e := waitOne(t, q)
		if e.EOF() {
			if e.Data != 4 || e.SocketErr() != nil {
				t.Errorf("got %v, want EOF with 4 bytes left and no error", e)
			}
			break
		}
	}
	// Half-closed: this side can still write.
	if _, err := a.Write([]byte("back")); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 10)
	if n, err := a.Read(buf); n != 4 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := b.Read(buf); n != 4 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestSocketErr(t *testing.T) {
	q := newQueue(t)
	_, b, fd, _ := tcpPair(t)
	apply(t, q, ReadEvent(fd))
	b.SetLinger(0) // close sends a reset
	b.Close()
	e := waitOne(t, q)
	if !e.EOF() || e.SocketErr() != unix.ECONNRESET {
		t.Errorf("got %v, want EOF and ECONNRESET", e)
	}
	if !strings.Contains(e.String(), unix.ECONNRESET.Error()) {
		t.Errorf("%v does not name the error", e)
	}
}

func TestNoteLowat(t *testing.T) {
	q := newQueue(t)
	_, b, fd, _ := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), FilterRead, FlagAdd, NoteLowat, 10, 0))
	if _, err := b.Write(make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	// Only when all 9 have arrived is it known that they do not suffice.
	peek := make([]byte, 20)
	for {
		n, _, err := unix.Recvfrom(fd, peek, unix.MSG_PEEK)
		if err == nil && n == 9 {
			break
		}
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	waitNone(t, q)
	if _, err := b.Write(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data < 10 {
		t.Errorf("got %v, want 10 bytes or more", e)
	}
}

func TestReadUDP(t *testing.T) {
	q := newQueue(t)
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fd := rawFD(t, c)
	apply(t, q, ReadEvent(fd))
	waitNone(t, q)
	if _, err := c.WriteTo([]byte("datagram"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data < 8 { // some count the sender's address too
		t.Errorf("got %v", e)
	}
	buf := make([]byte, 100)
	if n, _, err := c.ReadFrom(buf); n != 8 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	waitNone(t, q)
}

func TestReadUnixSocket(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, ReadEvent(a))
	waitNone(t, q)
	write(t, b, "abc")
	if e := waitOne(t, q); e.Data != 3 || e.EOF() {
		t.Errorf("got %v", e)
	}
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data != 3 || !e.EOF() {
		t.Errorf("got %v, want EOF with 3 bytes left", e)
	}
}

func TestReadRegularFile(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	fd := int(f.Fd())
	if _, err := f.Seek(4, 0); err != nil {
		t.Fatal(err)
	}
	apply(t, q, ReadEvent(fd))
	if e := waitOne(t, q); e.Data != 6 {
		t.Errorf("got %v, want 6 bytes to the end", e)
	}
	if _, err := f.Seek(0, 2); err != nil {
		t.Fatal(err)
	}
	waitNone(t, q)
	g, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Data != 3 {
		t.Errorf("got %v, want the 3 new bytes", e)
	}
}

// A regular file can always be written to.
func TestWriteRegularFile(t *testing.T) {
	q := newQueue(t)
	f, err := os.OpenFile(newFile(t, "0123456789").Name(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	apply(t, q, WriteEvent(int(f.Fd())))
	var want int64
	if macOS {
		want = 1
	}
	for range 2 {
		if e := waitOne(t, q); e.Filter != FilterWrite || e.Data != want || e.EOF() {
			t.Errorf("got %v", e)
		}
	}
}

func TestFIFO(t *testing.T) {
	q := newQueue(t)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	openFIFO := func(mode int) int {
		fd, err := unix.Open(path, mode|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		ownFD(t, fd)
		return fd
	}
	r := openFIFO(unix.O_RDONLY)
	w := openFIFO(unix.O_WRONLY)
	apply(t, q, ReadEvent(r))
	waitNone(t, q)
	write(t, w, "abc")
	if e := waitOne(t, q); e.Data != 3 || e.EOF() {
		t.Errorf("got %v", e)
	}
	read(t, r, 3)
	waitNone(t, q)
	closeFD(w)
	if macOS { // it does not report the end of a FIFO (bsd/vfs/vfs_vnops.c, filt_vnode_common)
		waitNone(t, q)
		return
	}
	if e := waitOne(t, q); e.Data != 0 || !e.EOF() {
		t.Errorf("got %v, want EOF", e)
	}
	openFIFO(unix.O_WRONLY) // a new writer ends the EOF
	waitNone(t, q)
}

func TestClosedDescriptorLeavesTheQueue(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, WriteEvent(w))
	waitOne(t, q)
	closeFD(w)
	closeFD(r)
	waitNone(t, q)
}

// openPTY opens both sides of a pseudo-terminal, or skips the test.
func openPTY(t *testing.T) (master, slave int) {
	t.Helper()
	open := func(path string) int {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Logf("%s: %v", path, err)
			return -1
		}
		ownFD(t, fd)
		return fd
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// slaveName returns the path of the slave of a master that was opened by the
	// path. The numbers of the requests are those of sys/ttycom.h and sys/filio.h.
	masterPath, slaveName := "/dev/ptmx", func() string { return "" }
	var none *byte
	switch runtime.GOOS {
	case "darwin", "ios":
		slaveName = func() string {
			var name [128]byte
			check(ioctl(master, 0x20007454, none))     // TIOCPTYGRANT
			check(ioctl(master, 0x20007452, none))     // TIOCPTYUNLK
			check(ioctl(master, 0x40807453, &name[0])) // TIOCPTYGNAME
			return unix.ByteSliceToString(name[:])
		}
	case "freebsd", "linux":
		slaveName = func() string {
			number, unlock, request := int32(0), int32(0), uintptr(0x4004740f) // TIOCGPTN
			if runtime.GOOS == "linux" {
				check(ioctl(master, 0x40045431, &unlock)) // TIOCSPTLCK
				request = 0x80045430
			}
			check(ioctl(master, request, &number))
			return fmt.Sprint("/dev/pts/", number)
		}
	case "netbsd":
		slaveName = func() string {
			var pty struct {
				_             [2]int32
				master, slave [1024]byte
			}
			check(ioctl(master, 0x20007447, none)) // TIOCGRANTPT
			check(ioctl(master, 0x48087448, &pty)) // TIOCPTSNAME
			return unix.ByteSliceToString(pty.slave[:])
		}
	case "openbsd":
		masterPath, slaveName = "/dev/ptm", func() string {
			var pty struct {
				master, slave         int32
				masterName, slaveName [16]byte
			}
			check(ioctl(master, 0x40287401, &pty)) // PTMGET
			master = int(pty.master)
			ownFD(t, master)
			ownFD(t, int(pty.slave))
			return unix.ByteSliceToString(pty.slaveName[:])
		}
	case "dragonfly":
		slaveName = func() string {
			var name [64]byte
			request := struct {
				name *byte
				size uint32
			}{&name[0], uint32(len(name))}
			check(ioctl(master, 0x20007455, none))     // TIOCISPTMASTER
			check(ioctl(master, 0x80106678, &request)) // FIODNAME
			number, _ := strings.CutPrefix(unix.ByteSliceToString(name[:]), "ptm/")
			return "/dev/pts/" + number
		}
	}
	var name string
	if openMaster != nil {
		if master = openMaster(t); master >= 0 {
			ownFD(t, master)
		}
	} else {
		master = open(masterPath)
	}
	if master >= 0 {
		name = slaveName()
	}
	for unit := 0; master < 0 && unit < 8; unit++ {
		name = fmt.Sprint("/dev/ttyp", unit)
		master = open(fmt.Sprint("/dev/ptyp", unit))
	}
	if master < 0 {
		t.Skip("this system has no pseudo-terminal")
	}
	slave = open(name)
	if slave < 0 {
		t.Fatal("the slave cannot be opened")
	}
	return master, slave
}

// openMaster opens the master of a pseudo-terminal by a system call, if not nil.
var openMaster func(t *testing.T) int

func TestPTY(t *testing.T) {
	q := newQueue(t)
	master, slave := openPTY(t)
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

	// The terminal echoes what was written to the master.
	apply(t, q, ReadEvent(master))
	if e := waitOne(t, q); e.Ident != uintptr(master) || e.Data != 6 {
		t.Errorf("master: got %v, want the echo of 6 bytes", e)
	}
	if got := read(t, master, 10); got != "line\r\n" {
		t.Errorf("read %q", got)
	}
	waitNone(t, q)

	closeFD(master)
	if runtime.GOOS == "netbsd" { // it looks only at the data (sys/kern/tty.c, filt_ttyread)
		waitNone(t, q)
		return
	}
	if e := waitOne(t, q); e.Ident != uintptr(slave) || !e.EOF() {
		t.Errorf("slave after the master was closed: got %v, want EOF", e)
	}
}

func TestSignal(t *testing.T) {
	q := newQueue(t)
	sig := syscall.SIGWINCH // does nothing, and the Go runtime does not use it
	apply(t, q, SignalEvent(sig))
	waitNone(t, q)
	for range 3 {
		kill(t, sig)
	}
	var sum int64
	for sum < 3 {
		e := waitOne(t, q)
		if e.Ident != uintptr(sig) || e.Filter != FilterSignal || e.Data < 1 {
			t.Fatalf("got %v", e)
		}
		sum += e.Data
	}
	if sum != 3 {
		t.Errorf("counted %d signals, want 3", sum)
	}
	waitNone(t, q)
}

func TestUser(t *testing.T) {
	q := newQueue(t)
	e := UserEvent(42).With(FlagClear)
	e.Udata = 7
	apply(t, q, e)
	waitNone(t, q)
	got := make(chan []Event)
	go func() {
		events, _ := q.Wait(Forever)
		got <- events
	}()
	apply(t, q, e.Trigger())
	if events := <-got; len(events) != 1 || events[0].Ident != 42 || events[0].Filter != FilterUser || events[0].Udata != 7 {
		t.Fatalf("got %v", events)
	}
	waitNone(t, q)
}

func TestUserNotes(t *testing.T) {
	q := newQueue(t)
	change := func(notes Note) Event {
		return NewEvent(1, FilterUser, 0, notes|NoteTrigger, 0, 0)
	}
	apply(t, q, UserEvent(1))
	for _, step := range []struct{ change, want Note }{
		{NoteFfcopy | 0x0f, 0x0f},
		{NoteFfnop | 0xff, 0x0f},
		{NoteFfor | 0xf0, 0xff},
		{NoteFfand | 0x3c, 0x3c},
		{NoteFfcopy | NoteFflagsmask, NoteFflagsmask},
	} {
		apply(t, q, change(step.change))
		if e := waitOne(t, q); e.Fflags&NoteFflagsmask != step.want {
			t.Errorf("after %v: got %v, want %#x", change(step.change), e, uint32(step.want))
		}
	}
}

// Not every system has FilterExcept, so the test names it by its number.
func TestExceptOutOfBand(t *testing.T) {
	var filter int32
	var noteOOB Note
	switch runtime.GOOS {
	case "darwin", "ios":
		filter, noteOOB = -15, 0x2
	case "dragonfly":
		filter, noteOOB = -8, 0x2
	case "openbsd":
		filter, noteOOB = -9, 0x4
	default:
		t.Skip("this system has no FilterExcept")
	}
	q := newQueue(t)
	_, _, fd, peer := tcpPair(t)
	apply(t, q, NewEvent(uintptr(fd), Filter(filter), FlagAdd, noteOOB, 0, 0))
	write(t, peer, "in band")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	for { // on macOS, ordinary data triggers the event too
		e := waitOne(t, q)
		if e.Ident != uintptr(fd) || e.Filter != Filter(filter) {
			t.Fatalf("got %v", e)
		}
		if e.Fflags&noteOOB != 0 {
			break
		}
	}
}
