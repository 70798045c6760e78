//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kqtest

import "golang.org/x/sys/unix"

// Release returns the name of the system and its release.
func Release() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err.Error()
	}
	return unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
}
