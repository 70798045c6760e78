package kqueue

// A Filter is the kind of an event. It determines what the Ident, Fflags and
// Data of the event mean. Filters are numbers, not bits, and must not be
// combined. The numbers differ: 0 is FilterRead on NetBSD and no filter elsewhere.
//
// All releases of the five systems have [FilterRead], [FilterWrite],
// [FilterVnode], [FilterProc], [FilterSignal] and [FilterTimer]. Filters that
// only some systems have are exported only there.
//
// Adding an event with an unknown filter fails, usually with EINVAL, and with
// EBADF if its descriptor is not open. The underlying type is that of the
// kernel's struct. Sources: kqueue(2), sys/event.h, kern_event.c of each system.
type Filter kernelFilter

// FilterRead (EVFILT_READ) is triggered while there is something to read, and at
// the end. Ident is a descriptor. Make it non-blocking: an event may be spurious.
//
// Data is the number of bytes to read, or of connections to accept. It is a hint:
// it may include addresses and control data, and FreeBSD 15.0 returns about 1<<32
// for one byte that comes with a descriptor. For a regular file it counts from the
// file offset, and is negative behind the end; at the end there is no event. For
// a kernel queue it is more than 0 if events may be pending.
//
// FlagEOF is returned when the peer will send no more. Something may still be left
// to read. On a socket, Fflags is then its error, or 0: see [Event.SocketErr].
// macOS does not report the end of a FIFO, and NetBSD no hang-up to the slave side
// of a terminal.
//
// Add a listening socket after listen(2), otherwise NetBSD never reports a
// connection, and accept until EAGAIN: a connection may have ended (ECONNABORTED).
// To stop accepting, trigger a user event. shutdown(2) wakes FreeBSD alone.
//
// To follow a file, look at its size once in a while too: see [FilterVnode]. A
// Unix datagram socket whose peer has closed triggers only an event that is added
// afterwards. A routing socket that overflows triggers none.
//
// Fflags of a change may be [NoteLowat], and on some systems others.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#contents
const FilterRead Filter = evfiltRead

// FilterWrite (EVFILT_WRITE) is triggered while there is room to write, when a
// non-blocking connect(2) has ended (SO_ERROR tells how), and at the end. Ident is
// a descriptor. Make it non-blocking and write until EAGAIN. Data is the number of
// free bytes on most descriptors. Fflags of a change may be [NoteLowat].
//
// FlagEOF is returned when the reader is gone. On a socket, Fflags is then its
// error, or 0: see [Event.SocketErr]. But a wait for room alone may last forever:
//
//   - A pipe that is full when its reader closes (NetBSD, OpenBSD); a Unix stream
//     that is full, or has FlagClear, when its peer closes (FreeBSD 15.0); a FIFO
//     likewise (macOS); a terminal that hangs up (NetBSD, OpenBSD, DragonFly).
//   - A Unix stream that was added before connect(2) (FreeBSD 15.0).
//   - A Unix datagram socket with FlagClear after ENOBUFS, and without it such an
//     event is returned all the time. (On macOS, socketpairs wait for room.)
//   - A socket whose peer has called shutdown(2) for reading: TCP, and Unix
//     streams except on FreeBSD.
//
// So use a timer to try again or to give up, add the event after connect(2), and
// for the standard input of a child watch its exit too. Adding an event again
// checks anew. For a pipe whose reader is gone, that fails with EPIPE on FreeBSD
// and EBADF on NetBSD.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#contents
const FilterWrite Filter = evfiltWrite

// FilterAIO (EVFILT_AIO) reports the completion of asynchronous I/O. No program
// can add it. On FreeBSD, aio_read(2) and related calls register such events
// themselves. Ident is then the address of the struct aiocb, and Data the errno of
// the request. Every wait returns the event until aio_return(2).
const FilterAIO Filter = evfiltAIO

// FilterVnode (EVFILT_VNODE) reports what happens to an open file or directory.
// Ident is a descriptor, not a path: a renamed file is still watched, and a new
// file with the old name is not. What happens to the files in a directory, other
// than a change of their names, is reported to those files alone.
//
// Fflags of a change are the notes to watch for: [NoteDelete], [NoteWrite],
// [NoteExtend], [NoteAttrib], [NoteLink], [NoteRename], [NoteRevoke] and others on
// some systems. Fflags of a triggered event are what has happened since it was last
// returned, and may contain related notes. Data is not used. Without [FlagClear],
// the notes accumulate and the event stays triggered.
//
// Which note reports a change depends on the file system, so watch for all.
// Truncation, for one, may be NoteWrite, NoteAttrib, NoteExtend or nothing. FreeBSD
// and NetBSD do not report the first append after a truncation if the writer was
// behind the new end (O_APPEND), not even to FilterRead. So look at the file now and
// then as well. Stores into a mapping are reported late or never, and so is what
// others do on a network file system. Most editors replace the file: watch its
// directory for NoteWrite, and open the new one.
//
// To watch for other notes, delete the event and add it anew: NetBSD adds no note
// to one that exists. FlagEOF says that the file system was unmounted. Sockets,
// pipes and most devices are refused with EINVAL or EOPNOTSUPP.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#files-and-directories
const FilterVnode Filter = evfiltVnode

