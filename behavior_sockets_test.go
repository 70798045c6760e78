//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
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
	return l, rawFD(t, l)
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
	level, q := newQueue(t), newQueue(t)
	apply(t, level, ReadEvent(fd))
	three := answers{everywhere: "READ data=3"}
	expectSoon(t, "three connections", func() string { return poll(t, level) }, three)

	apply(t, q, ReadEvent(fd).With(FlagClear))
	expect(t, "with FlagClear", poll(t, q), three)
	waitNone(t, q)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expect(t, "after one accept(2)", poll(t, q), answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "READ data=2",
	})
}

// newTCPSocket makes a socket with an address.
func newTCPSocket(t *testing.T) (fd int, name *unix.SockaddrInet4) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ownFD(t, fd)
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
	q, after := newQueue(t), newQueue(t)
	apply(t, q, ReadEvent(fd))
	waitNone(t, q)
	if err := unix.Listen(fd, 5); err != nil {
		t.Fatal(err)
	}
	apply(t, after, ReadEvent(fd))
	dial(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.Port})
	waitOne(t, after)
	want := answers{
		"darwin freebsd openbsd": "READ data=1",
		"dragonfly":              "READ",
		"netbsd":                 nothing,
	}
	expect(t, "a connection", poll(t, q), want)
	apply(t, q, ReadEvent(fd))
	expect(t, "adding it again", poll(t, q), want)
	apply(t, q, ReadEvent(fd).Delete(), ReadEvent(fd))
	expect(t, "deleting and adding it", poll(t, q), answers{everywhere: "READ data=1"})
}

// shutdown(2) of a listener ends its event on FreeBSD alone.
func TestListenerShutdown(t *testing.T) {
	for _, test := range []struct {
		change func(fd int) Event
		want   answers
	}{
		{ReadEvent, answers{
			"darwin dragonfly netbsd openbsd": nothing,
			"freebsd":                         "EOF",
		}},
		{WriteEvent, answers{
			"darwin freebsd":           nothing,
			"dragonfly netbsd openbsd": "EOF",
		}},
	} {
		q := newQueue(t)
		_, fd := listen(t)
		e := test.change(fd)
		apply(t, q, e)
		waitNone(t, q)
		err := unix.Shutdown(fd, unix.SHUT_RDWR)
		expect(t, fmt.Sprintf("%v, shutdown: %v", e.Filter, err), ended(t, q), test.want)
		if system() != "freebsd" || e.Filter != FilterRead {
			continue
		}
		if e := waitOne(t, q); e.SocketErr() != unix.ECONNABORTED {
			t.Errorf("got %v, want ECONNABORTED", e)
		}
		if _, _, err := unix.Accept(fd); err != unix.ECONNABORTED {
			t.Errorf("accept(2): got %v, want ECONNABORTED", err)
		}
		waitNone(t, q) // accept(2) has taken the error
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
		q := newQueue(t)
		_, b, fd, _ := tcpPair(t)
		apply(t, q, ReadEvent(fd))
		b.SetLinger(0) // close sends a reset
		b.Close()
		waitOne(t, q)
		for range 2 {
			if e := waitOne(t, q); !e.EOF() || e.SocketErr() != unix.ECONNRESET {
				t.Errorf("%s: got %v, want EOF and ECONNRESET", name, e)
			}
		}
		if err := fetch(fd); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if e := waitOne(t, q); !e.EOF() || e.SocketErr() != nil {
			t.Errorf("%s has fetched the error: got %v, want EOF without an error", name, e)
		}
	}
}

