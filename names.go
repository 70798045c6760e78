package kqueue

import (
	"fmt"
	"strings"
)

// names are the manual page's names of one system's numbers. Those of all
// systems stand in this file, so that every host can test them; the linker
// leaves out the ones that are not used.
type names struct {
	filters []filterName
	flags   []bitName // beside flagNames
	notes   []noteNames
}

type filterName struct {
	filter int32
	name   string
}

// noteNames are notes of one filter. The bits of number, if any, are no flags:
// they hold one of the values together.
type noteNames struct {
	filter int32
	number uint32
	names  []bitName
}

type bitName struct {
	bits uint32
	name string
}

func (n *names) filterText(filter Filter) string {
	for _, f := range n.filters {
		if f.filter == int32(filter) {
			return f.name
		}
	}
	return fmt.Sprintf("Filter(%d)", int32(filter))
}

func (n *names) flagsText(flags Flag) string {
	var t bitsText
	t.add(flagNames, 0, uint32(flags))
	t.add(n.flags, 0, uint32(flags))
	return t.text(uint32(flags))
}

func (n *names) notesText(filter Filter, notes Note) string {
	var t bitsText
	for _, f := range n.notes {
		if f.filter == int32(filter) {
			t.add(f.names, f.number, uint32(notes))
		}
	}
	return t.text(uint32(notes))
}

// bitsText collects the names that were found for some bits.
type bitsText struct {
	words []string
	named uint32
}

// add looks for names in bits, of which those of number hold one value.
func (t *bitsText) add(names []bitName, number, bits uint32) {
	for _, b := range names {
		mask := b.bits
		if mask&number != 0 {
			mask = number
		}
		if bits&mask == b.bits {
			t.words = append(t.words, b.name)
			t.named |= b.bits
		}
	}
}

// text joins the names by |, with what has no name in hexadecimal.
func (t *bitsText) text(bits uint32) string {
	if unnamed := bits &^ t.named; unnamed != 0 || bits == 0 {
		t.words = append(t.words, fmt.Sprintf("%#x", unnamed))
	}
	return strings.Join(t.words, "|")
}

var (
	flagNames = []bitName{
		{0x1, "ADD"}, {0x2, "DELETE"}, {0x4, "ENABLE"}, {0x8, "DISABLE"},
		{0x10, "ONESHOT"}, {0x20, "CLEAR"}, {0x40, "RECEIPT"}, {0x80, "DISPATCH"},
		{0x4000, "ERROR"}, {0x8000, "EOF"},
	}

	lowatNames = []bitName{{0x1, "LOWAT"}}

	userNames = []bitName{
		{0x40000000, "FFAND"},
		{0x80000000, "FFOR"},
		{0xc0000000, "FFCOPY"},
		{0x01000000, "TRIGGER"},
	}

	procNames = []bitName{
		{0x80000000, "EXIT"},
		{0x40000000, "FORK"},
		{0x20000000, "EXEC"},
		{0x1, "TRACK"},
		{0x2, "TRACKERR"},
		{0x4, "CHILD"},
	}

	// NetBSD and OpenBSD number the units; 0, milliseconds, has no bit to name.
	numberedTimerNames = []bitName{
		{0x1, "SECONDS"},
		{0x2, "USECONDS"},
		{0x3, "NSECONDS"},
		{0x10, "ABSTIME"},
	}

	vnodeNames = []bitName{
		{0x1, "DELETE"},
		{0x2, "WRITE"},
		{0x4, "EXTEND"},
		{0x8, "ATTRIB"},
		{0x10, "LINK"},
		{0x20, "RENAME"},
		{0x40, "REVOKE"},
	}

	vnodeOpenNames = []bitName{
		{0x80, "OPEN"},
		{0x100, "CLOSE"},
		{0x200, "CLOSE_WRITE"},
		{0x400, "READ"},
	}

	jailNames = []bitName{
		{0x80000000, "JAIL_CHILD"},
		{0x40000000, "JAIL_SET"},
		{0x20000000, "JAIL_ATTACH"},
		{0x10000000, "JAIL_REMOVE"},
		{0x8000000, "JAIL_MULTI"},
	}
)

