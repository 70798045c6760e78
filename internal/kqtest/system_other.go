//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd && !linux

package kqtest

import "runtime"

// Release returns the name of the system.
func Release() string { return runtime.GOOS }
