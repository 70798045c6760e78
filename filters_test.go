//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqueue_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

func TestReadPipe(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r))
	kqtest.WaitNone(t, q)
	kqtest.Write(t, w, "hello")
	for range 2 { // level-triggered
		if e := kqtest.WaitOne(t, q); e.Ident != uintptr(r) || e.Filter != FilterRead || e.Data != 5 || e.EOF() {
			t.Fatalf("got %v", e)
		}
	}
	kqtest.Read(t, r, 2)
	if e := kqtest.WaitOne(t, q); e.Data != 3 {
		t.Fatalf("got %v", e)
	}
	kqtest.Read(t, r, 3)
	kqtest.WaitNone(t, q)
}

func TestReadPipeEOFWithDataLeft(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r))
	kqtest.Write(t, w, "rest")
	kqtest.CloseFD(w)
	if e := kqtest.WaitOne(t, q); !e.EOF() || e.Data != 4 || e.SocketErr() != nil {
		t.Errorf("got %v, want EOF with 4 bytes left", e)
	}
	if got := kqtest.Read(t, r, 10); got != "rest" {
		t.Errorf("read %q", got)
	}
	if e := kqtest.WaitOne(t, q); !e.EOF() || e.Data != 0 {
		t.Errorf("got %v, want EOF with nothing left", e)
	}
}

func TestWritePipe(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	if err := syscall.SetNonblock(w, true); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, q, WriteEvent(w))
	if e := kqtest.WaitOne(t, q); e.Ident != uintptr(w) || e.Filter != FilterWrite || e.Data <= 0 {
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
	kqtest.WaitNone(t, q)
	for full > 0 {
		full -= len(kqtest.Read(t, r, 65536))
	}
	if e := kqtest.WaitOne(t, q); e.Data <= 0 {
		t.Fatalf("got %v", e)
	}
	kqtest.CloseFD(r)
	if e := kqtest.WaitOne(t, q); !e.EOF() {
		t.Errorf("got %v, want EOF because the reader is gone", e)
	}
}

func TestReadListener(t *testing.T) {
	q := kqtest.NewQueue(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd := kqtest.RawFD(t, l.(*net.TCPListener))
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	for i := range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for { // the last step of the handshake may still be on its way
			if e := kqtest.WaitOne(t, q); e.Ident == uintptr(fd) && e.Data == int64(i+1) {
				break
			}
		}
	}
}

func TestReadSocket(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b, fd, _ := kqtest.TCPPair(t)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	if _, err := b.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Data != 4 || e.EOF() {
		t.Fatalf("got %v", e)
	}
	b.CloseWrite()
	for {
		e := kqtest.WaitOne(t, q)
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
	q := kqtest.NewQueue(t)
	_, b, fd, _ := kqtest.TCPPair(t)
	kqtest.Apply(t, q, ReadEvent(fd))
	b.SetLinger(0) // close sends a reset
	b.Close()
	e := kqtest.WaitOne(t, q)
	if !e.EOF() || e.SocketErr() != unix.ECONNRESET {
		t.Errorf("got %v, want EOF and ECONNRESET", e)
	}
	if !strings.Contains(e.String(), unix.ECONNRESET.Error()) {
		t.Errorf("%v does not name the error", e)
	}
}

func TestNoteLowat(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, b, fd, _ := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), FilterRead, FlagAdd, NoteLowat, 10, 0))
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
	kqtest.WaitNone(t, q)
	if _, err := b.Write(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Data < 10 {
		t.Errorf("got %v, want 10 bytes or more", e)
	}
}

