//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// newSocket makes a non-blocking socket.
func newSocket(t *testing.T, domain, kind int) int {
	t.Helper()
	fd, err := unix.Socket(domain, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, fd)
	setNonblock(t, fd)
	return fd
}

// bindUnix makes a Unix socket with a name. If backlog is positive, it listens.
func bindUnix(t *testing.T, kind, backlog int) (fd int, name unix.Sockaddr) {
	t.Helper()
	fd = newSocket(t, unix.AF_UNIX, kind)
	name = &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "socket")}
	if err := unix.Bind(fd, name); err != nil {
		t.Fatal(err)
	}
	if backlog > 0 {
		if err := unix.Listen(fd, backlog); err != nil {
			t.Fatal(err)
		}
	}
	return fd, name
}

// unixPair makes a pair of non-blocking Unix sockets.
func unixPair(t *testing.T, kind int) (a, b int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	kqtest.OwnFD(t, p[0])
	kqtest.OwnFD(t, p[1])
	setNonblock(t, p[0])
	setNonblock(t, p[1])
	return p[0], p[1]
}

func connect(t *testing.T, fd int, to unix.Sockaddr) {
	t.Helper()
	if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
		t.Fatal(err)
	}
}

func setOption(t *testing.T, fd, level, option, value int) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, level, option, value); err != nil {
		t.Fatal(err)
	}
}

// FilterWrite is added before connect(2). FreeBSD 15.0 does not wake a Unix socket
// when it is connected.
func TestWriteBeforeConnect(t *testing.T) {
	for _, flag := range []Flag{0, FlagClear, FlagOneshot} {
		suffix := map[Flag]string{FlagClear: ", EV_CLEAR", FlagOneshot: ", EV_ONESHOT"}[flag]
		q := kqtest.NewQueue(t)
		l, name := bindUnix(t, unix.SOCK_STREAM, 5)
		fd := newSocket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		kqtest.Apply(t, q, WriteEvent(fd).With(flag))
		if flag == 0 {
			expect(t, "Unix stream, before", returned(t, q))
		}
		connect(t, fd, name)
		expect(t, "Unix stream"+suffix, returned(t, q))
		if flag == FlagClear {
			c, _, err := unix.Accept(l)
			if err != nil {
				t.Fatal(err)
			}
			kqtest.OwnFD(t, c)
			kqtest.Write(t, fd, "abc")
			expect(t, "Unix stream"+suffix+", after a write", returned(t, q))
			kqtest.Read(t, c, 3)
			expect(t, "Unix stream"+suffix+", the peer has read", returned(t, q))
			kqtest.Apply(t, q, WriteEvent(fd))
			expect(t, "Unix stream"+suffix+", EV_ADD again", returned(t, q))
		}

		if flag == 0 && !kqtest.MacOS { // it has no seqpacket
			seq := kqtest.NewQueue(t)
			_, name := bindUnix(t, unix.SOCK_SEQPACKET, 5)
			fd := newSocket(t, unix.AF_UNIX, unix.SOCK_SEQPACKET)
			kqtest.Apply(t, seq, WriteEvent(fd))
			connect(t, fd, name)
			expect(t, "Unix seqpacket", returned(t, seq))
		}

		tcp := kqtest.NewQueue(t)
		fd = newSocket(t, unix.AF_INET, unix.SOCK_STREAM)
		kqtest.Apply(t, tcp, WriteEvent(fd).With(flag))
		listener, _ := listen(t)
		addr := listener.Addr().(*net.TCPAddr)
		connect(t, fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: addr.Port})
		waitPending(t, tcp)
		expect(t, "TCP"+suffix, returned(t, tcp))
	}
}

// A Unix datagram cannot be written because the receiver is full, and then the
// receiver reads everything.
func TestUnixDatagramReceiverReads(t *testing.T) {
	for _, named := range []bool{false, true} {
		for _, flag := range []Flag{0, FlagClear} {
			q := kqtest.NewQueue(t)
			a, b := unixPair(t, unix.SOCK_DGRAM)
			what := "a socketpair"
			if named {
				what = "a receiver with a name"
				var name unix.Sockaddr
				a = newSocket(t, unix.AF_UNIX, unix.SOCK_DGRAM)
				b, name = bindUnix(t, unix.SOCK_DGRAM, 0)
				connect(t, a, name)
			}
			if flag == FlagClear {
				what += ", EV_CLEAR"
			}
			kqtest.Apply(t, q, WriteEvent(a).With(flag))
			kqtest.WaitOne(t, q)
			err := error(nil)
			for data := make([]byte, 64); err == nil; {
				_, err = unix.Write(a, data)
			}
			if err != unix.ENOBUFS && err != unix.EAGAIN {
				t.Fatal(err)
			}
			expect(t, what+": write(2) fails", returned(t, q))
			for err = nil; err == nil; {
				_, err = unix.Read(b, make([]byte, 64))
			}
			expect(t, what+": the receiver has read everything", returned(t, q))
			kqtest.Apply(t, q, WriteEvent(a))
			expect(t, what+": EV_ADD again", returned(t, q))
		}
	}
}

