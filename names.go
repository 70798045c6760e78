package kqueue

import (
	"fmt"
	"strconv"
	"strings"
)

// names are the manual page's names of one system's numbers. The first line has
// the flags; each other line has a filter and its notes. A name for several bits
// comes before those for some of them, as with the units of timers where they
// are a number and not flags.
//
// Those of all systems stand in this file, so that every host can test them; the
// linker leaves out the ones that are not used.
type names string

func (n names) filterText(filter Filter) string {
	if line := n.line(filter); line != nil {
		name, _, _ := strings.Cut(line[0], "=")
		return name
	}
	return fmt.Sprintf("Filter(%d)", int32(filter))
}

func (n names) flagsText(flags Flag) string {
	line, _, _ := strings.Cut(string(n), "\n")
	return bitsText(strings.Fields(line), uint32(flags))
}

func (n names) notesText(filter Filter, notes Note) string {
	if line := n.line(filter); line != nil {
		return bitsText(line[1:], uint32(notes))
	}
	return bitsText(nil, uint32(notes))
}

// line returns the words of the line for filter, or nil.
func (n names) line(filter Filter) []string {
	number := "=" + strconv.Itoa(int(int32(filter)))
	for _, line := range strings.Split(string(n), "\n")[1:] {
		if words := strings.Fields(line); strings.HasSuffix(words[0], number) {
			return words
		}
	}
	return nil
}

// bitsText joins the names of bits by |, with what has no name in hexadecimal.
func bitsText(names []string, bits uint32) string {
	var words []string
	left := bits
	for _, n := range names {
		word, number, _ := strings.Cut(n, "=")
		value, _ := strconv.ParseUint(number, 0, 32) // the tests parse them all
		if b := uint32(value); left&b == b {
			words = append(words, word)
			left &^= b
		}
	}
	if left != 0 || bits == 0 {
		words = append(words, fmt.Sprintf("%#x", left))
	}
	return strings.Join(words, "|")
}

const darwinNames names = `ADD=0x1 DELETE=0x2 ENABLE=0x4 DISABLE=0x8 ONESHOT=0x10 CLEAR=0x20 RECEIPT=0x40 DISPATCH=0x80 UDATA_SPECIFIC=0x100 VANISHED=0x200 OOBAND=0x2000 ERROR=0x4000 EOF=0x8000
READ=-1 LOWAT=0x1
WRITE=-2 LOWAT=0x1
AIO=-3
VNODE=-4 DELETE=0x1 WRITE=0x2 EXTEND=0x4 ATTRIB=0x8 LINK=0x10 RENAME=0x20 REVOKE=0x40 NONE=0x80 FUNLOCK=0x100 LEASE_DOWNGRADE=0x200 LEASE_RELEASE=0x400
PROC=-5 EXIT=0x80000000 FORK=0x40000000 EXEC=0x20000000 REAP=0x10000000 SIGNAL=0x8000000 EXITSTATUS=0x4000000 EXIT_DETAIL=0x2000000 EXIT_REPARENTED=0x80000 EXIT_DECRYPTFAIL=0x10000 EXIT_MEMORY=0x20000 EXIT_CSERROR=0x40000 TRACK=0x1 TRACKERR=0x2 CHILD=0x4
SIGNAL=-6
TIMER=-7 SECONDS=0x1 USECONDS=0x2 NSECONDS=0x4 ABSOLUTE=0x8 LEEWAY=0x10 CRITICAL=0x20 BACKGROUND=0x40 MACH_CONTINUOUS_TIME=0x80 MACHTIME=0x100
MACHPORT=-8
FS=-9
USER=-10 FFCOPY=0xc0000000 TRIGGER=0x1000000 FFAND=0x40000000 FFOR=0x80000000
VM=-12 VM_PRESSURE=0x80000000 VM_PRESSURE_TERMINATE=0x40000000 VM_PRESSURE_SUDDEN_TERMINATE=0x20000000 VM_ERROR=0x10000000
EXCEPT=-15 LOWAT=0x1 OOB=0x2`

const dragonflyNames names = `ADD=0x1 DELETE=0x2 ENABLE=0x4 DISABLE=0x8 ONESHOT=0x10 CLEAR=0x20 RECEIPT=0x40 DISPATCH=0x80 HUP=0x800 NODATA=0x1000 ERROR=0x4000 EOF=0x8000
READ=-1 LOWAT=0x1
WRITE=-2 LOWAT=0x1
AIO=-3
VNODE=-4 DELETE=0x1 WRITE=0x2 EXTEND=0x4 ATTRIB=0x8 LINK=0x10 RENAME=0x20 REVOKE=0x40
PROC=-5 EXIT=0x80000000 FORK=0x40000000 EXEC=0x20000000 TRACK=0x1 TRACKERR=0x2 CHILD=0x4
SIGNAL=-6
TIMER=-7
EXCEPT=-8 OOB=0x2
USER=-9 FFCOPY=0xc0000000 FFAND=0x40000000 FFOR=0x80000000 TRIGGER=0x1000000
FS=-10`

