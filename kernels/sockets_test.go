//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// listen makes a TCP socket that listens until the test ends.
func listen(t *testing.T) (l *net.TCPListener, fd int) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, kqtest.RawFD(t, l)
}

// dial connects to address until the test ends.
func dial(t *testing.T, address net.Addr) {
	t.Helper()
	c, err := net.Dial(address.Network(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
}

// Accepting one of several connections returns a listener with FlagClear again,
// except on macOS.
func TestAcceptWithClear(t *testing.T) {
	l, fd := listen(t)
	for range 3 {
		dial(t, l.Addr())
	}
	level, q := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, level, ReadEvent(fd))
	expectSoon(t, "three connections", func() string { return poll(t, level) })

	kqtest.Apply(t, q, ReadEvent(fd).With(FlagClear))
	expect(t, "with EV_CLEAR", poll(t, q))
	kqtest.WaitNone(t, q)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expect(t, "after one accept(2)", poll(t, q))
}

// newTCPSocket makes a socket with an address.
func newTCPSocket(t *testing.T) (fd int, name *unix.SockaddrInet4) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, got.(*unix.SockaddrInet4)
}

// FilterRead is added to a socket before listen(2).
func TestReadBeforeListen(t *testing.T) {
	fd, name := newTCPSocket(t)
	q, after := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	if err := unix.Listen(fd, 5); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, after, ReadEvent(fd))
	dial(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.Port})
	kqtest.WaitOne(t, after)
	expect(t, "a connection", poll(t, q))
	kqtest.Apply(t, q, ReadEvent(fd))
	expect(t, "EV_ADD again", poll(t, q))
	kqtest.Apply(t, q, ReadEvent(fd).Delete(), ReadEvent(fd))
	expect(t, "EV_DELETE and EV_ADD", poll(t, q))
}

// shutdown(2) of a listener ends its event on FreeBSD alone.
func TestListenerShutdown(t *testing.T) {
	for _, change := range []func(fd int) Event{ReadEvent, WriteEvent} {
		q := kqtest.NewQueue(t)
		_, fd := listen(t)
		e := change(fd)
		kqtest.Apply(t, q, e)
		kqtest.WaitNone(t, q)
		unix.Shutdown(fd, unix.SHUT_RDWR) // on some systems ENOTCONN
		get := poll
		if e.Filter == FilterWrite {
			get = ended // Data is the size of a buffer
		}
		filter := "EVFILT_" + e.Filter.String()
		expect(t, filter, get(t, q))
		_, _, err := unix.Accept(fd)
		expect(t, "accept(2)", errno(err))
		expect(t, filter+", after accept(2)", get(t, q))
	}
}

// The error of a reset connection is returned until a call has fetched it. The
// end of the connection stays.
func TestSocketErrIsConsumed(t *testing.T) {
	for name, fetch := range map[string]func(fd int) (err error){
		"SO_ERROR": func(fd int) error {
			number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if err == nil && number != int(unix.ECONNRESET) {
				err = fmt.Errorf("SO_ERROR is %d", number)
			}
			return err
		},
		"read(2)": func(fd int) error {
			if _, err := unix.Read(fd, make([]byte, 1)); err != unix.ECONNRESET {
				return fmt.Errorf("got %v, want ECONNRESET", err)
			}
			return nil
		},
	} {
		q := kqtest.NewQueue(t)
		_, b, fd, _ := kqtest.TCPPair(t)
		kqtest.Apply(t, q, ReadEvent(fd))
		b.SetLinger(0) // close sends a reset
		b.Close()
		kqtest.WaitOne(t, q)
		for range 2 {
			expect(t, "reset", poll(t, q))
		}
		if err := fetch(fd); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, name+" has fetched the error", poll(t, q))
	}
}

