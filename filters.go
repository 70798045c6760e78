package kqueue

// A Filter is the kind of an event. It determines what the Ident, Fflags and
// Data of the event mean. Filters are numbers, not bits, and must not be
// combined.
//
// Every release of all five systems has [FilterRead], [FilterWrite],
// [FilterVnode], [FilterProc], [FilterSignal] and [FilterTimer]. For the
// others, the comment names the releases. Filters that only some systems have
// are exported only there: see “Portability” in the package comment. The
// numbers differ: 0 is FilterRead on NetBSD and no filter elsewhere.
//
// Adding an event with an unknown filter fails, usually with EINVAL. Adding one
// for a descriptor that is not open fails with EBADF.
//
// The underlying type is that of the kernel's struct: int16, or uint32 on
// NetBSD.
//
// Sources: kqueue(2), sys/event.h and kern_event.c of each system.
type Filter kernelFilter

// FilterRead (EVFILT_READ) is triggered while there is something to read. Ident
// is a descriptor. Use a non-blocking one, and take Data as a hint.
//
// Data is returned according to the kind of descriptor:
//
//   - Listening socket: the number of pending connections. macOS includes those
//     that are not yet complete. Add the event after listen(2): otherwise
//     NetBSD never reports a connection, and DragonFly returns Data 0.
//   - Stream socket: the number of bytes to read. The event is triggered at
//     SO_RCVLOWAT bytes, or as [NoteLowat] says.
//   - Datagram, raw or routing socket: the number of bytes in all messages. An
//     empty datagram triggers the event too. A routing socket that overflows
//     does not: set SO_RERROR, or look for RTM_DESYNC on OpenBSD.
//   - Any socket on NetBSD, OpenBSD and DragonFly: Data includes addresses and
//     control data.
//   - Pipe, FIFO: the number of bytes to read. Watch the read end of a FIFO:
//     for the write end, OpenBSD refuses the event with EINVAL, FreeBSD never
//     triggers it, and the other systems do.
//   - Terminal: the number of bytes to read. The end-of-file character counts
//     as one, and there is no FlagEOF for it. FreeBSD ignores VMIN.
//   - Regular file: the number of bytes from the file offset to the end of the
//     file, negative if the offset is past the end. The event is not triggered
//     at the end of the file. Except on macOS, lseek(2) does not trigger it.
//   - Directory: not useful, and refused with EINVAL on macOS. Use
//     [FilterVnode].
//   - Kernel queue: more than 0 if events may be pending. The number includes
//     events whose condition no longer holds and, except on macOS, disabled
//     ones, until the next wait on that queue. On macOS, an event with
//     FlagClear is not returned again before that wait.
//   - BPF device: the number of bytes to read, but 0 on DragonFly. The event is
//     triggered by a packet in immediate mode, and when the buffer is full. The
//     timeout of the device triggers it on FreeBSD, macOS and DragonFly, on
//     OpenBSD only if it was set by BIOCSWTIMEOUT, and on NetBSD not at all. A
//     device without an interface is refused with EPERM on DragonFly and ENXIO
//     on macOS.
//   - Other devices: as the driver decides. FreeBSD never triggers /dev/null,
//     and refuses /dev/random with ENODEV. macOS refuses /dev/tty and most
//     character devices with EINVAL, unless the change has Data 1 and
//     NoteLowat. Others are refused with EINVAL, ENODEV or EOPNOTSUPP.
//
// FlagEOF is returned when the peer will send no more. Data may still be
// positive. On a socket, Fflags is then the error of the socket, or 0: see
// [Event.SocketErr]. Exceptions:
//
//   - FIFO: macOS never returns FlagEOF. The other systems return it when the
//     last writer has closed, not before the first one has opened. A new writer
//     ends it, and so does a read of 0 bytes on NetBSD.
//   - Terminal: NetBSD does not report the hang-up to the slave side.
//   - Listening socket: after shutdown(2), FreeBSD returns FlagEOF. NetBSD,
//     OpenBSD and DragonFly report nothing. To stop a loop that accepts
//     connections, use a user event.
//
// A socket that has an error but is not closed, such as a connected UDP socket
// that was refused, triggers the event without FlagEOF and with Fflags 0. A
// Unix datagram socket whose peer has closed triggers only an event that is
// added afterwards.
//
// Fflags of a change may be NoteLowat, NoteFilePoll on FreeBSD, NoteEOF on
// OpenBSD, and NoteOOB on macOS and DragonFly.
const FilterRead Filter = evfiltRead

