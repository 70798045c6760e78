package kqueue

import "strconv"

// names are the manual page's names of one system's numbers, without prefixes.
//
// Those of all systems stand in this file, so that every host can test them.
// kqueue_<os>.go chooses its own by the name systemNames; the linker leaves out
// the others. What all systems share is made from the constants of flags.go.
type names struct {
	flags   []bitName // besides flagNames and conditionNames
	filters []filterNames
}

// filterNames has the name of a filter, the names of notes that several systems
// have for it, and of more.
type filterNames struct {
	number      int32
	name        string
	notes, more []bitName
}

// A bitName names one bit, or several. A name for several bits comes before those
// for some of them, as with the units of timers where they are a number and not
// flags.
type bitName struct {
	bits uint32
	name string
}

var unknownFilter filterNames

func (n *names) filter(filter Filter) *filterNames {
	for i := range n.filters {
		if n.filters[i].number == int32(filter) {
			return &n.filters[i]
		}
	}
	return &unknownFilter
}

func (n *names) filterText(filter Filter) string {
	if name := n.filter(filter).name; name != "" {
		return name
	}
	return "Filter(" + strconv.Itoa(int(int32(filter))) + ")"
}

func (n *names) appendFlags(b []byte, flags Flag) []byte {
	return appendBits(b, uint32(flags), flagNames, n.flags, conditionNames)
}

func (n *names) appendNotes(b []byte, filter Filter, notes Note) []byte {
	f := n.filter(filter)
	return appendBits(b, uint32(notes), f.notes, f.more)
}

// appendBits appends the names of bits, joined by |, and what has no name in
// hexadecimal.
func appendBits(b []byte, bits uint32, lists ...[]bitName) []byte {
	separator := ""
	for _, list := range lists {
		for i := range list {
			if n := &list[i]; bits&n.bits == n.bits {
				b = append(append(b, separator...), n.name...)
				bits &^= n.bits
				separator = "|"
			}
		}
	}
	if bits != 0 || separator == "" {
		b = append(append(b, separator...), "0x"...)
		b = strconv.AppendUint(b, uint64(bits), 16)
	}
	return b
}

// bitsText is the text of appendBits. That of a single name takes no memory.
func bitsText(bits uint32, lists ...[]bitName) string {
	for _, list := range lists {
		for i := range list {
			if list[i].bits == bits {
				return list[i].name
			}
		}
	}
	return string(appendBits(make([]byte, 0, 64), bits, lists...))
}

func (n *names) flagsText(flags Flag) string {
	return bitsText(uint32(flags), flagNames, n.flags, conditionNames)
}

func (n *names) notesText(filter Filter, notes Note) string {
	f := n.filter(filter)
	return bitsText(uint32(notes), f.notes, f.more)
}

// What all systems have.
var (
	flagNames = []bitName{
		{uint32(FlagAdd), "ADD"}, {uint32(FlagDelete), "DELETE"}, {uint32(FlagEnable), "ENABLE"},
		{uint32(FlagDisable), "DISABLE"}, {uint32(FlagOneshot), "ONESHOT"}, {uint32(FlagClear), "CLEAR"},
		{uint32(FlagReceipt), "RECEIPT"}, {uint32(FlagDispatch), "DISPATCH"},
	}
	conditionNames = []bitName{{uint32(FlagError), "ERROR"}, {uint32(FlagEOF), "EOF"}}

	ioNotes    = []bitName{{uint32(NoteLowat), "LOWAT"}}
	vnodeNotes = []bitName{
		{uint32(NoteDelete), "DELETE"}, {uint32(NoteWrite), "WRITE"}, {uint32(NoteExtend), "EXTEND"},
		{uint32(NoteAttrib), "ATTRIB"}, {uint32(NoteLink), "LINK"}, {uint32(NoteRename), "RENAME"},
		{uint32(NoteRevoke), "REVOKE"},
	}
	procNotes = []bitName{
		{uint32(NoteExit), "EXIT"}, {uint32(NoteFork), "FORK"}, {uint32(NoteExec), "EXEC"},
		{uint32(NoteTrack), "TRACK"}, {uint32(NoteTrackerr), "TRACKERR"}, {uint32(NoteChild), "CHILD"},
	}
	userNotes = []bitName{
		{uint32(NoteFfcopy), "FFCOPY"}, {uint32(NoteFfand), "FFAND"}, {uint32(NoteFfor), "FFOR"},
		{uint32(NoteTrigger), "TRIGGER"},
	}
)

// What two systems or filters have.
var (
	oobNotes   = []bitName{{0x2, "OOB"}}                                                              // DragonFly, macOS
	openNotes  = []bitName{{0x80, "OPEN"}, {0x100, "CLOSE"}, {0x200, "CLOSE_WRITE"}, {0x400, "READ"}} // FreeBSD, NetBSD
	timerNotes = []bitName{{0x3, "NSECONDS"}, {0x1, "SECONDS"}, {0x2, "USECONDS"}, {0x10, "ABSTIME"}} // NetBSD, OpenBSD
	jailNotes  = []bitName{
		{0x80000000, "JAIL_CHILD"}, {0x40000000, "JAIL_SET"}, {0x20000000, "JAIL_ATTACH"},
		{0x10000000, "JAIL_REMOVE"}, {0x8000000, "JAIL_MULTI"},
	}
)

