//go:build race && (darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package kqueue_test

func init() {
	raceEnabled = true
}
