//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"runtime"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A routing socket loses messages because nobody reads them.
func TestRoutingSocketOverflows(t *testing.T) {
	if kqtest.MacOS {
		t.Skip("the kernel that was asked has no routes")
	}
	for _, name := range []string{"", "SO_RERROR"} {
		rerror := map[string]int{"dragonfly": 0x2000, "freebsd": 0x20000, "netbsd": 0x4000}[runtime.GOOS]
		if name != "" && rerror == 0 {
			continue
		}
		q := kqtest.NewQueue(t)
		watched, asking := newSocket(t, unix.AF_ROUTE, unix.SOCK_RAW), newSocket(t, unix.AF_ROUTE, unix.SOCK_RAW)
		setOption(t, watched, unix.SOL_SOCKET, unix.SO_RCVBUF, 2048)
		prefix := "overflow, "
		if name != "" {
			setOption(t, watched, unix.SOL_SOCKET, rerror, 1)
			prefix = name + ": " + prefix
		}
		kqtest.Apply(t, q, ReadEvent(watched).With(FlagClear))
		answers := kqtest.NewQueue(t)
		kqtest.Apply(t, answers, ReadEvent(asking))
		message := getRoute()
		// Every socket gets the answer. When it is here, the one before it is there.
		ask := func() {
			t.Helper()
			_, err := unix.Write(asking, message)
			if err == unix.EINVAL && unsafe.Sizeof(uintptr(0)) == 4 {
				t.Skip("a kernel of 64 bits has other messages:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			kqtest.WaitOne(t, answers)
			kqtest.Read(t, asking, 4096)
		}
		for range 100 {
			ask()
		}
		kqtest.WaitOne(t, q)
		ask()
		ask()
		expect(t, prefix+"another message", returned(t, q))
		var err error
		n := 0
		for err == nil && n < 1000 {
			_, err = unix.Read(watched, make([]byte, 4096))
			n++
		}
		end := errno(err)
		if err == unix.EAGAIN {
			end = "EAGAIN" // it has another name on DragonFly
		}
		expect(t, prefix+"what read(2) ends with", end)
		if n > 100 {
			t.Errorf("%d messages were read", n)
		}
	}
}

// getRoute returns a message that asks for the route to 127.0.0.1.
func getRoute() []byte {
	header := unix.RtMsghdr{
		Version: unix.RTM_VERSION,
		Type:    unix.RTM_GET,
		Addrs:   unix.RTA_DST,
		Seq:     1,
	}
	address := unix.RawSockaddrInet4{Len: unix.SizeofSockaddrInet4, Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
	header.Msglen = uint16(unsafe.Sizeof(header) + unsafe.Sizeof(address))
	setHeaderSize(&header)
	message := append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(&header)), unsafe.Sizeof(header))...)
	return append(message, unsafe.Slice((*byte)(unsafe.Pointer(&address)), unsafe.Sizeof(address))...)
}
