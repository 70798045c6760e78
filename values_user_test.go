//go:build darwin || dragonfly || freebsd

package kqueue

import "golang.org/x/sys/unix"

// As in values_test.go, for what x/sys has on these systems only.
var (
	_ = one[FlagReceipt-unix.EV_RECEIPT]
	_ = one[FlagDispatch-unix.EV_DISPATCH]

	_ = one[NoteTrigger-unix.NOTE_TRIGGER]
	_ = one[NoteFfnop-unix.NOTE_FFNOP]
	_ = one[NoteFfand-unix.NOTE_FFAND]
	_ = one[NoteFfor-unix.NOTE_FFOR]
	_ = one[NoteFfcopy-unix.NOTE_FFCOPY]
	_ = one[NoteFfctrlmask-unix.NOTE_FFCTRLMASK]
	_ = one[NoteFflagsmask-unix.NOTE_FFLAGSMASK]
)
