//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// bothEnds returns the events of both filters of fd, without the Data of
// FilterWrite, which is the size of a buffer.
func bothEnds(t *testing.T, q *Queue) string {
	t.Helper()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if events[i].Filter == FilterWrite {
			events[i].Data = 0
		}
	}
	return describeAll(events)
}

// A connection is reset while 100 bytes have not been read. The order of the events
// is that in which the kernel wakes both sides, not that of the changes.
func TestResetWithData(t *testing.T) {
	for _, order := range []string{"EVFILT_READ was added first", "EVFILT_WRITE was added first"} {
		var fd int
		expectSoon(t, "one wait, "+order, func() string {
			q := kqtest.NewQueue(t)
			var b *net.TCPConn
			_, b, fd, _ = kqtest.TCPPair(t)
			changes := []Event{ReadEvent(fd).With(FlagClear), WriteEvent(fd).With(FlagClear)}
			if strings.HasPrefix(order, "EVFILT_W") {
				changes[0], changes[1] = changes[1], changes[0]
			}
			kqtest.Apply(t, q, changes...)
			kqtest.WaitOne(t, q) // there is room
			if _, err := b.Write(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			kqtest.WaitOne(t, q)
			b.SetLinger(0) // close sends a reset
			b.Close()
			waitPending(t, q)
			return bothEnds(t, q)
		})
		n, err := unix.Read(fd, make([]byte, 200))
		expect(t, "read(2)", fmt.Sprint(n, " ", errno(err)))
		_, err = unix.Read(fd, make([]byte, 200))
		expect(t, "read(2) again", errno(err))
	}
}

// The peer closes although it has unread bytes.
func TestPeerClosesWithData(t *testing.T) {
	if kqtest.MacOS {
		t.Skip("TCP is made up where the kernel runs")
	}
	reads := kqtest.NewQueue(t)
	_, b, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, reads, ReadEvent(peer))
	kqtest.Write(t, fd, "abcde")
	kqtest.WaitOne(t, reads)
	ask := func(what string) {
		t.Helper()
		for _, e := range []Event{ReadEvent(fd), WriteEvent(fd)} {
			q := kqtest.NewQueue(t)
			kqtest.Apply(t, q, e)
			expectSoon(t, what+", EVFILT_"+e.Filter.String(), func() string { return withoutData(t, q) })
		}
	}
	b.Close()
	ask("it has closed")
	_, err := unix.Write(fd, []byte("x"))
	expect(t, "write(2)", errno(err))
	ask("after write(2)")
}

// A listener closes before it has accepted a connection.
func TestListenerClosesWithout(t *testing.T) {
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	l, _ := listen(t)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fd := kqtest.RawFD(t, c.(*net.TCPConn))
	kqtest.Apply(t, reads, ReadEvent(fd))
	kqtest.Apply(t, writes, WriteEvent(fd))
	l.Close()
	expectSoon(t, "EVFILT_READ", func() string { return withoutData(t, reads) })
	expectSoon(t, "EVFILT_WRITE", func() string { return withoutData(t, writes) })
}

// A client resets its connection before it was accepted, and another one waits.
func TestResetBeforeAccept(t *testing.T) {
	var fd int
	var q *Queue
	expectSoon(t, "EVFILT_READ and accept(2)", func() string {
		q = kqtest.NewQueue(t)
		var l *net.TCPListener
		l, fd = listen(t)
		kqtest.Apply(t, q, ReadEvent(fd))
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		kqtest.WaitOne(t, q)
		dial(t, l.Addr())
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		sleepOn(t, 50*time.Millisecond) // until the reset has probably arrived
		got := poll(t, q)
		a, _, err := unix.Accept(fd)
		if err == nil {
			defer unix.Close(a)
		}
		return got + ", " + errno(err)
	})
	a, _, err := unix.Accept(fd)
	expect(t, "accept(2) of the next one", errno(err))
	if err == nil {
		unix.Close(a)
	}
	expect(t, "EVFILT_READ after that", poll(t, q))
}

