//go:build !netbsd

package kqueue

// The widths of struct kevent's filter and flags; NetBSD alone has others.
type kernelFilter = int16
type kernelFlag = uint16
