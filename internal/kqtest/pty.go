//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqtest

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// OpenPTY opens both sides of a pseudo-terminal, or skips the test.
func OpenPTY(t testing.TB) (master, slave int) {
	t.Helper()
	open := func(path string) int {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Logf("%s: %v", path, err)
			return -1
		}
		OwnFD(t, fd)
		return fd
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// slaveName returns the path of the slave of a master that was opened by the
	// path. The numbers of the requests are those of sys/ttycom.h and sys/filio.h.
	masterPath, slaveName := "/dev/ptmx", func() string { return "" }
	var none *byte
	switch runtime.GOOS {
	case "darwin", "ios":
		slaveName = func() string {
			var name [128]byte
			check(Ioctl(master, 0x20007454, none))     // TIOCPTYGRANT
			check(Ioctl(master, 0x20007452, none))     // TIOCPTYUNLK
			check(Ioctl(master, 0x40807453, &name[0])) // TIOCPTYGNAME
			return unix.ByteSliceToString(name[:])
		}
	case "freebsd", "linux":
		slaveName = func() string {
			number, unlock, request := int32(0), int32(0), uintptr(0x4004740f) // TIOCGPTN
			if runtime.GOOS == "linux" {
				check(Ioctl(master, 0x40045431, &unlock)) // TIOCSPTLCK
				request = 0x80045430
			}
			check(Ioctl(master, request, &number))
			return fmt.Sprint("/dev/pts/", number)
		}
	case "netbsd":
		slaveName = func() string {
			var pty struct {
				_             [2]int32
				master, slave [1024]byte
			}
			check(Ioctl(master, 0x20007447, none)) // TIOCGRANTPT
			check(Ioctl(master, 0x48087448, &pty)) // TIOCPTSNAME
			return unix.ByteSliceToString(pty.slave[:])
		}
	case "openbsd":
		masterPath, slaveName = "/dev/ptm", func() string {
			var pty struct {
				master, slave         int32
				masterName, slaveName [16]byte
			}
			check(Ioctl(master, 0x40287401, &pty)) // PTMGET
			master = int(pty.master)
			OwnFD(t, master)
			OwnFD(t, int(pty.slave))
			return unix.ByteSliceToString(pty.slaveName[:])
		}
	case "dragonfly":
		slaveName = func() string {
			var name [64]byte
			request := struct {
				name *byte
				size uint32
			}{&name[0], uint32(len(name))}
			check(Ioctl(master, 0x20007455, none))     // TIOCISPTMASTER
			check(Ioctl(master, 0x80106678, &request)) // FIODNAME
			number, _ := strings.CutPrefix(unix.ByteSliceToString(name[:]), "ptm/")
			return "/dev/pts/" + number
		}
	}
	var name string
	if runtime.GOOS == "freebsd" {
		const posixOpenpt = 504 // sys/sys/syscall.h; x/sys lacks it
		fd, _, errno := syscall.Syscall(posixOpenpt, unix.O_RDWR|unix.O_NOCTTY, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		master = int(fd)
		OwnFD(t, master)
	} else {
		master = open(masterPath)
	}
	if master >= 0 {
		name = slaveName()
	}
	for unit := 0; master < 0 && unit < 8; unit++ {
		name = fmt.Sprint("/dev/ttyp", unit)
		master = open(fmt.Sprint("/dev/ptyp", unit))
	}
	if master < 0 {
		t.Skip("this system has no pseudo-terminal")
	}
	slave = open(name)
	if slave < 0 {
		t.Fatal("the slave cannot be opened")
	}
	return master, slave
}