// A connection is refused. On FreeBSD, connect(2) reports that itself if it is
// quick; otherwise the event has the errno, until SO_ERROR fetches it.
func TestRefusedConnection(t *testing.T) {
	closed, name := newTCPSocket(t)
	kqtest.CloseFD(closed) // one that is bound but does not listen may answer nothing
	var fd int
	connected := error(unix.ECONNREFUSED)
	for try := 0; try < 100 && connected == unix.ECONNREFUSED; try++ {
		kqtest.CloseFD(fd)
		fd, _ = newTCPSocket(t)
		setNonblock(t, fd)
		connected = unix.Connect(fd, name)
	}
	check := func(what string) {
		t.Helper()
		for _, change := range []Event{ReadEvent(fd), WriteEvent(fd)} {
			q := kqtest.NewQueue(t)
			kqtest.Apply(t, q, change)
			expectSoon(t, what+", EVFILT_"+change.Filter.String(), func() string {
				events, err := q.Wait(0)
				if err != nil || len(events) == 0 || !events[0].EOF() {
					return fmt.Sprint("no end: ", events, err)
				}
				if events[0].SocketErr() == nil {
					return "EOF"
				}
				return "EOF " + errno(events[0].SocketErr())
			})
		}
	}
	switch connected {
	case unix.ECONNREFUSED: // it has taken the error
		check("the error was fetched")
		t.Skip("connect(2) always fails itself")
	case unix.EINPROGRESS:
	default:
		t.Fatal(connected)
	}
	check("refused")
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "SO_ERROR", errno(unix.Errno(number)))
	check("the error was fetched")
}

// An error of a UDP socket triggers the event without FlagEOF and without the
// errno, until a call has fetched it.
func TestRefusedDatagram(t *testing.T) {
	gone, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialUDP("udp", nil, gone.LocalAddr().(*net.UDPAddr))
	gone.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := kqtest.NewQueue(t)
	fd := kqtest.RawFD(t, c)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	var events []Event
	for len(events) == 0 { // the other socket may not be gone yet
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if events, err = q.Wait(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "refused", describe(events[0]))
	_, err = unix.Read(fd, make([]byte, 1))
	expect(t, "read(2)", errno(err))
	expect(t, "after read(2)", poll(t, q))
}

// The Data of datagrams that wait.
func TestDatagramData(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(data string) {
		t.Helper()
		if _, err := c.WriteTo([]byte(data), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	q := kqtest.NewQueue(t)
	fd := kqtest.RawFD(t, c)
	kqtest.Apply(t, q, ReadEvent(fd))
	send("abc")
	send("defg")
	expectSoon(t, "3 and 4 bytes", func() string { return poll(t, q) })
	kqtest.Read(t, fd, 10)
	kqtest.Read(t, fd, 10)
	kqtest.WaitNone(t, q)

	send("")
	for { // until it has arrived
		_, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_PEEK)
		if err == nil {
			break
		}
		if err != unix.EAGAIN {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	expect(t, "0 bytes", poll(t, q))
}

// A Unix datagram socket may be written to although the receiver is full, except
// on macOS.
func TestUnixDatagramRoom(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, p[0])
	kqtest.OwnFD(t, p[1])
	setNonblock(t, p[0])
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, WriteEvent(p[0]))
	for data := make([]byte, 64); ; {
		if _, err := unix.Write(p[0], data); err == unix.ENOBUFS || err == unix.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "the receiver is full", returned(t, q))
	kqtest.Read(t, p[1], 64)
	expect(t, "the receiver has read one", returned(t, q))
}

// The peer of a Unix datagram socket closes. That is returned only if the event is
// added afterwards.
func TestUnixDatagramPeerCloses(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, p[0])
	kqtest.OwnFD(t, p[1])
	before, after := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, before, ReadEvent(p[0]))
	kqtest.CloseFD(p[1])
	expect(t, "added before", returned(t, before))
	kqtest.Apply(t, after, ReadEvent(p[0]))
	expect(t, "added after", returned(t, after))
}

