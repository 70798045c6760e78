//go:build darwin || dragonfly || freebsd || netbsd

package kernels_test

import "golang.org/x/sys/unix"

// setHeaderSize sets what OpenBSD alone has.
func setHeaderSize(*unix.RtMsghdr) {}