const freebsdNames names = `ADD=0x1 DELETE=0x2 ENABLE=0x4 DISABLE=0x8 ONESHOT=0x10 CLEAR=0x20 RECEIPT=0x40 DISPATCH=0x80 FORCEONESHOT=0x100 KEEPUDATA=0x200 ERROR=0x4000 EOF=0x8000
READ=-1 LOWAT=0x1 FILE_POLL=0x2
WRITE=-2 LOWAT=0x1
AIO=-3
VNODE=-4 DELETE=0x1 WRITE=0x2 EXTEND=0x4 ATTRIB=0x8 LINK=0x10 RENAME=0x20 REVOKE=0x40 OPEN=0x80 CLOSE=0x100 CLOSE_WRITE=0x200 READ=0x400
PROC=-5 EXIT=0x80000000 FORK=0x40000000 EXEC=0x20000000 TRACK=0x1 TRACKERR=0x2 CHILD=0x4
SIGNAL=-6
TIMER=-7 SECONDS=0x1 MSECONDS=0x2 USECONDS=0x4 NSECONDS=0x8 ABSTIME=0x10
PROCDESC=-8 EXIT=0x80000000 FORK=0x40000000 PDSIGCHLD=0x10000000
FS=-9
LIO=-10
USER=-11 FFCOPY=0xc0000000 FFAND=0x40000000 FFOR=0x80000000 TRIGGER=0x1000000
SENDFILE=-12
EMPTY=-13
JAIL=-14 JAIL_CHILD=0x80000000 JAIL_SET=0x40000000 JAIL_ATTACH=0x20000000 JAIL_REMOVE=0x10000000 JAIL_MULTI=0x8000000
JAILDESC=-15 JAIL_CHILD=0x80000000 JAIL_SET=0x40000000 JAIL_ATTACH=0x20000000 JAIL_REMOVE=0x10000000 JAIL_MULTI=0x8000000`

const netbsdNames names = `ADD=0x1 DELETE=0x2 ENABLE=0x4 DISABLE=0x8 ONESHOT=0x10 CLEAR=0x20 RECEIPT=0x40 DISPATCH=0x80 ERROR=0x4000 EOF=0x8000
READ=0 LOWAT=0x1
WRITE=1 LOWAT=0x1
AIO=2
VNODE=3 DELETE=0x1 WRITE=0x2 EXTEND=0x4 ATTRIB=0x8 LINK=0x10 RENAME=0x20 REVOKE=0x40 OPEN=0x80 CLOSE=0x100 CLOSE_WRITE=0x200 READ=0x400
PROC=4 EXIT=0x80000000 FORK=0x40000000 EXEC=0x20000000 TRACK=0x1 TRACKERR=0x2 CHILD=0x4
SIGNAL=5
TIMER=6 NSECONDS=0x3 SECONDS=0x1 USECONDS=0x2 ABSTIME=0x10
FS=7
USER=8 FFCOPY=0xc0000000 FFAND=0x40000000 FFOR=0x80000000 TRIGGER=0x1000000
EMPTY=9`

const openbsdNames names = `ADD=0x1 DELETE=0x2 ENABLE=0x4 DISABLE=0x8 ONESHOT=0x10 CLEAR=0x20 RECEIPT=0x40 DISPATCH=0x80 ERROR=0x4000 EOF=0x8000
READ=-1 LOWAT=0x1 EOF=0x2
WRITE=-2 LOWAT=0x1
AIO=-3
VNODE=-4 DELETE=0x1 WRITE=0x2 EXTEND=0x4 ATTRIB=0x8 LINK=0x10 RENAME=0x20 REVOKE=0x40 TRUNCATE=0x80
PROC=-5 EXIT=0x80000000 FORK=0x40000000 EXEC=0x20000000 TRACK=0x1 TRACKERR=0x2 CHILD=0x4
SIGNAL=-6
TIMER=-7 NSECONDS=0x3 SECONDS=0x1 USECONDS=0x2 ABSTIME=0x10
DEVICE=-8 CHANGE=0x1
EXCEPT=-9 LOWAT=0x1 OOB=0x4
USER=-10 FFCOPY=0xc0000000 FFAND=0x40000000 FFOR=0x80000000 TRIGGER=0x1000000`
