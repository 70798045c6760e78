//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// openBPF opens a BPF device, or skips the test.
func openBPF(t *testing.T) int {
	t.Helper()
	paths := []string{"/dev/bpf", "/dev/bpf0", "/dev/bpf1"}
	if runtime.GOOS == "netbsd" || runtime.GOOS == "openbsd" {
		node := filepath.Join(t.TempDir(), "bpf")
		if makeDevice(unix.Mknod, node, unix.Mkdev(23, 0)) == nil {
			paths = append(paths, node)
		}
	}
	var err error
	for _, path := range paths {
		var fd int
		if fd, err = unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
			kqtest.OwnFD(t, fd)
			return fd
		}
	}
	t.Skip("there is no BPF device:", err)
	return -1
}

// makeDevice hides that the number of a device has several types.
func makeDevice[T int | uint64](mknod func(path string, mode uint32, dev T) error, path string, dev uint64) error {
	return mknod(path, unix.S_IFCHR|0o600, T(dev))
}

// attach makes a BPF device see the packets of an interface.
func attach(t *testing.T, fd int, name string) {
	t.Helper()
	var request [32]byte // struct ifreq
	copy(request[:], name)
	if err := kqtest.Ioctl(fd, unix.BIOCSETIF, &request); err != nil {
		t.Fatal(err)
	}
}

// sendPacket makes a packet pass the loopback interface, and waits for it.
func sendPacket(t *testing.T) {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.WriteTo([]byte("packet"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
}

// hasData is poll with a word in place of the Data.
func hasData(t *testing.T, q *Queue) string {
	t.Helper()
	got := poll(t, q)
	if before, _, ok := strings.Cut(got, " data="); ok {
		return before + " with data"
	}
	return got
}

// BPF devices.
func TestBPF(t *testing.T) {
	loopback := "lo0"
	fd := openBPF(t)
	q := kqtest.NewQueue(t)
	expect(t, "no interface: EV_ADD", errno(q.Apply(ReadEvent(fd))))
	attach(t, fd, loopback)
	kqtest.Apply(t, q, ReadEvent(fd))
	sendPacket(t)
	expect(t, "a packet", hasData(t, q))

	on := int32(1)
	fd = openBPFAgain(t, fd)
	attach(t, fd, loopback)
	if err := kqtest.Ioctl(fd, unix.BIOCIMMEDIATE, &on); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, q, ReadEvent(fd))
	sendPacket(t)
	expectSoon(t, "BIOCIMMEDIATE: a packet", func() string { return hasData(t, q) })

	fd = openBPFAgain(t, fd)
	attach(t, fd, loopback)
	after := unix.NsecToTimeval(50e6)
	if err := kqtest.Ioctl(fd, unix.BIOCSRTIMEOUT, &after); err != nil {
		t.Fatal(err)
	}
	kqtest.Apply(t, q, ReadEvent(fd))
	sendPacket(t)
	sleepOn(t, 300*time.Millisecond)
	expectSoon(t, "BIOCSRTIMEOUT: a packet, and the time has passed", func() string { return hasData(t, q) })

	expect(t, "EVFILT_WRITE", errno(q.Apply(WriteEvent(fd))))
}

// openBPFAgain closes a BPF device, which may be the only one, and opens one.
func openBPFAgain(t *testing.T, fd int) int {
	t.Helper()
	kqtest.CloseFD(fd)
	return openBPF(t)
}

// The interface of a BPF device is destroyed.
func TestBPFInterfaceDestroyed(t *testing.T) {
	fd, q := openBPF(t), kqtest.NewQueue(t)
	name := "lo7"
	var request [32]byte // struct ifreq
	copy(request[:], name)
	control := newSocket(t, unix.AF_INET, unix.SOCK_DGRAM)
	if err := kqtest.Ioctl(control, unix.SIOCIFCREATE, &request); err != nil {
		t.Skip("no interface can be made:", err)
	}
	attach(t, fd, name)
	kqtest.Apply(t, q, ReadEvent(fd))
	kqtest.WaitNone(t, q)
	request = [32]byte{}
	copy(request[:], name)
	if err := kqtest.Ioctl(control, unix.SIOCIFDESTROY, &request); err != nil {
		t.Fatal(err)
	}
	expect(t, "it is destroyed", poll(t, q))
}