// A byte of out-of-band data, and FilterRead with FlagClear.
func TestOutOfBandWithClear(t *testing.T) {
	for _, inline := range []int{0, 1} {
		q, seen := kqtest.NewQueue(t), kqtest.NewQueue(t)
		_, _, fd, peer := kqtest.TCPPair(t)
		setOption(t, fd, unix.SOL_SOCKET, unix.SO_OOBINLINE, inline)
		kqtest.Apply(t, q, ReadEvent(fd).With(FlagClear))
		if err := unix.Send(peer, []byte("!"), unix.MSG_OOB); err != nil {
			t.Fatal(err)
		}
		if inline == 1 {
			waitPending(t, q)
			expect(t, "with SO_OOBINLINE", poll(t, q))
			continue
		}
		for { // until it has arrived
			_, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_OOB|unix.MSG_PEEK)
			if err == nil {
				break
			}
			if err != unix.EINVAL && err != unix.EAGAIN {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
		expect(t, "out-of-band data has arrived", poll(t, q))
		kqtest.Write(t, peer, "abc")
		kqtest.Apply(t, seen, ReadEvent(fd))
		for !strings.Contains(poll(t, seen), "data=3") {
			runtime.Gosched()
		}
		expect(t, "3 bytes behind it", poll(t, q))
	}
}

// TCP_NOPUSH keeps back what does not fill a segment.
func TestNoPush(t *testing.T) {
	option := map[string]int{"darwin": 4, "dragonfly": 4, "freebsd": 4, "openbsd": 16}[runtime.GOOS]
	if option == 0 {
		t.Skip("this system has no TCP_NOPUSH")
	}
	q := kqtest.NewQueue(t)
	_, _, fd, peer := kqtest.TCPPair(t)
	setOption(t, peer, unix.IPPROTO_TCP, option, 1)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.Write(t, peer, "abc")
	sleepOn(t, 50*time.Millisecond)
	expectSoon(t, "with TCP_NOPUSH", func() string { return poll(t, q) })
	setOption(t, peer, unix.IPPROTO_TCP, option, 0)
	sleepOn(t, 50*time.Millisecond)
	expectSoon(t, "TCP_NOPUSH was cleared", func() string { return poll(t, q) })
	kqtest.Write(t, peer, "d")
	sleepOn(t, 50*time.Millisecond)
	expectSoon(t, "after the next write", func() string { return poll(t, q) })
}

// Data of a UDP datagram with control data.
func TestDatagramTimestamp(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := kqtest.NewQueue(t)
	fd := kqtest.RawFD(t, c)
	setOption(t, fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP, 1)
	kqtest.Apply(t, q, ReadEvent(fd))
	if _, err := c.WriteTo([]byte("abc"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	waitPending(t, q)
	expect(t, "3 bytes", poll(t, q))
}

// An idle connection whose other side no longer answers, and SO_KEEPALIVE.
func TestKeepalive(t *testing.T) {
	options := map[string]struct{ minTTL, idle, interval, count int }{
		"dragonfly": {66, 256, 512, 1024},
		"freebsd":   {66, 256, 512, 1024},
		"netbsd":    {24, 3, 5, 6},
	}
	o, ok := options[runtime.GOOS]
	if !ok {
		t.Skip("a connection has no times of its own, or nothing makes the other side deaf")
	}
	_, _, fd, peer := kqtest.TCPPair(t)
	setOption(t, peer, unix.IPPROTO_IP, o.minTTL, 255) // which drops what arrives
	setOption(t, fd, unix.IPPROTO_TCP, o.idle, 1)
	setOption(t, fd, unix.IPPROTO_TCP, o.interval, 1)
	setOption(t, fd, unix.IPPROTO_TCP, o.count, 1)
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, reads, ReadEvent(fd))
	kqtest.Apply(t, writes, WriteEvent(fd).With(FlagClear))
	kqtest.WaitOne(t, writes)
	setOption(t, fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	waitPending(t, reads)
	waitPending(t, writes)
	expect(t, "EVFILT_READ", poll(t, reads))
	expect(t, "EVFILT_WRITE", withoutData(t, writes))
}

// listenTogether makes two TCP listeners with one address, by a socket option, or
// skips the test.
func listenTogether(t *testing.T, option int) (fds [2]int, port int) {
	t.Helper()
	for i := range fds {
		fds[i] = newSocket(t, unix.AF_INET, unix.SOCK_STREAM)
		setOption(t, fds[i], unix.SOL_SOCKET, option, 1)
		if err := unix.Bind(fds[i], &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
			t.Skip("two sockets cannot have one address:", err)
		}
		name, err := unix.Getsockname(fds[i])
		if err != nil {
			t.Fatal(err)
		}
		port = name.(*unix.SockaddrInet4).Port
		if err := unix.Listen(fds[i], 64); err != nil {
			t.Fatal(err)
		}
	}
	return fds, port
}

// pendingConnections returns the Data of a listener.
func pendingConnections(t *testing.T, fd int) int {
	t.Helper()
	q := kqtest.NewQueue(t)
	defer q.Close()
	kqtest.Apply(t, q, ReadEvent(fd))
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		return 0
	}
	return int(events[0].Data)
}

// Two listeners have one address by SO_REUSEPORT, or by SO_REUSEPORT_LB, and one of
// them closes. On DragonFly, the CPU of the client decides who gets a connection.
func TestReusePort(t *testing.T) {
	const connections = 32
	for name, option := range map[string]int{"SO_REUSEPORT": unix.SO_REUSEPORT, "SO_REUSEPORT_LB": 0x10000} {
		if name == "SO_REUSEPORT_LB" && runtime.GOOS != "freebsd" {
			continue
		}
		var fds [2]int
		var has [2]int
		expectSoon(t, name+": who has the connections", func() string {
			var port int
			fds, port = listenTogether(t, option)
			for range connections {
				dial(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			}
			for has[0], has[1] = 0, 0; has[0]+has[1] < connections; {
				runtime.Gosched()
				has[0], has[1] = pendingConnections(t, fds[0]), pendingConnections(t, fds[1])
			}
			switch {
			case has[0] == 0:
				return "the second"
			case has[1] == 0:
				return "the first"
			}
			return "both"
		})
		closes, stays := 0, 1
		if has[0] == 0 {
			closes, stays = 1, 0
		}
		kqtest.CloseFD(fds[closes])
		sleepOn(t, 50*time.Millisecond)
		expectSoon(t, name+": those of a listener that closes", func() string {
			switch n := pendingConnections(t, fds[stays]); n {
			case has[stays]:
				return "are lost"
			case connections:
				return "go to the other"
			default:
				return fmt.Sprint(n, " of ", connections)
			}
		})
	}
}

// An accept filter keeps a connection back until it has sent something.
func TestAcceptFilter(t *testing.T) {
	const option = 0x1000 // SO_ACCEPTFILTER
	if kqtest.MacOS || runtime.GOOS == "openbsd" {
		t.Skip("this system has no accept filters")
	}
	l, fd := listen(t)
	err := unix.SetsockoptString(fd, unix.SOL_SOCKET, option, "dataready"+strings.Repeat("\x00", 256-len("dataready")))
	if err != nil {
		t.Skip("this kernel has no accept filter:", err)
	}
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, ReadEvent(fd).With(FlagClear))
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sleepOn(t, 50*time.Millisecond)
	expectSoon(t, "a connection", func() string { return poll(t, q) })
	kqtest.Write(t, kqtest.RawFD(t, c.(*net.TCPConn)), "x")
	waitPending(t, q)
	expect(t, "it has sent a byte", poll(t, q))
}

// FilterWrite with FlagClear is returned again when the other side acknowledges
// data, although the socket has not been full.
func TestTCPWriteAgain(t *testing.T) {
	q := kqtest.NewQueue(t)
	_, _, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, q, WriteEvent(fd).With(FlagClear))
	kqtest.WaitOne(t, q)
	kqtest.Write(t, fd, "hello")
	seen := nothing
	soon := func() string {
		if got := returned(t, q); got != nothing {
			seen = got
		}
		return seen
	}
	expectSoon(t, "after a write of 5 bytes", soon)
	kqtest.Read(t, peer, 5)
}
