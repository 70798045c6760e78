//go:build !windows

package kqueue

import "syscall"

func waitStatus(status uint32) syscall.WaitStatus {
	return syscall.WaitStatus(status)
}
