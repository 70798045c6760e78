//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

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
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	apply(t, q, ReadEvent(p[0]))
	write(t, p[1], "rest")
	unix.Close(p[1])
	if e := waitOne(t, q); !e.EOF() || e.Data != 4 || e.SocketErr() != nil {
		t.Errorf("got %v, want EOF with 4 bytes left", e)
	}
	if got := read(t, p[0], 10); got != "rest" {
		t.Errorf("read %q", got)
	}
	if e := waitOne(t, q); !e.EOF() || e.Data != 0 {
		t.Errorf("got %v, want EOF with nothing left", e)
	}
}

func TestWritePipe(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	if err := unix.SetNonblock(w, true); err != nil {
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
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	apply(t, q, WriteEvent(w).With(0), NewEvent(uintptr(w), FilterWrite, FlagDelete, 0, 0, 0), WriteEvent(p[1]))
	unix.Close(p[0])
	if e := waitOne(t, q); !e.EOF() {
		t.Errorf("got %v, want EOF as the reader is gone", e)
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
	apply(t, q, NewEvent(uintptr(fd), FilterRead, FlagAdd|FlagEnable, 0, 0, 0))
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
	if !hasWords(e.String(), "EOF", unix.ECONNRESET.Error()) {
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
	// All 9 are there before the mark is known not to be reached.
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

func TestFIFO(t *testing.T) {
	q := newQueue(t)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(r)
	w, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, q, ReadEvent(r))
	waitNone(t, q)
	write(t, w, "abc")
	if e := waitOne(t, q); e.Data != 3 || e.EOF() {
		t.Errorf("got %v", e)
	}
	read(t, r, 3)
	waitNone(t, q)
	unix.Close(w)
	if e := waitOne(t, q); e.Data != 0 || !e.EOF() {
		t.Errorf("got %v, want EOF", e)
	}
}

func newFile(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

const allVnodeNotes = NoteDelete | NoteWrite | NoteExtend | NoteAttrib | NoteLink | NoteRename | NoteRevoke

func TestVnode(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	path := f.Name()
	other := filepath.Join(filepath.Dir(path), "other")
	apply(t, q, VnodeEvent(int(f.Fd()), allVnodeNotes).With(FlagClear))
	waitNone(t, q)
	steps := []struct {
		name string
		do   func() error
		want Note
	}{
		{"write", func() error { return writeAt(path, 0, "x") }, NoteWrite},
		{"extend", func() error { return writeAt(path, 10, "y") }, NoteWrite | NoteExtend},
		{"attrib", func() error { return os.Chmod(path, 0o640) }, NoteAttrib},
		{"link", func() error { return os.Link(path, other) }, NoteLink},
		{"rename", func() error { return os.Rename(path, path+".new") }, NoteRename},
		// What a truncation alone tells depends on the file system: ATTRIB,
		// OpenBSD's TRUNCATE, or nothing (OpenBSD's tmpfs).
		{"truncate and write", func() error {
			return errors.Join(os.Truncate(path+".new", 3), writeAt(path+".new", 0, "z"))
		}, NoteWrite},
		{"delete", func() error { os.Remove(other); return os.Remove(path + ".new") }, NoteDelete},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		e := waitOne(t, q)
		if e.Ident != f.Fd() || e.Filter != FilterVnode || e.Fflags&step.want != step.want || e.Fflags == 0 {
			t.Errorf("%s: got %v", step.name, e)
		}
		t.Logf("%s: %v", step.name, e)
		waitNone(t, q)
	}
}

func writeAt(path string, offset int64, data string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte(data), offset)
	return err
}

// Without FlagClear the notes add up and the event stays triggered.
func TestVnodeWithoutClear(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "0123456789")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteWrite|NoteAttrib))
	if err := writeAt(f.Name(), 0, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := waitOne(t, q); e.Fflags != NoteWrite {
			t.Fatalf("got %v", e)
		}
	}
	if err := os.Chmod(f.Name(), 0o640); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteWrite|NoteAttrib {
		t.Fatalf("got %v", e)
	}
}

// A file that another one is renamed over is deleted, for whoever has it open.
func TestVnodeRenameOver(t *testing.T) {
	q := newQueue(t)
	f := newFile(t, "old")
	apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteRename|NoteLink).With(FlagClear))
	fresh := f.Name() + ".fresh"
	if err := os.WriteFile(fresh, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, f.Name()); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags&(NoteDelete|NoteLink) == 0 {
		t.Errorf("got %v, want DELETE", e)
	}
}