// FilterWrite (EVFILT_WRITE) is triggered while there is room to write. Ident
// is a descriptor. Use a non-blocking one, write until EAGAIN, and take Data as
// a hint: it is the number of free bytes on most descriptors, but not on all.
//
//   - Stream socket: the event is triggered when the socket is connected and
//     has SO_SNDLOWAT bytes free, or as [NoteLowat] says. TCP may first let a
//     good part of a full buffer drain. It is also triggered when a
//     non-blocking connect(2) ends: SO_ERROR tells how.
//   - Datagram socket: always triggered. A Unix datagram socket is so even
//     while the receiver is full and writing fails with ENOBUFS; only macOS
//     then waits for room.
//   - Pipe: triggered at 512 free bytes. DragonFly reports a full pipe again
//     only when half of it has been read. A FIFO is like a pipe on FreeBSD, and
//     like a stream socket on the other systems.
//   - Terminal: triggered while the output queue has room. macOS refuses
//     /dev/tty as [FilterRead] says.
//   - Regular file: always triggered, with Data 0 (1 on macOS).
//   - Other devices: as for FilterRead. Of BPF devices, only FreeBSD accepts
//     one, with the largest packet as Data.
//
// FlagEOF is returned when the reader is gone. On a socket, Fflags is then the
// error of the socket, or 0: see [Event.SocketErr].
//
// Do not rely on FlagEOF alone. For the standard input of a child, watch the
// exit of the child too, or add the event again from time to time: adding it
// checks anew. In these cases, a goroutine that waits is not woken:
//
//   - NetBSD, OpenBSD: a pipe that is full when its reader closes.
//   - FreeBSD 15.0: a Unix stream socket whose peer closes, if the buffer is
//     full or the event has FlagClear.
//   - macOS: a FIFO that is full when its reader closes. macOS never returns
//     FlagEOF for a FIFO.
//   - NetBSD, OpenBSD, DragonFly: a terminal that hangs up. OpenBSD and
//     DragonFly trigger the slave side, but without FlagEOF.
//
// Adding the event for a pipe whose reader is gone fails with EPIPE on FreeBSD
// and with EBADF, although the descriptor is good, on NetBSD. The other systems
// accept it and return FlagEOF. On FreeBSD, an event that returns FlagEOF for a
// pipe has FlagOneshot: it is no longer in the queue.
const FilterWrite Filter = evfiltWrite

// FilterAIO (EVFILT_AIO) reports the completion of asynchronous I/O. No system
// lets a program add it: the change fails with EPERM on FreeBSD, ENXIO on
// DragonFly and EINVAL on the others. On macOS, it is this package that refuses
// it.
//
// On FreeBSD, aio_read(2) and related calls register such events themselves.
// Ident is the address of the struct aiocb. On NetBSD, OpenBSD and DragonFly,
// the filter is only a number.
const FilterAIO Filter = evfiltAIO

// FilterVnode (EVFILT_VNODE) reports what happens to an open file or directory.
// Ident is a descriptor, not a path: a renamed file is still watched, and a new
// file with the old name is not.
//
// Fflags of a change are the notes to watch for: [NoteDelete], [NoteWrite],
// [NoteExtend], [NoteAttrib], [NoteLink], [NoteRename], [NoteRevoke] and those
// that only some systems have. Fflags of a triggered event say what has
// happened since the event was last returned, and may contain related notes
// too: a write may return NoteWrite|NoteExtend. Data is not used. Without
// [FlagClear], the notes accumulate and the event stays triggered.
//
// To follow a file such as a configuration, watch for NoteWrite, NoteExtend,
// NoteAttrib, NoteRename, NoteDelete and NoteLink. Truncation is reported as
// NoteAttrib on most systems. Most editors replace the file, which is
// NoteRename or NoteDelete: open the new file and watch that. To learn that a
// file appears, watch its directory for NoteWrite.
//
// A store into a mapping made by mmap(2) is not reported. With msync(2),
// OpenBSD's FFS and DragonFly's UFS report NoteWrite.
//
// Adding the event again keeps the notes that have accumulated, even if the
// change does not ask for them. On NetBSD, it does not add notes that the event
// lacked: delete the event first, which drops its notes.
//
// FlagEOF is returned when the file was revoked or its file system was
// unmounted. NetBSD reports an unmount only if the change contained NoteRevoke.
//
// Sockets and pipes are refused with EINVAL or EOPNOTSUPP, and so are devices
// on the BSDs (ENODEV for FreeBSD's /dev/random). FreeBSD accepts a descriptor
// that was opened with O_PATH. On macOS, one that was opened with O_EVTONLY
// does not keep the volume from being ejected.
//
// DragonFly supports HAMMER, HAMMER2, UFS, NFS, FUSE and tmpfs. Its tmpfs
// reports no NoteExtend for a write and no NoteDelete for a directory that is
// removed. It reports a file that another file replaces as NoteDelete of the
// directory, and does not report symlink(2). macOS supports some remote file
// systems only in part.
const FilterVnode Filter = evfiltVnode

