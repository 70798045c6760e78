package kqueue

// A Filter says what kind of thing an event is about, and so what its Ident,
// Fflags and Data mean. Filters are plain numbers, not bits: never or them.
//
// It has the kernel's own width: int16, and uint32 on NetBSD.
type Filter kernelFilter

// The filters that all five systems have. Their numbers differ, and 0 is
// FilterRead on NetBSD but no filter elsewhere. An unknown filter is refused
// with EINVAL.
//
// The other filters, such as FilterFS, FilterExcept and FilterProcdesc, are
// exported only on the systems that have them: see “Portability” in the package
// comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// FilterRead (EVFILT_READ) is triggered while there is something to read.
	// Ident is a descriptor. Data out depends on what it refers to:
	//
	//   - Listening socket: the number of connections to accept.
	//   - Other socket: the bytes to read, at least SO_RCVLOWAT, or Data in the
	//     change where its Fflags has NoteLowat. On NetBSD, OpenBSD and DragonFly
	//     the count may include control data.
	//   - Pipe and FIFO: the bytes to read.
	//   - Regular file: the bytes between the file offset and the end of the
	//     file, negative past it. A file read to its end is quiet until it grows.
	//   - Kernel queue: the number of pending events.
	//   - BPF device: the bytes to read, when the buffer is full, its timeout has
	//     passed or it is in immediate mode.
	//
	// FlagEOF out: the peer will send no more. Data may still be above 0, and
	// Fflags then is the socket's error: see [Event.SocketErr]. A FIFO whose
	// last writer left can be watched on: FreeBSD clears the EOF when a writer
	// comes, the others when a change passes FlagClear.
	//
	// Fflags in: NoteLowat; NoteFilePoll on FreeBSD; NoteEOF on OpenBSD. A bad
	// descriptor is EBADF. All five systems, all releases.
	FilterRead Filter = evfiltRead

	// FilterWrite (EVFILT_WRITE) is triggered while there is room to write.
	// Ident is a descriptor: a socket, pipe or FIFO, on NetBSD also a terminal.
	// Data out: the bytes that fit into the buffer. On a socket, at least
	// SO_SNDLOWAT of them, or Data in the change where its Fflags has NoteLowat.
	//
	// FlagEOF out: the reader is gone; Fflags then is the socket's error: see
	// [Event.SocketErr]. Regular files are not supported (macOS takes them all
	// the same, with Data 1). All five systems, all releases.
	FilterWrite Filter = evfiltWrite

	// FilterAIO (EVFILT_AIO) tells that an asynchronous I/O request is done. No
	// system takes it in a change: on FreeBSD, aio_read(2) and its kin register
	// it themselves, with Ident the request's struct aiocb. Adding it gives
	// ENXIO on FreeBSD and DragonFly, EINVAL on NetBSD and OpenBSD, ENOTSUP on
	// macOS, which all have no more than the number.
	FilterAIO Filter = evfiltAIO

	// FilterVnode (EVFILT_VNODE) tells what happened to an open file or
	// directory. Ident is a descriptor, not a path: the file is followed when it
	// is renamed, and a new file under the old name is not seen.
	//
	// Fflags in: what to watch, of NoteDelete, NoteWrite, NoteExtend, NoteAttrib,
	// NoteLink, NoteRename, NoteRevoke and the system's own; out: what happened
	// since the event was last read. Without FlagClear it stays triggered. Data
	// is unused. FlagEOF out: the file was revoked or its file system unmounted.
	//
	// DragonFly supports it on HAMMER, tmpfs and UFS only, macOS on some remote
	// file systems only in part. All five systems, all releases.
	FilterVnode Filter = evfiltVnode

	// FilterProc (EVFILT_PROC) tells what a process does. Ident is a process id.
	// FlagClear is implied.
	//
	// Fflags in: what to watch, of NoteExit, NoteFork, NoteExec, NoteTrack and
	// the system's own; out: what happened. With NoteExit out, the event has
	// FlagEOF and FlagOneshot, it is gone from the queue, and Data is the
	// wait(2) status: see [Event.WaitStatus]. Without NoteExit in, NetBSD,
	// OpenBSD and DragonFly still deliver an event with FlagEOF at the exit.
	//
	// A process that has gone is ESRCH. So is one that has exited but was not
	// waited for, on macOS, NetBSD and OpenBSD; on FreeBSD and DragonFly it
	// gives its NoteExit at once. Whose processes may be watched differs: EACCES
	// or EPERM where not. All five systems, all releases.
	FilterProc Filter = evfiltProc

	// FilterSignal (EVFILT_SIGNAL) counts signals sent to the process itself.
	// Ident is the signal's number. Data out: how often it was sent since the
	// event was last read. FlagClear is implied. Fflags is unused.
	//
	// It takes nothing from signal handlers and counts ignored signals too (on
	// FreeBSD not an ignored SIGCHLD). macOS does not count signals sent to one
	// thread, as the Go runtime and pthread_kill(3) do. All five systems, all
	// releases.
	FilterSignal Filter = evfiltSignal

	// FilterTimer (EVFILT_TIMER) is triggered when a period has passed, again and
	// again unless it has FlagOneshot. Ident is a free number. FlagClear is
	// implied for a period; see NoteAbstime, where there is one, for a time.
	//
	// Data in: the period, in milliseconds unless Fflags says otherwise; the
	// unit notes have other numbers on each system, and DragonFly has none and
	// ignores Fflags. Data out: how often it went off since the event was last
	// read. [TimerEvent] picks the unit and avoids what differs: 0, for instance,
	// is EINVAL on NetBSD, fires once on macOS and means one tick on OpenBSD.
	//
	// Adding an existing timer again restarts it; on DragonFly the running period
	// ends first. On macOS any change to a timer restarts it with the Data of
	// the change, a plain FlagEnable too. The number of timers is limited:
	// ENOMEM. All five systems, all releases.
	FilterTimer Filter = evfiltTimer

	// FilterUser (EVFILT_USER) is triggered by a change with NoteTrigger, from any
	// thread. Ident is a free number. Data and Udata out are those of the last
	// change, as every change to the event overwrites them: see
	// [Event.Trigger].
	//
	// Fflags: the low 24 bits (NoteFflagsmask) are the user's own, and in a
	// change NoteFfnop, NoteFfand, NoteFfor or NoteFfcopy say how they change.
	// The event stays triggered unless it was added with FlagClear, FlagOneshot
	// or FlagDispatch. FreeBSD and NetBSD ignore NoteTrigger in the change that
	// adds the event, the others do not.
	//
	// FreeBSD, macOS 10.6, DragonFly 4.0, NetBSD 10.0, OpenBSD 7.8 and later; older
	// ones give EINVAL. OpenBSD allows a process 1,024 user events and
	// timers together: ENOMEM.
	FilterUser Filter = evfiltUser
)

// String returns the manual page's name without its prefix EVFILT_, such as
// "READ", or "Filter(-99)" for a number that the system has no filter for.
func (f Filter) String() string {
	return systemNames.filterText(f)
}

// NoteString returns the names that kqueue(2) gives the bits of notes for this
// filter, without the prefix NOTE_ and joined by |, such as "DELETE|WRITE". Bits
// without a name follow in hexadecimal.
func (f Filter) NoteString(notes Note) string {
	return systemNames.notesText(f, notes)
}