var darwinNames = names{
	[]bitName{{0x100, "UDATA_SPECIFIC"}, {0x200, "VANISHED"}, {0x2000, "OOBAND"}},
	[]filterNames{
		{-1, "READ", ioNotes, oobNotes}, {-2, "WRITE", ioNotes, nil}, {-3, "AIO", nil, nil},
		{-4, "VNODE", vnodeNotes, []bitName{
			{0x80, "NONE"}, {0x100, "FUNLOCK"}, {0x200, "LEASE_DOWNGRADE"}, {0x400, "LEASE_RELEASE"},
		}},
		{-5, "PROC", procNotes, []bitName{
			{0x10000000, "REAP"}, {0x8000000, "SIGNAL"}, {0x4000000, "EXITSTATUS"}, {0x2000000, "EXIT_DETAIL"},
			{0x80000, "EXIT_REPARENTED"}, {0x10000, "EXIT_DECRYPTFAIL"}, {0x20000, "EXIT_MEMORY"}, {0x40000, "EXIT_CSERROR"},
		}},
		{-6, "SIGNAL", nil, nil},
		{-7, "TIMER", nil, []bitName{
			{0x1, "SECONDS"}, {0x2, "USECONDS"}, {0x4, "NSECONDS"}, {0x8, "ABSOLUTE"}, {0x10, "LEEWAY"},
			{0x20, "CRITICAL"}, {0x40, "BACKGROUND"}, {0x80, "MACH_CONTINUOUS_TIME"}, {0x100, "MACHTIME"},
		}},
		{-8, "MACHPORT", nil, nil}, {-9, "FS", nil, nil}, {-10, "USER", userNotes, nil},
		{-12, "VM", nil, []bitName{
			{0x80000000, "VM_PRESSURE"}, {0x40000000, "VM_PRESSURE_TERMINATE"},
			{0x20000000, "VM_PRESSURE_SUDDEN_TERMINATE"}, {0x10000000, "VM_ERROR"},
		}},
		{-15, "EXCEPT", ioNotes, oobNotes},
	},
}

var dragonflyNames = names{
	[]bitName{{0x800, "HUP"}, {0x1000, "NODATA"}},
	[]filterNames{
		{-1, "READ", ioNotes, oobNotes}, {-2, "WRITE", ioNotes, nil}, {-3, "AIO", nil, nil},
		{-4, "VNODE", vnodeNotes, nil}, {-5, "PROC", procNotes, nil}, {-6, "SIGNAL", nil, nil},
		{-7, "TIMER", nil, nil}, {-8, "EXCEPT", nil, oobNotes}, {-9, "USER", userNotes, nil}, {-10, "FS", nil, nil},
	},
}

var freebsdNames = names{
	[]bitName{{0x100, "FORCEONESHOT"}, {0x200, "KEEPUDATA"}},
	[]filterNames{
		{-1, "READ", ioNotes, []bitName{{0x2, "FILE_POLL"}}}, {-2, "WRITE", ioNotes, nil}, {-3, "AIO", nil, nil},
		{-4, "VNODE", vnodeNotes, openNotes}, {-5, "PROC", procNotes, nil}, {-6, "SIGNAL", nil, nil},
		{-7, "TIMER", nil, []bitName{
			{0x1, "SECONDS"}, {0x2, "MSECONDS"}, {0x4, "USECONDS"}, {0x8, "NSECONDS"}, {0x10, "ABSTIME"},
		}},
		{-8, "PROCDESC", nil, []bitName{{0x80000000, "EXIT"}, {0x40000000, "FORK"}, {0x10000000, "PDSIGCHLD"}}},
		{-9, "FS", nil, nil}, {-10, "LIO", nil, nil}, {-11, "USER", userNotes, nil}, {-12, "SENDFILE", nil, nil},
		{-13, "EMPTY", nil, nil}, {-14, "JAIL", jailNotes, nil}, {-15, "JAILDESC", jailNotes, nil},
	},
}

var netbsdNames = names{
	nil,
	[]filterNames{
		{0, "READ", ioNotes, nil}, {1, "WRITE", ioNotes, nil}, {2, "AIO", nil, nil},
		{3, "VNODE", vnodeNotes, openNotes}, {4, "PROC", procNotes, nil}, {5, "SIGNAL", nil, nil},
		{6, "TIMER", timerNotes, nil}, {7, "FS", nil, nil}, {8, "USER", userNotes, nil}, {9, "EMPTY", nil, nil},
	},
}

var openbsdNames = names{
	nil,
	[]filterNames{
		{-1, "READ", ioNotes, []bitName{{0x2, "EOF"}}}, {-2, "WRITE", ioNotes, nil}, {-3, "AIO", nil, nil},
		{-4, "VNODE", vnodeNotes, []bitName{{0x80, "TRUNCATE"}}}, {-5, "PROC", procNotes, nil},
		{-6, "SIGNAL", nil, nil}, {-7, "TIMER", timerNotes, nil}, {-8, "DEVICE", nil, []bitName{{0x1, "CHANGE"}}},
		{-9, "EXCEPT", ioNotes, []bitName{{0x4, "OOB"}}}, {-10, "USER", userNotes, nil},
	},
}
