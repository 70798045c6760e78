package kernels_test

import (
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// An aiocb is the struct aiocb of a 64-bit system.
type aiocb struct {
	fd      int32
	offset  int64
	buf     *byte
	size    uintptr
	_       [2]int32
	_       *byte
	op      int32
	_       int32
	private [3]uintptr
	notify  int32 // struct sigevent
	queue   int32
	value   uintptr
	flags   uint16
	_       [62]byte
}

// The event of an asynchronous read stays until aio_return(2).
func TestAIOCompletes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("struct aiocb is another one")
	}
	const keventNotice = 3 // SIGEV_KEVENT
	for _, flag := range []Flag{0, FlagOneshot} {
		q := kqtest.NewQueue(t)
		_, _, r, w := kqtest.TCPPair(t)
		cb := &aiocb{fd: int32(r), buf: &make([]byte, 8)[0], size: 8,
			notify: keventNotice, queue: int32(q.Fd()), value: 42, flags: uint16(flag)}
		address := uintptr(unsafe.Pointer(cb))
		if _, _, err := unix.Syscall(unix.SYS_AIO_READ, address, 0, 0); err != 0 {
			t.Skip("a socket has no asynchronous I/O:", err)
		}
		prefix := map[Flag]string{FlagOneshot: "EV_ONESHOT: "}[flag]
		kqtest.WaitNone(t, q)
		kqtest.Write(t, w, "abc")
		waitPending(t, q)
		e := kqtest.WaitOne(t, q)
		if e.Ident != address || e.Udata != 42 {
			t.Errorf("got %v", e)
		}
		expect(t, prefix+"3 bytes have arrived", describe(e))
		expect(t, prefix+"the next wait", poll(t, q))
		n, _, err := unix.Syscall(unix.SYS_AIO_RETURN, address, 0, 0)
		if err != 0 || n != 3 {
			t.Errorf("aio_return(2): %d, %v", n, err)
		}
		expect(t, prefix+"after aio_return(2)", poll(t, q))
	}
}
