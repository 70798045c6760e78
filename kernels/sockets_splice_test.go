//go:build freebsd || openbsd

package kernels_test

import (
	"runtime"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// splice makes the kernel pass what arrives at from on to to, at most max bytes if
// max is not 0.
func splice(t *testing.T, from, to int, max int64) {
	t.Helper()
	arg := struct {
		fd   int32
		max  int64
		idle unix.Timeval
	}{fd: int32(to), max: max}
	const option = 0x1023 // SO_SPLICE
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&arg)), unsafe.Sizeof(arg))
	if err := unix.SetsockoptString(from, unix.SOL_SOCKET, option, string(raw)); err != nil {
		t.Fatal(err)
	}
}

// SO_SPLICE, by which a kernel passes on what arrives at a TCP connection.
func TestSplice(t *testing.T) {
	if runtime.GOARCH == "arm" {
		t.Skip("struct splice has paddings on arm that Go does not make")
	}
	for _, max := range []int64{0, 5} {
		source, sink, out := kqtest.NewQueue(t), kqtest.NewQueue(t), kqtest.NewQueue(t)
		_, client, a, fdClient := kqtest.TCPPair(t)
		_, _, b, server := kqtest.TCPPair(t)
		kqtest.Apply(t, source, ReadEvent(a))
		kqtest.Apply(t, out, ReadEvent(server))
		splice(t, a, b, max)
		kqtest.Apply(t, sink, WriteEvent(b))
		if max == 0 {
			expect(t, "EVFILT_WRITE of the other socket", returned(t, sink))
			kqtest.Write(t, fdClient, "abc")
			kqtest.WaitOne(t, out)
			expect(t, "3 bytes were passed on", poll(t, source))
			client.Close()
			expectSoon(t, "the peer has closed", func() string { return poll(t, source) })
			continue
		}
		kqtest.Write(t, fdClient, "abcdefgh")
		kqtest.WaitOne(t, out)
		expectSoon(t, "8 bytes, at most 5 are passed on", func() string { return poll(t, source) })
	}
}
