//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue

import "golang.org/x/sys/unix"

// The constants that have one number on all systems stand in flags.go as
// numbers. Each line fails to compile where x/sys has another one. (What takes
// its value from x/sys needs no proof; TestConstants checks the rest.)
var one [1]struct{}

var (
	_ = one[FlagAdd-unix.EV_ADD]
	_ = one[FlagDelete-unix.EV_DELETE]
	_ = one[FlagEnable-unix.EV_ENABLE]
	_ = one[FlagDisable-unix.EV_DISABLE]
	_ = one[FlagOneshot-unix.EV_ONESHOT]
	_ = one[FlagClear-unix.EV_CLEAR]
	_ = one[FlagError-unix.EV_ERROR]
	_ = one[FlagEOF-unix.EV_EOF]

	_ = one[NoteLowat-unix.NOTE_LOWAT]
	_ = one[NoteDelete-unix.NOTE_DELETE]
	_ = one[NoteWrite-unix.NOTE_WRITE]
	_ = one[NoteExtend-unix.NOTE_EXTEND]
	_ = one[NoteAttrib-unix.NOTE_ATTRIB]
	_ = one[NoteLink-unix.NOTE_LINK]
	_ = one[NoteRename-unix.NOTE_RENAME]
	_ = one[NoteRevoke-unix.NOTE_REVOKE]
	_ = one[NoteExit-unix.NOTE_EXIT]
	_ = one[NoteFork-unix.NOTE_FORK]
	_ = one[NoteExec-unix.NOTE_EXEC]
	_ = one[NoteTrack-unix.NOTE_TRACK]
	_ = one[NoteTrackerr-unix.NOTE_TRACKERR]
	_ = one[NoteChild-unix.NOTE_CHILD]
)