// FilterProc (EVFILT_PROC) reports what a process does. Ident is a process ID.
// [FlagClear] is implied.
//
// Fflags of a change are the notes to watch for: [NoteExit], [NoteFork],
// [NoteExec], [NoteTrack] and others on some systems. Always ask for NoteExit:
// NetBSD, OpenBSD and DragonFly report the exit anyway, the others do not. Fflags of
// a triggered event are what has happened. With NoteExit, it has FlagEOF and
// FlagOneshot, is no longer in the queue, and Data is the wait(2) status: see
// [Event.WaitStatus].
//
// ESRCH means that there is no such process or, for a zombie, that it has exited:
// take it as the exit of a child. FreeBSD and DragonFly report NoteExit for a
// zombie. Which processes of others may be watched differs.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#processes-and-jails
const FilterProc Filter = evfiltProc

// FilterSignal (EVFILT_SIGNAL) counts signals sent to the process. Ident is the
// signal number. Data is the number of signals since the event was last returned.
// [FlagClear] is implied. Fflags are not used. Handlers are not affected, and
// ignored signals are counted too, except SIGCHLD for the exit of a child.
//
// Data is a hint: DragonFly merges signals that the program catches. After SIGCHLD,
// wait for every child that has exited, not just for as many as Data says.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#signals
const FilterSignal Filter = evfiltSignal

// FilterTimer (EVFILT_TIMER) is triggered after a period of time, and then
// periodically unless it has [FlagOneshot]. Ident is any number. [FlagClear] is
// implied. [TimerEvent] makes the change: kernels disagree about the units, which
// are notes of each system, and about periods of 0 and less.
//
// Data of a change is the period. Data of a triggered event is the number of times
// that the timer fired since the event was last returned. On macOS it is the number
// of periods that have passed.
//
// NetBSD, OpenBSD and DragonFly count clock ticks, usually of 10 ms. They round a
// period up. NetBSD and DragonFly then add a tick to each, OpenBSD to the first.
//
// To restart a timer, delete it and add it again: without the deletion, DragonFly
// lets the running period end first, and what has fired but was not returned may
// never fire again. On macOS every change restarts a timer, [FlagEnable] too.
//
// Adding one too many fails with ENOMEM: OpenBSD allows a process 1,024 timers and
// user events, the others thousands in the whole system.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#timers
const FilterTimer Filter = evfiltTimer

// FilterUser (EVFILT_USER) is triggered by a change with [NoteTrigger], from
// any thread. Ident is any number. [UserEvent] makes the change that adds the
// event, and [Event.Trigger] the one that triggers it: FreeBSD and NetBSD
// ignore NoteTrigger in the change that adds.
//
// The event stays triggered unless it was added with [FlagClear] or
// [FlagOneshot]. With [FlagDispatch], [FlagEnable] returns it again. Data and Udata
// are returned as the last change set them, on most systems: rely on Ident alone.
//
// The low 24 bits of Fflags ([NoteFflagsmask]) belong to the program. In a
// change, [NoteFfnop], [NoteFfand], [NoteFfor] and [NoteFfcopy] determine how
// they are combined with those of the event, which stay, except on DragonFly.
//
// FreeBSD, macOS 10.6, DragonFly 4.0, NetBSD 10.0, OpenBSD 7.8 and later have
// this filter.
// Answers: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md#user-events
const FilterUser Filter = evfiltUser

// String returns the name that kqueue(2) gives the filter, without the prefix
// EVFILT_, such as "READ". For a number that is no filter on this system, it
// returns a string such as "Filter(-99)".
func (f Filter) String() string {
	return systemNames.filterText(f)
}

// NoteString returns the names that kqueue(2) gives the bits of notes for this
// filter, without the prefix NOTE_ and joined by |, such as "DELETE|WRITE".
// Bits without a name follow in hexadecimal.
func (f Filter) NoteString(notes Note) string {
	return systemNames.notesText(f, notes)
}
