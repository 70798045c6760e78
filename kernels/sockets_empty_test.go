//go:build freebsd || netbsd

package kernels_test

import (
	"net"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// FilterEmpty of sockets that are no connections.
func TestEmptyOthers(t *testing.T) {
	empty := func(fd int) Event { return NewEvent(uintptr(fd), filterNamed(t, "EMPTY"), FlagAdd, 0, 0, 0) }
	ask := func(what string, fd int) {
		t.Helper()
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, empty(fd))
		expect(t, what, returned(t, q))
	}
	a, _ := unixPair(t, unix.SOCK_DGRAM)
	for err := error(nil); err == nil; {
		_, err = unix.Write(a, make([]byte, 64))
	}
	ask("a Unix datagram socket whose receiver is full", a)
	ask("a Unix stream that is not connected", newSocket(t, unix.AF_UNIX, unix.SOCK_STREAM))
	l, _ := bindUnix(t, unix.SOCK_STREAM, 5)
	ask("a Unix listener", l)
	_, fd := listen(t)
	ask("a TCP listener", fd)

	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, empty(kqtest.RawFD(t, c)).With(FlagClear))
	expect(t, "UDP with EV_CLEAR, nothing was sent", poll(t, q))
	if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	expect(t, "UDP with EV_CLEAR, a datagram was sent and has arrived", poll(t, q))
}

// FilterEmpty of TCP speaks of what the kernel of the peer has acknowledged.
func TestEmptyAcknowledged(t *testing.T) {
	filter := filterNamed(t, "EMPTY")
	q, reads := kqtest.NewQueue(t), kqtest.NewQueue(t)
	_, b, fd, peer := kqtest.TCPPair(t)
	kqtest.Apply(t, reads, ReadEvent(peer))
	kqtest.Write(t, fd, "abc")
	kqtest.WaitOne(t, reads)
	kqtest.Apply(t, q, NewEvent(uintptr(fd), filter, FlagAdd, 0, 0, 0))
	waitPending(t, q)
	expect(t, "3 bytes have arrived, and nobody has read them", poll(t, q))

	// A reset throws away what was not sent.
	for fill(t, fd) > 0 {
	}
	gone := kqtest.NewQueue(t)
	kqtest.Apply(t, gone, ReadEvent(fd))
	b.SetLinger(0)
	b.Close()
	kqtest.WaitOne(t, gone)
	expect(t, "the buffers were full, and the peer has reset the connection", poll(t, q))
}
