//go:build race && (darwin || dragonfly || freebsd || netbsd || openbsd)

package kqueue_test

const raceEnabled = true
