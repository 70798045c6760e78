package kernels_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A descriptor without CAP_EVENT cannot be added.
func TestCapsicum(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	rights, err := unix.CapRightsInit([]uint64{unix.CAP_READ})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.CapRightsLimit(uintptr(r), rights); err != nil {
		t.Fatal(err)
	}
	expect(t, "adding a descriptor without it", errno(q.Apply(ReadEvent(r))))
	expect(t, "adding another one", errno(q.Apply(WriteEvent(w))))
}

// A queue whose descriptor is limited to CAP_KQUEUE_EVENT takes no changes, and
// Close cannot wake a wait.
func TestCapsicumQueue(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	kqtest.Apply(t, q, ReadEvent(r).With(FlagOneshot))
	rights, err := unix.CapRightsInit([]uint64{unix.CAP_KQUEUE_EVENT})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.CapRightsLimit(q.Fd(), rights); err != nil {
		t.Fatal(err)
	}
	expect(t, "adding a user event", errno(q.Apply(UserEvent(1))))
	expect(t, "a wait", poll(t, q))
	ended := kqtest.StartWaiters(t, q, 1)
	expect(t, "Close while a goroutine waits", errno(q.Close()))
	kqtest.Write(t, w, "x") // nothing else wakes it
	kqtest.WantClosed(t, ended, 1)
}

// RLIMIT_KQUEUES of 0 is no limit.
func TestNoLimitOfQueues(t *testing.T) {
	const rlimitKqueues = 13 // sys/sys/resource.h; x/sys lacks it
	var old unix.Rlimit
	if err := unix.Getrlimit(rlimitKqueues, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = 0
	if err := unix.Setrlimit(rlimitKqueues, &limit); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(rlimitKqueues, &old)
	q, err := New()
	expect(t, "kqueue(2)", errno(err))
	if err == nil {
		q.Close()
	}
}

// FlagForceoneshot on an event that is disabled shows only when it is enabled.
func TestForceoneshotOfDisabled(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, _ := kqtest.NewPipe(t)
	c := kqtest.StartChild(t, "sleep")
	file := kqtest.NewFile(t, "")
	for _, e := range []Event{
		ReadEvent(r), VnodeEvent(int(file.Fd()), NoteWrite), ProcEvent(c.Process.Pid, NoteExit),
		TimerEvent(1, time.Hour), UserEvent(1),
	} {
		name := "EVFILT_" + e.Filter.String()
		kqtest.Apply(t, q, e, e.Disable())
		force := e
		force.Flags = FlagForceoneshot
		kqtest.Apply(t, q, force)
		expect(t, name+", FORCEONESHOT", poll(t, q))
		kqtest.Apply(t, q, e.Enable())
		expect(t, name+", then EV_ENABLE", poll(t, q))
	}
}

// An aiocb is struct aiocb of aio.h.
type aiocb struct {
	descriptor int32
	offset     int64
	buffer     *byte
	size       uintptr
	_          [2]int32
	_          uintptr
	opcode     int32
	priority   int32
	_          [3]uintptr
	event      sigevent
}

// A sigevent is struct sigevent of sys/signal.h.
type sigevent struct {
	notify int32
	queue  int32
	udata  uintptr
	flags  uint16
	_      [8]uintptr
}

func skipWithoutAIO(t *testing.T) {
	t.Helper()
	if runtime.GOARCH == "arm" {
		t.Skip("struct aiocb has paddings on arm that Go does not make")
	}
}

// callAIO is a call that takes an aiocb.
func callAIO(number uintptr, request *aiocb) error {
	if _, _, errno := unix.Syscall(number, uintptr(unsafe.Pointer(request)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

const sigevKevent = 3 // sys/sys/signal.h

// FilterAIO and FilterLIO, which aio_read(2) and lio_listio(2) add.
func TestAIO(t *testing.T) {
	skipWithoutAIO(t)
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	var buf [1]byte
	var memory runtime.Pinner // of the kernel
	defer memory.Unpin()
	read := func(flags Flag) *aiocb {
		request := &aiocb{descriptor: int32(a), buffer: &buf[0], size: 1}
		memory.Pin(request)
		request.event = sigevent{notify: sigevKevent, queue: int32(q.Fd()), udata: 7, flags: uint16(flags)}
		if err := callAIO(unix.SYS_AIO_READ, request); err != nil {
			t.Fatal(err)
		}
		return request
	}
	ask := func(what string) {
		t.Helper()
		e := kqtest.WaitOne(t, q)
		expect(t, what, fmt.Sprintf("%s udata=%d, Err %v", describe(e), e.Udata, e.Err()))
	}
	request := read(0)
	kqtest.WaitNone(t, q)
	kqtest.Write(t, b, "x")
	ask("aio_read(2) of 1 byte")
	expect(t, "a second wait", returned(t, q))
	if err := callAIO(unix.SYS_AIO_RETURN, request); err != nil {
		t.Fatal(err)
	}
	expect(t, "after aio_return(2)", returned(t, q))

	request = read(FlagOneshot)
	if _, _, errno := unix.Syscall(unix.SYS_AIO_CANCEL, uintptr(a), uintptr(unsafe.Pointer(request)), 0); errno != 0 {
		t.Fatal(errno)
	}
	ask("it is canceled, EV_ONESHOT in the request")
	expect(t, "EV_ONESHOT, a second wait", returned(t, q))
	callAIO(unix.SYS_AIO_RETURN, request)

	request = read(0)
	e := NewEvent(uintptr(unsafe.Pointer(request)), FilterAIO, FlagDelete, 0, 0, 0)
	expect(t, "EV_DELETE before the end", errno(q.Apply(e)))
	kqtest.Write(t, b, "x")
	for callAIO(unix.SYS_AIO_RETURN, request) == unix.EINPROGRESS {
		time.Sleep(time.Millisecond)
	}
	expect(t, "after EV_DELETE", returned(t, q))
}

// FilterLIO, which lio_listio(2) adds.
func TestLIO(t *testing.T) {
	skipWithoutAIO(t)
	const noWait, nop, opRead = 0, 0, 2 // sys/sys/aio.h
	q := kqtest.NewQueue(t)
	a, b := kqtest.NewSocketpair(t)
	kqtest.Write(t, b, "x")
	var buf [1]byte
	var memory runtime.Pinner // of the kernel
	defer memory.Unpin()
	for name, operation := range map[string]int32{"LIO_NOP": nop, "LIO_READ": opRead} {
		request := &aiocb{descriptor: int32(a), buffer: &buf[0], size: 1, opcode: operation}
		list := []*aiocb{request}
		memory.Pin(request)
		memory.Pin(&list[0])
		event := &sigevent{notify: sigevKevent, queue: int32(q.Fd()), udata: 7, flags: uint16(FlagOneshot)}
		if _, _, errno := unix.Syscall6(unix.SYS_LIO_LISTIO, noWait, uintptr(unsafe.Pointer(&list[0])), 1, uintptr(unsafe.Pointer(event)), 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		if operation == nop {
			expect(t, name+" alone", poll(t, q))
			continue
		}
		e := kqtest.WaitOne(t, q)
		got := "another address"
		if e.Ident == uintptr(unsafe.Pointer(&list[0])) {
			got = "the address of the list"
		}
		expect(t, name+", Ident", got)
		expect(t, name, describe(e))
		expect(t, name+", EV_ONESHOT in the request, a second wait", returned(t, q))
		if err := callAIO(unix.SYS_AIO_RETURN, request); err != nil {
			t.Fatal(err)
		}
		expect(t, name+", after aio_return(2)", returned(t, q))
	}
}
