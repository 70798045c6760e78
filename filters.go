package kqueue

// A Filter is the kind of an event. It determines what the Ident, Fflags and Data
// of the event mean. Filters are numbers, not bits, and must not be combined.
//
// Its underlying type is that of the kernel's struct: int16, or uint32 on NetBSD.
type Filter kernelFilter

// The filters that all five systems have. Their numbers differ: 0 is FilterRead
// on NetBSD and no filter elsewhere. An unknown filter is refused with EINVAL.
//
// Other filters, such as FilterFS, FilterExcept and FilterProcdesc, are exported
// only on the systems that have them: see “Portability” in the package comment.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
const (
	// FilterRead (EVFILT_READ) is triggered while there is something to read.
	// Ident is a descriptor. Data is returned according to its type:
	//
	//   - Listening socket: the number of pending connections. macOS includes
	//     connections that are not yet complete.
	//   - Other socket: the number of bytes to read. The event is triggered at
	//     SO_RCVLOWAT bytes, or at Data bytes if the Fflags of the change contain
	//     NoteLowat. NetBSD, OpenBSD and DragonFly may include control data, and
	//     OpenBSD and DragonFly the address of a datagram's sender.
	//   - Pipe, FIFO, terminal: the number of bytes to read.
	//   - Regular file: the number of bytes from the file offset to the end of the
	//     file, which is negative behind the end. The event is not triggered at the
	//     end of the file.
	//   - Kernel queue: the number of pending events. OpenBSD includes disabled
	//     events, and events whose condition no longer holds, until the next wait
	//     on that queue.
	//   - BPF device: the number of bytes to read. The event is triggered in
	//     immediate mode, when the buffer is full, and, except on NetBSD, when the
	//     timeout of the device has passed.
	//
	// FlagEOF is returned when the peer will send no more. Data may still be
	// positive. On a socket, Fflags then is the error of the socket, or 0: see
	// [Event.SocketErr]. An error without the end of a connection, as on a UDP
	// socket, triggers the event without FlagEOF and with Fflags 0. When a new writer opens a FIFO, its FlagEOF goes away;
	// macOS never returns FlagEOF for a FIFO.
	//
	// Fflags of a change may be NoteLowat, NoteFilePoll on FreeBSD, NoteEOF on
	// OpenBSD, and NoteOOB on macOS and DragonFly. macOS refuses /dev/tty and most
	// character devices with EINVAL unless the change has NoteLowat and Data 1. A bad
	// descriptor is refused with EBADF. All releases of all five systems have this filter.
	FilterRead Filter = evfiltRead

	// FilterWrite (EVFILT_WRITE) is triggered while there is room to write. Ident
	// is a descriptor. Data is returned as the number of bytes that fit into the
	// buffer. On a socket, the event is triggered at SO_SNDLOWAT bytes, or at Data
	// bytes if the Fflags of the change contain NoteLowat. OpenBSD triggers it for
	// a pipe only at 512 bytes or more.
	//
	// Sockets, pipes and FIFOs work on all systems, terminals on all but NetBSD.
	// A regular file is always triggered, with Data 0 (1 on macOS).
	//
	// FlagEOF is returned when the reader is gone. On a socket, Fflags then is the
	// error of the socket, or 0: see [Event.SocketErr]. FreeBSD 15.0 does not
	// return it when the peer of a Unix stream socket is closed. All releases of
	// all five systems have this filter.
	FilterWrite Filter = evfiltWrite

	// FilterAIO (EVFILT_AIO) reports the completion of asynchronous I/O, but no
	// system accepts it in a change. On FreeBSD, aio_read(2) and related calls
	// register such events themselves, and Ident is the address of the struct
	// aiocb; adding one fails with EPERM. The other systems only define the
	// number: adding one fails with ENXIO on DragonFly, EINVAL on NetBSD and
	// OpenBSD, and ENOTSUP on macOS.
	FilterAIO Filter = evfiltAIO

	// FilterVnode (EVFILT_VNODE) reports what happens to an open file or directory.
	// Ident is a descriptor, not a path: a renamed file is still watched, and a new
	// file with the old name is not.
	//
	// Fflags of a change are the notes to watch for: NoteDelete, NoteWrite,
	// NoteExtend, NoteAttrib, NoteLink, NoteRename, NoteRevoke and those that only
	// some systems have. Fflags are returned as what happened since the event was
	// last returned, and may contain related notes as well: a write may return
	// NoteWrite|NoteExtend. Without FlagClear, the notes accumulate and the event
	// stays triggered. Data is not used. FlagEOF is returned when the file was
	// revoked or its file system was unmounted; NetBSD reports an unmount only if
	// the change contained NoteRevoke.
	//
	// DragonFly supports HAMMER, HAMMER2, UFS, NFS, FUSE and tmpfs. On tmpfs it
	// reports neither NoteExtend for a write nor NoteDelete for a file that another
	// file replaces or for a directory that is removed. macOS supports some remote file systems only in part. All
	// releases of all five systems have this filter.
	FilterVnode Filter = evfiltVnode

	// FilterProc (EVFILT_PROC) reports what a process does. Ident is a process ID.
	// FlagClear is implied.
	//
	// Fflags of a change are the notes to watch for: NoteExit, NoteFork, NoteExec,
	// NoteTrack and those that only some systems have. Fflags are returned as what
	// happened. An event with NoteExit has FlagEOF and FlagOneshot and is no longer
	// in the queue. Its Data is the wait(2) status: see [Event.WaitStatus]. NetBSD,
	// OpenBSD and DragonFly return an event with FlagEOF at the exit even if
	// NoteExit was not requested.
	//
	// A process that does not exist is refused with ESRCH. A process that has
	// exited but has not been waited for is refused with ESRCH on macOS, NetBSD
	// and OpenBSD; on FreeBSD and DragonFly it triggers NoteExit at once. A process
	// that the program may not watch is refused with ESRCH on FreeBSD and with
	// EACCES or EPERM on the others. All releases of all five systems have this
	// filter.
	FilterProc Filter = evfiltProc

	// FilterSignal (EVFILT_SIGNAL) counts signals sent to the process. Ident is the
	// signal number. Data is returned as the number of signals since the event was
	// last returned. FlagClear is implied. Fflags are not used.
	//
	// Signal handlers are not affected, and ignored signals are counted too. The
	// exceptions are an ignored SIGCHLD, which FreeBSD does not count, nor do NetBSD
	// and OpenBSD if it is due to the exit of a child, and an ignored or unhandled
	// SIGCONT, which DragonFly does not count. macOS does not count signals that are
	// sent to a single thread, as the Go runtime and pthread_kill(3) do. All releases
	// of all five systems have this filter.
	FilterSignal Filter = evfiltSignal

	// FilterTimer (EVFILT_TIMER) is triggered after a period of time, and then
	// periodically unless it has FlagOneshot. Ident is any number. FlagClear is
	// implied for a period. For a point in time, see NoteAbstime or NoteAbsolute
	// where they exist.
	//
	// Data of a change is the period, in milliseconds unless Fflags contain another
	// unit. The units have different numbers on each system. DragonFly has none and
	// ignores Fflags. Data is returned as the number of times the timer fired since
	// the event was last returned. On macOS, it counts the periods that have passed,
	// which may be several even for FlagOneshot.
	//
	// Kernels disagree about periods of 0 and less, and [TimerEvent] avoids them.
	// 0 is refused with EINVAL on NetBSD, fires once on macOS, and is the shortest
	// period elsewhere. A negative Data fires at once and only once on macOS, and is
	// refused with EINVAL elsewhere.
	//
	// Adding an existing timer again restarts it; DragonFly finishes the running
	// period first. On macOS, any change to a timer restarts it with the Data of
	// the change, including FlagEnable. The number of timers is limited, except on
	// macOS: see “Differences between kernels” in the package comment. All releases
	// of all five systems have this filter.
	FilterTimer Filter = evfiltTimer

	// FilterUser (EVFILT_USER) is triggered by a change with NoteTrigger, from any
	// thread. Ident is any number. Data and Udata are returned as the last change
	// to the event set them, because every change overwrites them: see
	// [Event.Trigger]. DragonFly is the exception for Udata, which is always
	// returned as the change that added the event set it.
	//
	// The low 24 bits of Fflags (NoteFflagsmask) belong to the program. In a change,
	// NoteFfnop, NoteFfand, NoteFfor and NoteFfcopy determine how they are combined
	// with those of the event. FreeBSD and macOS may return NoteTrigger and these
	// control bits from the change that added the event.
	//
	// The event stays triggered unless it was added with FlagClear or FlagOneshot.
	// With FlagDispatch, it is disabled when it is returned, but still triggered:
	// FlagEnable returns it again. FreeBSD and NetBSD ignore NoteTrigger in the
	// change that adds the event.
	//
	// FreeBSD, macOS 10.6, DragonFly 4.0, NetBSD 10.0, OpenBSD 7.8 and later have
	// this filter. Older releases refuse it with EINVAL. On OpenBSD, a process can
	// have 1,024 user events and timers in total; more are refused with ENOMEM.
	FilterUser Filter = evfiltUser
)

// String returns the name that kqueue(2) gives the filter, without the prefix
// EVFILT_, such as "READ". For a number that is no filter on this system, it
// returns a string such as "Filter(-99)".
func (f Filter) String() string {
	return systemNames.filterText(f)
}

// NoteString returns the names that kqueue(2) gives the bits of notes for this
// filter, without the prefix NOTE_ and joined by |, such as "DELETE|WRITE". Bits
// without a name follow in hexadecimal.
func (f Filter) NoteString(notes Note) string {
	return systemNames.notesText(f, notes)
}