// A connection is refused. connect(2) may report that itself; otherwise the event
// has the errno, until SO_ERROR fetches it.
func TestRefusedConnection(t *testing.T) {
	fd, _ := newTCPSocket(t)
	closed, name := newTCPSocket(t)
	closeFD(closed) // one that is bound but does not listen may answer nothing
	setNonblock(t, fd)
	connected := unix.Connect(fd, name)
	asked := func(answer string) answers {
		return answers{"darwin": unasked, "dragonfly freebsd netbsd openbsd": answer}
	}
	check := func(what, want string) {
		t.Helper()
		for _, change := range []Event{ReadEvent(fd), WriteEvent(fd)} {
			q := newQueue(t)
			apply(t, q, change)
			expectSoon(t, what, func() string {
				events, err := q.Wait(0)
				if err != nil || len(events) == 0 || !events[0].EOF() {
					return fmt.Sprint("no end: ", events, err)
				}
				return errno(events[0].SocketErr())
			}, asked(want))
		}
	}
	pending := "ECONNREFUSED"
	if connected == unix.ECONNREFUSED {
		pending = "ok" // it has taken the error
	} else if connected != unix.EINPROGRESS {
		t.Fatal(connected)
	}
	check(fmt.Sprint("connect(2): ", connected), pending)
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		t.Fatal(err)
	}
	got := "ok"
	if number != 0 {
		got = errno(unix.Errno(number))
	}
	expect(t, "SO_ERROR", got, asked(pending))
	check("after SO_ERROR", "ok")
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
	q := newQueue(t)
	fd := rawFD(t, c)
	apply(t, q, ReadEvent(fd))
	waitNone(t, q)
	var events []Event
	for len(events) == 0 { // the other socket may not be gone yet
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if events, err = q.Wait(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if e := events[0]; e.EOF() || e.Data != 0 || e.SocketErr() != nil {
		t.Errorf("got %v", e)
	}
	if _, err := unix.Read(fd, make([]byte, 1)); err != unix.ECONNREFUSED {
		t.Errorf("read(2): got %v, want ECONNREFUSED", err)
	}
	waitNone(t, q)
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
	q := newQueue(t)
	fd := rawFD(t, c)
	apply(t, q, ReadEvent(fd))
	send("abc")
	send("defg")
	want := answers{
		"darwin freebsd":           "READ data=7",
		"dragonfly netbsd openbsd": "READ data=39", // with 16 bytes of address for each
	}
	expectSoon(t, "3 and 4 bytes", func() string { return poll(t, q) }, want)
	read(t, fd, 10)
	read(t, fd, 10)
	waitNone(t, q)

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
	expect(t, "0 bytes", poll(t, q), answers{
		"darwin freebsd":           "READ",
		"dragonfly netbsd openbsd": "READ data=16",
	})
}

// A Unix datagram socket may be written to although the receiver is full, except
// on macOS.
func TestUnixDatagramRoom(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ownFD(t, p[0])
	ownFD(t, p[1])
	setNonblock(t, p[0])
	q := newQueue(t)
	apply(t, q, WriteEvent(p[0]))
	for data := make([]byte, 64); ; {
		if _, err := unix.Write(p[0], data); err == unix.ENOBUFS || err == unix.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "the receiver is full", returned(t, q), answers{
		"darwin":                           nothing,
		"dragonfly freebsd netbsd openbsd": "returned",
	})
	read(t, p[1], 64)
	expect(t, "the receiver has read one", returned(t, q), answers{everywhere: "returned"})
}

// The peer of a Unix datagram socket closes. That is returned only if the event is
// added afterwards.
func TestUnixDatagramPeerCloses(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ownFD(t, p[0])
	ownFD(t, p[1])
	before, after := newQueue(t), newQueue(t)
	apply(t, before, ReadEvent(p[0]))
	closeFD(p[1])
	expect(t, "added before", returned(t, before), answers{everywhere: nothing})
	apply(t, after, ReadEvent(p[0]))
	expect(t, "added after", returned(t, after), answers{everywhere: "returned"})
}

// The peer of a Unix stream socket closes. FreeBSD 15.0 does not wake one that is
// full.
func TestUnixStreamPeerCloses(t *testing.T) {
	for _, flag := range []Flag{0, FlagClear} {
		q := newQueue(t)
		a, b := newSocketpair(t)
		apply(t, q, WriteEvent(a).With(flag))
		waitOne(t, q)
		closeFD(b)
		want := answers{everywhere: "EOF"}
		if flag == FlagClear {
			want = answers{"darwin dragonfly netbsd openbsd": "EOF", "freebsd": nothing, "freebsd-14": "EOF"}
		}
		expect(t, fmt.Sprintf("with room, %v", flag), ended(t, q), want)
	}
	q := newQueue(t)
	a, b := newSocketpair(t)
	setNonblock(t, a)
	apply(t, q, WriteEvent(a))
	fill(t, a)
	waitNone(t, q)
	closeFD(b)
	expect(t, "full", ended(t, q), answers{
		"darwin dragonfly freebsd-14 netbsd openbsd": "EOF",
		"freebsd": nothing,
	})
	apply(t, q, WriteEvent(a).Delete(), WriteEvent(a))
	expect(t, "added after", ended(t, q), answers{everywhere: "EOF"})
}

// A FilterWrite event with FlagClear comes again at each read of the peer, without
// the socket having been full. That of a UDP socket does not.
func TestSocketWriteAgain(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, WriteEvent(a).With(FlagClear))
	waitOne(t, q)
	for range 3 {
		write(t, a, "hello")
		expect(t, "after a write", returned(t, q), answers{everywhere: nothing})
		read(t, b, 5)
		expect(t, "after the read", returned(t, q), answers{everywhere: "returned"})
	}

	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u := newQueue(t)
	apply(t, u, WriteEvent(rawFD(t, c)).With(FlagClear))
	waitOne(t, u)
	if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	expect(t, "UDP", returned(t, u), answers{everywhere: nothing})
}

// A stream socket is read in part, or peeked at. With FlagClear it is returned
// again only when more has arrived.
func TestSocketReadAgain(t *testing.T) {
	q := newQueue(t)
	a, b := newSocketpair(t)
	apply(t, q, ReadEvent(a).With(FlagClear))
	write(t, b, "abcde")
	expect(t, "5 bytes", poll(t, q), answers{everywhere: "READ data=5"})
	if _, _, err := unix.Recvfrom(a, make([]byte, 1), unix.MSG_PEEK); err != nil {
		t.Fatal(err)
	}
	read(t, a, 2)
	expect(t, "2 of 5 bytes were read", poll(t, q), answers{everywhere: nothing})
	write(t, b, "f")
	expect(t, "one more byte", poll(t, q), answers{everywhere: "READ data=4"})
}

// Deleting or disabling an event whose descriptor is closed.
func TestDeleteAfterClose(t *testing.T) {
	q := newQueue(t)
	_, w := newPipe(t)
	e := WriteEvent(w)
	apply(t, q, e)
	closeFD(w)
	for _, change := range []Event{e.Delete(), e.Disable()} {
		expect(t, change.String(), errno(q.Apply(change)), answers{
			"darwin":                           "ENOENT",
			"dragonfly freebsd netbsd openbsd": "EBADF",
		})
	}
}

// A deletion that comes too late removes the event of the descriptor that has
// the number now.
func TestDeleteHitsTheNewOwner(t *testing.T) {
	q := newQueue(t)
	r, w := newPipe(t)
	stale := WriteEvent(w)
	apply(t, q, stale)
	closeFD(w)
	a, _ := newSocketpair(t)
	if err := unix.Dup2(a, w); err != nil {
		t.Fatal(err)
	}
	ownFD(t, w)
	apply(t, q, WriteEvent(w), stale.Delete())
	waitGone(t, q, WriteEvent(w))
	closeFD(r)
}