// The peer has called shutdown(2) with SHUT_RD, and the program writes.
func TestPeerShutsReading(t *testing.T) {
	for _, kind := range []string{"Unix stream", "TCP"} {
		q := kqtest.NewQueue(t)
		var a, b int
		if kind == "TCP" {
			_, _, a, b = kqtest.TCPPair(t)
		} else {
			a, b = unixPair(t, unix.SOCK_STREAM)
		}
		kqtest.Apply(t, q, WriteEvent(a))
		kqtest.WaitOne(t, q)
		if err := unix.Shutdown(b, unix.SHUT_RD); err != nil {
			t.Fatal(err)
		}
		expect(t, kind+": EVFILT_WRITE", ended(t, q))
		total := 0
		expectSoon(t, kind+": writing 1 MiB", func() string {
			for block := make([]byte, 4096); total < 1<<20; {
				n, err := unix.Write(a, block)
				if err == nil {
					total += n
					continue
				}
				if err != unix.EAGAIN {
					return errno(err)
				}
				events, err := q.Wait(300 * time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if len(events) == 0 {
					return "it stops for good"
				}
			}
			return "ok"
		})
		expect(t, kind+": EVFILT_WRITE after that", ended(t, q))
		t.Logf("%s: %d bytes were written", kind, total)
	}
}

// Data of a stream with descriptors in it.
func TestUnixRights(t *testing.T) {
	for _, test := range []struct {
		what    string
		size    int
		descrip int
	}{
		{"1 byte", 1, 0},
		{"1 byte and a descriptor", 1, 1},
		{"100 bytes and two descriptors", 100, 2},
	} {
		q := kqtest.NewQueue(t)
		a, b := unixPair(t, unix.SOCK_STREAM)
		kqtest.Apply(t, q, ReadEvent(b))
		var control []byte
		if test.descrip > 0 {
			control = unix.UnixRights([]int{a, b}[:test.descrip]...)
		}
		if err := unix.Sendmsg(a, make([]byte, test.size), control, nil, 0); err != nil {
			t.Fatal(err)
		}
		expect(t, test.what, poll(t, q))
		kqtest.Read(t, b, test.size) // which drops the descriptors
		expect(t, test.what+", after read(2)", poll(t, q))
	}
}

// The low-water marks of a Unix stream.
func TestUnixStreamLowat(t *testing.T) {
	a, _ := unixPair(t, unix.SOCK_STREAM)
	size := fill(t, a)

	// Room is as much as the writer wants.
	a, b := unixPair(t, unix.SOCK_STREAM)
	setOption(t, a, unix.SOL_SOCKET, unix.SO_SNDLOWAT, size/2)
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, WriteEvent(a).With(FlagClear))
	kqtest.WaitOne(t, q)
	fill(t, a)
	drain(t, b, size/4)
	expect(t, "SO_SNDLOWAT of the writer is a half, a quarter is free", returned(t, q))
	drain(t, b, size/2)
	expect(t, "SO_SNDLOWAT of the writer is a half, three quarters are free", returned(t, q))

	// The reader wants more than is there, and the writer has more for it.
	a, b = unixPair(t, unix.SOCK_STREAM)
	setOption(t, b, unix.SOL_SOCKET, unix.SO_RCVLOWAT, size*3/4)
	writer, reader := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, writer, WriteEvent(a))
	kqtest.Apply(t, reader, ReadEvent(b))
	kqtest.Write(t, a, strings.Repeat("x", size/2))
	expect(t, "SO_RCVLOWAT of the reader is three quarters, a half is full: the reader", returned(t, reader))
	expect(t, "SO_RCVLOWAT of the reader is three quarters, a half is full: the writer", returned(t, writer))
}

// What counts for EVFILT_READ of a stream: SO_RCVLOWAT, NoteLowat and the buffer.
func TestReadLowat(t *testing.T) {
	lowat := func(fd int, n int64) Event {
		return NewEvent(uintptr(fd), FilterRead, FlagAdd, NoteLowat, n, 0)
	}
	q := kqtest.NewQueue(t)
	a, b := unixPair(t, unix.SOCK_STREAM)
	setOption(t, b, unix.SOL_SOCKET, unix.SO_RCVLOWAT, 10)
	kqtest.Apply(t, q, ReadEvent(b))
	kqtest.Write(t, a, "123456789")
	expect(t, "SO_RCVLOWAT 10, 9 bytes", poll(t, q))
	kqtest.Apply(t, q, lowat(b, 5))
	expect(t, "SO_RCVLOWAT 10, NOTE_LOWAT 5, 9 bytes", poll(t, q))
	kqtest.Apply(t, q, ReadEvent(b))
	kqtest.Write(t, a, "0")
	expect(t, "SO_RCVLOWAT 10, 10 bytes", poll(t, q))
	kqtest.Apply(t, q, lowat(b, 11))
	expect(t, "SO_RCVLOWAT 10, NOTE_LOWAT 11, 10 bytes", poll(t, q))

	fill(t, a)
	kqtest.Apply(t, q, lowat(b, 1<<30))
	expect(t, "NOTE_LOWAT above the buffer, which is full", returned(t, q))
	kqtest.Apply(t, q, lowat(b, 1<<30).Delete(), ReadEvent(b))
	setOption(t, b, unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1<<30)
	expect(t, "SO_RCVLOWAT above the buffer, which is full", returned(t, q))
}

