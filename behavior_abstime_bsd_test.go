//go:build freebsd || netbsd || openbsd

package kqueue_test

import . "github.com/go-kqueue/kqueue"

const noteAbsolute, noteMseconds = NoteAbstime, NoteMseconds