var darwinNames = names{
	filters: []filterName{
		{-1, "READ"}, {-2, "WRITE"}, {-3, "AIO"}, {-4, "VNODE"}, {-5, "PROC"},
		{-6, "SIGNAL"}, {-7, "TIMER"}, {-8, "MACHPORT"}, {-9, "FS"}, {-10, "USER"},
		{-12, "VM"}, {-15, "EXCEPT"},
	},
	flags: []bitName{
		{0x100, "UDATA_SPECIFIC"}, {0x200, "VANISHED"},
		{0x2000, "OOBAND"},
	},
	notes: []noteNames{
		{-1, 0, lowatNames},
		{-2, 0, lowatNames},
		{-4, 0, vnodeNames},
		{-4, 0, []bitName{
			{0x80, "NONE"},
			{0x100, "FUNLOCK"},
			{0x200, "LEASE_DOWNGRADE"},
			{0x400, "LEASE_RELEASE"},
		}},
		{-5, 0, []bitName{
			{0x80000000, "EXIT"},
			{0x40000000, "FORK"},
			{0x20000000, "EXEC"},
			{0x10000000, "REAP"},
			{0x8000000, "SIGNAL"},
			{0x4000000, "EXITSTATUS"},
			{0x2000000, "EXIT_DETAIL"},
			{0x10000, "EXIT_DECRYPTFAIL"},
			{0x20000, "EXIT_MEMORY"},
			{0x40000, "EXIT_CSERROR"},
			{0x80000, "EXIT_REPARENTED"},
			{0x1, "TRACK"},
			{0x2, "TRACKERR"},
			{0x4, "CHILD"},
		}},
		{-7, 0, []bitName{
			{0x1, "SECONDS"},
			{0x2, "USECONDS"},
			{0x4, "NSECONDS"},
			{0x8, "ABSOLUTE"},
			{0x10, "LEEWAY"},
			{0x20, "CRITICAL"},
			{0x40, "BACKGROUND"},
			{0x80, "MACH_CONTINUOUS_TIME"},
			{0x100, "MACHTIME"},
		}},
		{-10, 0xc0000000, userNames},
		{-12, 0, []bitName{
			{0x80000000, "VM_PRESSURE"},
			{0x40000000, "VM_PRESSURE_TERMINATE"},
			{0x20000000, "VM_PRESSURE_SUDDEN_TERMINATE"},
			{0x10000000, "VM_ERROR"},
		}},
		{-15, 0, []bitName{{0x1, "LOWAT"}, {0x2, "OOB"}}},
	},
}

var dragonflyNames = names{
	filters: []filterName{
		{-1, "READ"}, {-2, "WRITE"}, {-3, "AIO"}, {-4, "VNODE"}, {-5, "PROC"},
		{-6, "SIGNAL"}, {-7, "TIMER"}, {-8, "EXCEPT"}, {-9, "USER"}, {-10, "FS"},
	},
	flags: []bitName{
		{0x800, "HUP"}, {0x1000, "NODATA"},
	},
	notes: []noteNames{
		{-1, 0, lowatNames},
		{-2, 0, lowatNames},
		{-4, 0, vnodeNames},
		{-5, 0, procNames},
		{-8, 0, []bitName{{0x2, "OOB"}}},
		{-9, 0xc0000000, userNames},
	},
}

var freebsdNames = names{
	filters: []filterName{
		{-1, "READ"}, {-2, "WRITE"}, {-3, "AIO"}, {-4, "VNODE"}, {-5, "PROC"},
		{-6, "SIGNAL"}, {-7, "TIMER"}, {-8, "PROCDESC"}, {-9, "FS"}, {-10, "LIO"},
		{-11, "USER"}, {-12, "SENDFILE"}, {-13, "EMPTY"}, {-14, "JAIL"}, {-15, "JAILDESC"},
	},
	flags: []bitName{
		{0x100, "FORCEONESHOT"}, {0x200, "KEEPUDATA"},
	},
	notes: []noteNames{
		{-1, 0, []bitName{{0x1, "LOWAT"}, {0x2, "FILE_POLL"}}},
		{-2, 0, lowatNames},
		{-4, 0, vnodeNames},
		{-4, 0, vnodeOpenNames},
		{-5, 0, procNames},
		{-7, 0, []bitName{
			{0x1, "SECONDS"},
			{0x2, "MSECONDS"},
			{0x4, "USECONDS"},
			{0x8, "NSECONDS"},
			{0x10, "ABSTIME"},
		}},
		{-8, 0, []bitName{
			{0x80000000, "EXIT"},
			{0x40000000, "FORK"},
			{0x10000000, "PDSIGCHLD"},
		}},
		{-11, 0xc0000000, userNames},
		{-14, 0, jailNames},
		{-15, 0, jailNames},
	},
}

var netbsdNames = names{
	filters: []filterName{
		{0, "READ"}, {1, "WRITE"}, {2, "AIO"}, {3, "VNODE"}, {4, "PROC"},
		{5, "SIGNAL"}, {6, "TIMER"}, {7, "FS"}, {8, "USER"}, {9, "EMPTY"},
	},
	notes: []noteNames{
		{0, 0, lowatNames},
		{1, 0, lowatNames},
		{3, 0, vnodeNames},
		{3, 0, vnodeOpenNames},
		{4, 0, procNames},
		{6, 0x3, numberedTimerNames},
		{8, 0xc0000000, userNames},
	},
}

var openbsdNames = names{
	filters: []filterName{
		{-1, "READ"}, {-2, "WRITE"}, {-3, "AIO"}, {-4, "VNODE"}, {-5, "PROC"},
		{-6, "SIGNAL"}, {-7, "TIMER"}, {-8, "DEVICE"}, {-9, "EXCEPT"}, {-10, "USER"},
	},
	notes: []noteNames{
		{-1, 0, []bitName{{0x1, "LOWAT"}, {0x2, "EOF"}}},
		{-2, 0, lowatNames},
		{-4, 0, vnodeNames},
		{-4, 0, []bitName{
			{0x80, "TRUNCATE"},
		}},
		{-5, 0, procNames},
		{-7, 0x3, numberedTimerNames},
		{-8, 0, []bitName{{0x1, "CHANGE"}}},
		{-9, 0, []bitName{{0x1, "LOWAT"}, {0x4, "OOB"}}},
		{-10, 0xc0000000, userNames},
	},
}