func TestVnodeDirectory(t *testing.T) {
	q := newQueue(t)
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	apply(t, q, VnodeEvent(int(d.Fd()), NoteWrite).With(FlagClear))
	waitNone(t, q)
	if err := os.WriteFile(filepath.Join(dir, "entry"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := waitOne(t, q); e.Fflags != NoteWrite {
		t.Errorf("got %v", e)
	}
}

func TestSignal(t *testing.T) {
	q := newQueue(t)
	// A signal that does nothing but be counted, and not one of the Go runtime's.
	sig := syscall.SIGWINCH
	apply(t, q, SignalEvent(sig))
	waitNone(t, q)
	for range 3 {
		if err := unix.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
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

func TestTimerOneshot(t *testing.T) {
	for _, period := range []time.Duration{500 * time.Microsecond, 1500 * time.Microsecond, 20 * time.Millisecond, time.Second} {
		q := newQueue(t)
		start := time.Now()
		apply(t, q, TimerEvent(1, period).With(FlagOneshot))
		e := waitOne(t, q)
		took := time.Since(start)
		if e.Ident != 1 || e.Filter != FilterTimer || e.Data != 1 {
			t.Errorf("%v: got %v", period, e)
		}
		if took < period {
			t.Errorf("a timer of %v went off after %v", period, took)
		}
		waitNone(t, q)
		if err := q.Apply(NewEvent(1, FilterTimer, FlagDelete, 0, 0, 0)); err == nil {
			t.Errorf("%v: the timer is still there", period)
		}
		q.Close()
	}
}

func TestTimerPeriodic(t *testing.T) {
	q := newQueue(t)
	const period = 10 * time.Millisecond
	start := time.Now()
	apply(t, q, TimerEvent(1, period))
	var count int64
	for count < 10 {
		e := waitOne(t, q)
		if e.Data < 1 {
			t.Fatalf("got %v", e)
		}
		count += e.Data
		if passed := int64(time.Since(start) / period); count > passed+1 {
			t.Fatalf("went off %d times in %d periods", count, passed)
		}
	}
}

func TestTimerChanged(t *testing.T) {
	if runtime.GOOS == "dragonfly" {
		t.Skip("the kernel takes a new period when the old one is over (filt_timertouch)")
	}
	q := newQueue(t)
	apply(t, q, TimerEvent(1, time.Hour))
	start := time.Now()
	apply(t, q, TimerEvent(1, 20*time.Millisecond))
	if e := waitOne(t, q); e.Ident != 1 || e.Data < 1 {
		t.Errorf("got %v", e)
	}
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("a timer set to 20ms went off after %v", took)
	}
	apply(t, q, TimerEvent(1, time.Hour))
	waitNone(t, q)
}

func TestTimerDeleted(t *testing.T) {
	q := newQueue(t)
	remove := NewEvent(1, FilterTimer, FlagDelete, 0, 0, 0)
	apply(t, q, TimerEvent(1, time.Millisecond), TimerEvent(2, 30*time.Millisecond).With(FlagOneshot))
	if e := waitOne(t, q); e.Ident != 1 {
		t.Fatalf("got %v", e)
	}
	apply(t, q, remove) // while it runs
	if e := waitOne(t, q); e.Ident != 2 {
		t.Errorf("got %v, want the timer that is left", e)
	}
	if err := q.Apply(remove); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v, want ENOENT", err)
	}
}

// Kernels disagree about 0 and less, so TimerEvent sends 1; what they cannot
// hold they must refuse or clamp, not wrap.
func TestTimerExtremes(t *testing.T) {
	for _, period := range []time.Duration{0, -1, -time.Hour, -1 << 63} {
		q := newQueue(t)
		apply(t, q, TimerEvent(1, period).With(FlagOneshot))
		if e := waitOne(t, q); e.Data != 1 {
			t.Errorf("%v: got %v", period, e)
		}
	}
	for _, period := range []time.Duration{1<<63 - 1, 1 << 62, 200 * 365 * 24 * time.Hour, 25 * 24 * time.Hour, 100 * 24 * time.Hour} {
		q := newQueue(t)
		err := q.Apply(TimerEvent(1, period))
		t.Logf("%v: %v", period, err)
		waitNone(t, q)
	}
}

func TestFlagOneshot(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagOneshot))
	waitOne(t, q)
	waitNone(t, q)
	if err := q.Apply(NewEvent(uintptr(w), FilterWrite, FlagDelete, 0, 0, 0)); err == nil {
		t.Error("the event is still there")
	}
}

func TestFlagClear(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	apply(t, q, ReadEvent(r).With(FlagClear))
	write(t, w, "a")
	waitOne(t, q)
	waitNone(t, q) // the data is still there, but it is not new
	write(t, w, "b")
	if e := waitOne(t, q); e.Data != 2 {
		t.Errorf("got %v", e)
	}
}

func TestFlagDispatch(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagDispatch))
	waitOne(t, q)
	waitNone(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagEnable|FlagDispatch, 0, 0, 0))
	waitOne(t, q)
	waitNone(t, q)
}

func TestFlagDisable(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	apply(t, q, WriteEvent(w).With(FlagDisable))
	waitNone(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagEnable, 0, 0, 0))
	waitOne(t, q)
	apply(t, q, NewEvent(uintptr(w), FilterWrite, FlagDisable, 0, 0, 0))
	waitNone(t, q)
}

func TestClosedDescriptorLeavesTheQueue(t *testing.T) {
	q := newQueue(t)
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	apply(t, q, WriteEvent(p[1]))
	waitOne(t, q)
	unix.Close(p[1])
	unix.Close(p[0])
	waitNone(t, q)
}