// What counts for EVFILT_WRITE of a stream with NoteLowat.
func TestWriteLowat(t *testing.T) {
	q := kqtest.NewQueue(t)
	a, b := unixPair(t, unix.SOCK_STREAM)
	size := fill(t, a)
	lowat := func(n int64) Event {
		return NewEvent(uintptr(a), FilterWrite, FlagAdd, NoteLowat, n, 0)
	}
	kqtest.Apply(t, q, lowat(int64(size/2)))
	drain(t, b, size/4)
	expect(t, "NOTE_LOWAT is a half, a quarter is free", returned(t, q))
	drain(t, b, size/2)
	expect(t, "NOTE_LOWAT is a half, three quarters are free", returned(t, q))
	drain(t, b, size-size/4-size/2)
	kqtest.Apply(t, q, lowat(1<<30))
	expect(t, "NOTE_LOWAT above the buffer, which is empty", returned(t, q))
}

// Messages of SOCK_SEQPACKET.
func TestSeqpacket(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	expect(t, "socketpair(2)", errno(err))
	if err != nil {
		return
	}
	kqtest.OwnFD(t, p[0])
	kqtest.OwnFD(t, p[1])
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, ReadEvent(p[1]).With(FlagClear))
	if err := unix.Sendto(p[0], nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	expect(t, "an empty message", poll(t, q))
	kqtest.Write(t, p[0], "abc")
	kqtest.Write(t, p[0], "defg")
	expect(t, "messages of 3 and 4 bytes", poll(t, q))
	expect(t, "read(2) of 10 bytes returns", fmt.Sprint(len(kqtest.Read(t, p[1], 10))))
	expect(t, "EV_CLEAR, after read(2)", poll(t, q))
	kqtest.Apply(t, q, ReadEvent(p[1]))
	expect(t, "EV_ADD again", poll(t, q))
	kqtest.CloseFD(p[0])
	expect(t, "the peer has closed", poll(t, q))
}

// A Unix listener has no room for one more connection.
func TestUnixBacklog(t *testing.T) {
	_, name := bindUnix(t, unix.SOCK_STREAM, 1)
	for range 1000 {
		fd := newSocket(t, unix.AF_UNIX, unix.SOCK_STREAM)
		err := unix.Connect(fd, name)
		if err == nil {
			continue
		}
		expect(t, "connect(2)", errno(err))
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, WriteEvent(fd))
		expect(t, "EVFILT_WRITE", returned(t, q))
		return
	}
	t.Error("every connection was accepted")
}

// shutdown(2) of a Unix listener.
func TestUnixListenerShutdown(t *testing.T) {
	q := kqtest.NewQueue(t)
	l, _ := bindUnix(t, unix.SOCK_STREAM, 5)
	kqtest.Apply(t, q, ReadEvent(l))
	kqtest.WaitNone(t, q)
	unix.Shutdown(l, unix.SHUT_RD) // on some systems ENOTCONN
	expect(t, "EVFILT_READ", poll(t, q))
	_, _, err := unix.Accept(l)
	expect(t, "accept(2)", errno(err))
	expect(t, "EVFILT_READ, after accept(2)", poll(t, q))
}

// A Unix listener closes before it has accepted a connection.
func TestUnixListenerCloses(t *testing.T) {
	reads, writes := kqtest.NewQueue(t), kqtest.NewQueue(t)
	l, name := bindUnix(t, unix.SOCK_STREAM, 5)
	fd := newSocket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	connect(t, fd, name)
	kqtest.Apply(t, reads, ReadEvent(fd))
	kqtest.Apply(t, writes, WriteEvent(fd))
	kqtest.CloseFD(l)
	expect(t, "EVFILT_READ", withoutData(t, reads))
	expect(t, "EVFILT_WRITE", withoutData(t, writes))
}

// withoutData is poll without the Data.
func withoutData(t *testing.T, q *Queue) string {
	t.Helper()
	events, err := q.Wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		return nothing
	}
	events[0].Data = 0
	return describe(events[0])
}