func TestReadUDP(t *testing.T) {
	q := kqtest.NewQueue(t)
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fd := kqtest.RawFD(t, c)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	if _, err := c.WriteTo([]byte("datagram"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Data < 8 { // some count the sender's address too
		t.Errorf("got %v", e)
	}
	buf := make([]byte, 100)
	if n, _, err := c.ReadFrom(buf); n != 8 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	kqtest.WaitNone(t, q)
}

func TestReadUnixSocket(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Apply(t, q, ReadEvent(a))
	kqtest.WaitNone(t, q)
	kqtest.Write(t, b, "abc")
	if e := kqtest.WaitOne(t, q); e.Data != 3 || e.EOF() {
		t.Errorf("got %v", e)
	}
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Data != 3 || !e.EOF() {
		t.Errorf("got %v, want EOF with 3 bytes left", e)
	}
}

func TestReadRegularFile(t *testing.T) {
	q := kqtest.NewQueue(t)
	f := kqtest.NewFile(t, "0123456789")
	fd := int(f.Fd())
	if _, err := f.Seek(4, 0); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, q, ReadEvent(fd))
	if e := kqtest.WaitOne(t, q); e.Data != 6 {
		t.Errorf("got %v, want 6 bytes to the end", e)
	}
	if _, err := f.Seek(0, 2); err != nil {
		t.Fatal(err)
	}
	kqtest.WaitNone(t, q)
	g, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Data != 3 {
		t.Errorf("got %v, want the 3 new bytes", e)
	}
}

// A regular file can always be written to.
func TestWriteRegularFile(t *testing.T) {
	q := kqtest.NewQueue(t)
	f, err := os.OpenFile(kqtest.NewFile(t, "0123456789").Name(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kqtest.Apply(t, q, WriteEvent(int(f.Fd())))
	var want int64
	if kqtest.MacOS {
		want = 1
	}
	for range 2 {
		if e := kqtest.WaitOne(t, q); e.Filter != FilterWrite || e.Data != want || e.EOF() {
			t.Errorf("got %v", e)
		}
	}
}

func TestFIFO(t *testing.T) {
	q := kqtest.NewQueue(t)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	openFIFO := func(mode int) int {
		fd, err := unix.Open(path, mode|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		kqtest.OwnFD(t, fd)
		return fd
	}
	r := openFIFO(unix.O_RDONLY)
	w := openFIFO(unix.O_WRONLY)
	kqtest.Apply(t, q, ReadEvent(r))
	kqtest.WaitNone(t, q)
	kqtest.Write(t, w, "abc")
	if e := kqtest.WaitOne(t, q); e.Data != 3 || e.EOF() {
		t.Errorf("got %v", e)
	}
	kqtest.Read(t, r, 3)
	kqtest.WaitNone(t, q)
	kqtest.CloseFD(w)
	if kqtest.MacOS { // it does not report the end of a FIFO (bsd/vfs/vfs_vnops.c, filt_vnode_common)
		kqtest.WaitNone(t, q)
		return
	}
	if e := kqtest.WaitOne(t, q); e.Data != 0 || !e.EOF() {
		t.Errorf("got %v, want EOF", e)
	}
	openFIFO(unix.O_WRONLY) // a new writer ends the EOF
	kqtest.WaitNone(t, q)
}

func TestClosedDescriptorLeavesTheQueue(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, WriteEvent(w))
	kqtest.WaitOne(t, q)
	kqtest.CloseFD(w)
	kqtest.CloseFD(r)
	kqtest.WaitNone(t, q)
}

func TestPTY(t *testing.T) {
	q := kqtest.NewQueue(t)
	master, slave := kqtest.OpenPTY(t)
	kqtest.Apply(t, q, ReadEvent(slave))
	kqtest.WaitNone(t, q)
	kqtest.Write(t, master, "line\n")
	if e := kqtest.WaitOne(t, q); e.Ident != uintptr(slave) || e.Data != 5 || e.EOF() {
		t.Errorf("slave: got %v", e)
	}
	if got := kqtest.Read(t, slave, 10); got != "line\n" {
		t.Errorf("read %q", got)
	}
	kqtest.WaitNone(t, q)

	// The terminal echoes what was written to the master.
	kqtest.Apply(t, q, ReadEvent(master))
	if e := kqtest.WaitOne(t, q); e.Ident != uintptr(master) || e.Data != 6 {
		t.Errorf("master: got %v, want the echo of 6 bytes", e)
	}
	if got := kqtest.Read(t, master, 10); got != "line\r\n" {
		t.Errorf("read %q", got)
	}
	kqtest.WaitNone(t, q)

	kqtest.CloseFD(master)
	if runtime.GOOS == "netbsd" { // it looks only at the data (sys/kern/tty.c, filt_ttyread)
		kqtest.WaitNone(t, q)
		return
	}
	if e := kqtest.WaitOne(t, q); e.Ident != uintptr(slave) || !e.EOF() {
		t.Errorf("slave after the master was closed: got %v, want EOF", e)
	}
}

func TestSignal(t *testing.T) {
	q := kqtest.NewQueue(t)
	sig := syscall.SIGWINCH // does nothing, and the Go runtime does not use it
	kqtest.Apply(t, q, SignalEvent(sig))
	kqtest.WaitNone(t, q)
	for range 3 {
		kqtest.Kill(t, sig)
	}
	var sum int64
	for sum < 3 {
		e := kqtest.WaitOne(t, q)
		if e.Ident != uintptr(sig) || e.Filter != FilterSignal || e.Data < 1 {
			t.Fatalf("got %v", e)
		}
		sum += e.Data
	}
	if sum != 3 {
		t.Errorf("counted %d signals, want 3", sum)
	}
	kqtest.WaitNone(t, q)
}

func TestUser(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(42).With(FlagClear)
	e.Udata = 7
	kqtest.Apply(t, q, e)
	kqtest.WaitNone(t, q)
	got := make(chan []Event)
	go func() {
		events, _ := q.Wait(Forever)
		got <- events
	}()
	kqtest.Apply(t, q, e.Trigger())
	if events := <-got; len(events) != 1 || events[0].Ident != 42 || events[0].Filter != FilterUser || events[0].Udata != 7 {
		t.Fatalf("got %v", events)
	}
	kqtest.WaitNone(t, q)
}

func TestUserNotes(t *testing.T) {
	q := kqtest.NewQueue(t)
	change := func(notes Note) Event {
		return NewEvent(1, FilterUser, 0, notes|NoteTrigger, 0, 0)
	}
	kqtest.Apply(t, q, UserEvent(1))
	for _, step := range []struct{ change, want Note }{
		{NoteFfcopy | 0x0f, 0x0f},
		{NoteFfnop | 0xff, 0x0f},
		{NoteFfor | 0xf0, 0xff},
		{NoteFfand | 0x3c, 0x3c},
		{NoteFfcopy | NoteFflagsmask, NoteFflagsmask},
	} {
		kqtest.Apply(t, q, change(step.change))
		if e := kqtest.WaitOne(t, q); e.Fflags&NoteFflagsmask != step.want {
			t.Errorf("after %v: got %v, want %#x", change(step.change), e, uint32(step.want))
		}
	}
}
