package kqueue

import "syscall"

func waitStatus(status uint32) syscall.WaitStatus {
	return syscall.WaitStatus{ExitCode: status >> 8 & 0xff}
}
