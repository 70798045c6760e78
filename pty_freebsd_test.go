package kqueue_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	openFreeBSDPTY = func(t testing.TB) (int, string) {
		const posixOpenpt = 504 // sys/sys/syscall.h; x/sys lacks it
		fd, _, errno := unix.Syscall(posixOpenpt, unix.O_RDWR|unix.O_NOCTTY, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		number, err := unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		if err != nil {
			t.Fatal(err)
		}
		return int(fd), fmt.Sprint("/dev/pts/", number)
	}
}
