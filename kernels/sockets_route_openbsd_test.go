package kernels_test

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func setHeaderSize(h *unix.RtMsghdr) { h.Hdrlen = uint16(unsafe.Sizeof(*h)) }