// The peer of a Unix stream socket closes. FreeBSD 15.0 does not wake one that is
// full.
func TestUnixStreamPeerCloses(t *testing.T) {
	for _, flag := range []Flag{0, FlagClear} {
		q := kqtest.NewQueue(t)
		a, b := kqtest.NewSocketpair(t)
		kqtest.Apply(t, q, WriteEvent(a).With(flag))
		kqtest.WaitOne(t, q)
		kqtest.CloseFD(b)
		expect(t, map[Flag]string{0: "it has room", FlagClear: "it has room, EV_CLEAR"}[flag], ended(t, q))
	}
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	setNonblock(t, a)
	kqtest.Apply(t, q, WriteEvent(a))
	fill(t, a)
	kqtest.WaitNone(t, q)
	kqtest.CloseFD(b)
	expect(t, "it is full", ended(t, q))
	kqtest.Apply(t, q, WriteEvent(a).Delete(), WriteEvent(a))
	expect(t, "added after", ended(t, q))
}

// A FilterWrite event with FlagClear comes again at each read of the peer, without
// the socket having been full. That of a UDP socket does not.
func TestSocketWriteAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Apply(t, q, WriteEvent(a).With(FlagClear))
	kqtest.WaitOne(t, q)
	for range 3 {
		kqtest.Write(t, a, "hello")
		expect(t, "after a write", returned(t, q))
		kqtest.Read(t, b, 5)
		expect(t, "after the read", returned(t, q))
	}

	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u := kqtest.NewQueue(t)
	kqtest.Apply(t, u, WriteEvent(kqtest.RawFD(t, c)).With(FlagClear))
	kqtest.WaitOne(t, u)
	if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	expect(t, "UDP: after the peer has read", returned(t, u))
}

// A stream socket is read in part, or peeked at. With FlagClear it is returned
// again only when more has arrived.
func TestSocketReadAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Apply(t, q, ReadEvent(a).With(FlagClear))
	kqtest.Write(t, b, "abcde")
	expect(t, "5 bytes", poll(t, q))
	if _, _, err := unix.Recvfrom(a, make([]byte, 1), unix.MSG_PEEK); err != nil {
		t.Fatal(err)
	}
	kqtest.Read(t, a, 2)
	expect(t, "2 of 5 bytes were read", poll(t, q))
	kqtest.Write(t, b, "f")
	expect(t, "one more byte", poll(t, q))
}

// The flags with which the ends of a stream are reported: DragonFly's EV_HUP says
// that both sides are closed, EV_NODATA that nothing is left to read.
func TestStreamEnd(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Apply(t, q, ReadEvent(a))
	kqtest.Write(t, b, "abc")
	expect(t, "3 bytes", poll(t, q))
	if err := unix.Shutdown(b, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	expect(t, "the peer has shut down, 3 bytes are left", poll(t, q))
	kqtest.Read(t, a, 3)
	expect(t, "nothing is left", poll(t, q))
	kqtest.CloseFD(b)
	expect(t, "the peer has closed", poll(t, q))
}

// Out-of-band data is reported among ordinary data.
func TestExceptOutOfBand(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q := kqtest.NewQueue(t)
	_, _, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), filter, FlagAdd, oob, 0, 0))
	kqtest.Write(t, peer, "in band")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	for { // on macOS, ordinary data triggers the event too
		e := kqtest.WaitOne(t, q)
		if e.Ident != uintptr(fd) || e.Filter != filter {
			t.Fatalf("got %v", e)
		}
		if e.Fflags&oob != 0 {
			break
		}
	}
}

// Out-of-band data of a TCP connection is reported until a byte behind the mark was
// read.
func TestExceptUntilBehindTheMark(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q := kqtest.NewQueue(t)
	_, _, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), filter, FlagAdd, oob, 0, 0))
	kqtest.WaitNone(t, q)
	kqtest.Write(t, peer, "abc")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	notes := func() string {
		t.Helper()
		events, err := q.Wait(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 1 {
			return nothing
		}
		return filter.NoteString(events[0].Fflags)
	}
	expectSoon(t, "out-of-band data has arrived", notes)
	if got := kqtest.Read(t, fd, 10); got != "abc" {
		t.Errorf("read %q", got)
	}
	expect(t, "the data before it was read", notes())
	if n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_OOB); n != 1 || err != nil {
		t.Errorf("recv(2): %d, %v", n, err)
	}
	expect(t, "it was read", notes())

	level := kqtest.NewQueue(t)
	kqtest.Apply(t, level, ReadEvent(fd))
	kqtest.Write(t, peer, "d")
	kqtest.WaitOne(t, level)
	kqtest.Read(t, fd, 1)
	expect(t, "the data behind it was read", notes())
}