// FilterProc (EVFILT_PROC) reports what a process does. Ident is a process ID.
// [FlagClear] is implied.
//
// Fflags of a change are the notes to watch for: [NoteExit], [NoteFork],
// [NoteExec], [NoteTrack] and those that only some systems have. Fflags of a
// triggered event say what has happened. An event with NoteExit has FlagEOF and
// FlagOneshot and is no longer in the queue. Its Data is the wait(2) status:
// see [Event.WaitStatus]. NetBSD, OpenBSD and DragonFly return an event with
// FlagEOF at the exit even if NoteExit was not requested.
//
// A process that does not exist is refused with ESRCH. So is one that has
// exited but has not been waited for on macOS, NetBSD and OpenBSD. On FreeBSD
// and DragonFly, it triggers NoteExit at once. A program should treat ESRCH for
// its child as the exit.
//
// Which processes may be watched:
//
//   - FreeBSD: those that the program may see. Others are refused with ESRCH.
//   - NetBSD: those of the same user that are not setuid. Others are refused
//     with EACCES, except for root.
//   - macOS: all, but see [NoteExitStatus].
//   - OpenBSD: all. With pledge(2), FilterProc needs the promise "proc":
//     without it the kernel kills the program.
//   - DragonFly: all in the same jail. Others are refused with EACCES.
const FilterProc Filter = evfiltProc

// FilterSignal (EVFILT_SIGNAL) counts signals sent to the process. Ident is the
// signal number. Data is returned as the number of signals since the event was
// last returned. [FlagClear] is implied. Fflags are not used.
//
// Take Data as a hint. On DragonFly, signals that the program catches merge
// while one is pending. After SIGCHLD, wait for every child that has exited,
// not just for as many as Data says.
//
// Signal handlers are not affected, and ignored signals are counted too.
// Exceptions:
//
//   - FreeBSD: an ignored SIGCHLD.
//   - NetBSD, OpenBSD: an ignored SIGCHLD that is due to the exit of a child.
//   - DragonFly: SIGCONT, and SIGCHLD for a child that stops or continues,
//     unless the program catches them.
//   - macOS: signals that are sent to a single thread, as the Go runtime and
//     pthread_kill(3) do.
//
// See also “Signals” in the package comment.
const FilterSignal Filter = evfiltSignal

// FilterTimer (EVFILT_TIMER) is triggered after a period of time, and then
// periodically unless it has [FlagOneshot]. Ident is any number. [FlagClear] is
// implied for a period. [TimerEvent] makes the change.
//
// Data of a change is the period, in milliseconds unless Fflags contain another
// unit. The units have different numbers on each system. DragonFly has none and
// ignores Fflags. For a point in time, see NoteAbstime or NoteAbsolute on the
// systems that have them.
//
// Data is returned as the number of times the timer fired since the event was
// last returned. On macOS, it is the number of periods that have passed, which
// may be more than 1 even with FlagOneshot.
//
// NetBSD, OpenBSD and DragonFly count clock ticks, which usually take 10 ms.
// They round a period up to whole ticks. NetBSD and DragonFly add a tick to
// each period, and OpenBSD to the first. A virtual machine that makes up for
// lost ticks in a burst makes these timers late or early.
//
// Adding an existing timer again restarts it. On DragonFly, it does not: the
// running period ends first, and a FlagOneshot timer that has fired but has not
// been returned does not start again. Delete it first. On macOS, every change
// to a timer restarts it with the Data of the change, and [FlagEnable] is such
// a change.
//
// Kernels disagree about periods of 0 and less, which TimerEvent avoids. 0 is
// refused with EINVAL on NetBSD, fires once on macOS, and is the shortest
// period elsewhere. A negative Data fires once and at once on macOS, and is
// refused with EINVAL elsewhere.
//
// Adding a timer fails with ENOMEM when there are too many:
//
//   - FreeBSD: 4,096 in the whole system (sysctl kern.kq_calloutmax).
//   - NetBSD: 4,095 in the whole system.
//   - DragonFly: 65,536 in the whole system (sysctl kern.kq_calloutmax).
//   - OpenBSD: 1,024 timers and user events in a process.
//   - macOS: no limit.
const FilterTimer Filter = evfiltTimer

// FilterUser (EVFILT_USER) is triggered by a change with [NoteTrigger], from
// any thread. Ident is any number. [UserEvent] makes the change that adds the
// event, and [Event.Trigger] the one that triggers it: FreeBSD and NetBSD
// ignore NoteTrigger in the change that adds.
//
// The event stays triggered unless it was added with [FlagClear] or
// [FlagOneshot]. With [FlagDispatch], it is disabled when it is returned, but
// still triggered: [FlagEnable] returns it again.
//
// Data and Udata are returned as the last change set them, because every change
// overwrites them. On DragonFly, Udata stays as the change that added the event
// set it.
//
// The low 24 bits of Fflags ([NoteFflagsmask]) belong to the program. In a
// change, [NoteFfnop], [NoteFfand], [NoteFfor] and [NoteFfcopy] determine how
// they are combined with those of the event. FreeBSD and macOS may return
// NoteTrigger and these control bits from the change that added the event.
//
// FreeBSD, macOS 10.6, DragonFly 4.0, NetBSD 10.0, OpenBSD 7.8 and later have
// this filter. Older releases refuse it with EINVAL. OpenBSD limits the number
// of user events as it does that of timers.
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