// FilterExcept without NoteOOB.
func TestExceptWithoutOOB(t *testing.T) {
	filter := filterNamed(t, "EXCEPT")
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(a), filter, FlagAdd, 0, 0, 0))
	kqtest.Write(t, b, "abc")
	expect(t, "3 bytes of ordinary data", poll(t, q))
}

// FilterRead may request NoteOOB as well, except on OpenBSD, which ignores it.
func TestReadOutOfBand(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q := kqtest.NewQueue(t)
	_, _, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), FilterRead, FlagAdd, oob, 0, 0))
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	pending := kqtest.NewQueue(t)
	kqtest.Apply(t, pending, NewEvent(uintptr(fd), filter, FlagAdd, oob, 0, 0))
	kqtest.WaitOne(t, pending)
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	got := nothing
	if len(events) == 1 && events[0].Fflags&oob != 0 {
		got = "OOB"
	}
	expect(t, "out-of-band data", got)
}

// FilterExcept with FlagClear is returned once more when the peer closes, without
// FlagEOF.
func TestExceptPeerCloses(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q, ends := kqtest.NewQueue(t), kqtest.NewQueue(t)
	_, b, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), filter, FlagAdd|FlagClear, oob, 0, 0))
	kqtest.Write(t, peer, "abc")
	if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
		t.Fatal(err)
	}
	kqtest.WaitOne(t, q)
	for poll(t, q) != nothing { // The mark and the byte may arrive one after the other.
	}
	kqtest.Apply(t, ends, ReadEvent(fd))
	b.Close()
	for !kqtest.WaitOne(t, ends).EOF() {
	}
	expectSoon(t, "the peer has closed", func() string { return ended(t, q) })
}

// What is no socket.
func TestExceptOfAPipe(t *testing.T) {
	filter, oob := filterNamed(t, "EXCEPT"), noteNamed(t, "OOB")
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	expect(t, "adding a pipe", errno(q.Apply(NewEvent(uintptr(r), filter, FlagAdd, oob, 0, 0))))
}

// FilterEmpty is triggered while everything that was sent is acknowledged.
func TestEmpty(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, b, fd, _ := kqtest.TCPPair(t)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), filterNamed(t, "EMPTY"), FlagAdd, 0, 0, 0))
	expect(t, "nothing was sent", poll(t, q))
	sent := 0
	for block := make([]byte, 65536); ; {
		n, err := unix.Write(fd, block)
		if err == unix.EAGAIN {
			if poll(t, q) != nothing {
				continue // the peer has acknowledged all of it
			}
			expect(t, "the buffers are full", poll(t, q))
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	done := make(chan error)
	go func() {
		buf := make([]byte, sent)
		var err error
		for n := 0; n < sent && err == nil; {
			var got int
			got, err = b.Read(buf[n:])
			n += got
		}
		done <- err
	}()
	expectSoon(t, "the peer has read everything", func() string { return poll(t, q) })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// FilterEmpty on Unix sockets. FreeBSD 15.0 has it the wrong way round. On NetBSD,
// what was sent is in the buffer of the receiver, and that of the sender is empty.
func TestEmptyUnixSocket(t *testing.T) {
	filter := filterNamed(t, "EMPTY")
	a, b := kqtest.NewSocketpair(t)
	setNonblock(t, a)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"nothing was sent", func() {}},
		{"3 bytes were sent", func() { kqtest.Write(t, a, "abc") }},
		{"the buffer is full", func() { fill(t, a) }},
		{"the peer has closed", func() { kqtest.CloseFD(b) }},
	} {
		step.do()
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, NewEvent(uintptr(a), filter, FlagAdd, 0, 0, 0))
		expect(t, step.name, returned(t, q))
	}
	q, f := kqtest.NewQueue(t), kqtest.NewFile(t, "")
	expect(t, "adding a file", errno(q.Apply(NewEvent(f.Fd(), filter, FlagAdd, 0, 0, 0))))
}
