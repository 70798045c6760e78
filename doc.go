// Package kqueue provides access to kqueue(2) and kevent(2), the event
// notification interface of macOS, iOS, FreeBSD, NetBSD, OpenBSD and DragonFly
// BSD. The package is thin: an [Event] is the kernel's struct kevent with
// types, and a call is a system call. It starts no goroutines, keeps no list of
// descriptors and has no callbacks.
//
// A program uses it in five steps:
//
//  1. Make a kernel queue with [New].
//  2. Describe what to watch with [NewEvent], which is EV_SET, or with
//     [ReadEvent], [WriteEvent], [VnodeEvent], [ProcEvent], [SignalEvent],
//     [TimerEvent] or [UserEvent].
//  3. Pass these changes to the kernel with [Queue.Apply].
//  4. Wait for events with [Queue.Wait], or with [Queue.WaitInto], which does
//     not allocate. [Queue.Kevent] does steps 3 and 4 in one system call.
//  5. Handle the events: look at their fields, and use [Event.EOF],
//     [Event.Err], [Event.SocketErr] and [Event.WaitStatus].
//
// In short:
//
//	q, err := kqueue.New()
//	if err != nil {
//		return err
//	}
//	defer q.Close()
//	c := kqueue.ReadEvent(fd)
//	if err := q.Apply(c); err != nil {
//		return err
//	}
//	events, err := q.Wait(5 * time.Second)
//	...
//	err = q.Apply(c.Delete())
//
// A change does nothing until it is passed to Apply or Kevent. The methods that
// make one, such as [Event.Delete], return it.
//
// Names follow the manual page. EVFILT_READ is [FilterRead], EV_ADD is
// [FlagAdd] and NOTE_WRITE is [NoteWrite]: each word of the C name is
// capitalized, and the initialisms AIO, EOF, FS, LIO, OOB and VM are in
// capitals. The manual page of each system: [FreeBSD], [NetBSD], [OpenBSD],
// [DragonFly], [macOS].
//
// # Events
//
// An [Event] passed to the kernel is a change. An Event returned by the kernel
// is a triggered event. The fields mean:
//
//   - Ident identifies what is watched: a descriptor, a process ID or a signal
//     number. For timers and user events it is any number that the program
//     chooses. A queue has one event for each pair of Ident and Filter.
//   - Filter is the kind of event. The comment of each [Filter] explains the
//     other fields for that filter.
//   - Flags of a change are actions ([FlagAdd], [FlagDelete], [FlagEnable],
//     [FlagDisable]) and options ([FlagClear], [FlagOneshot], [FlagDispatch]).
//     Flags of a triggered event are conditions ([FlagEOF], [FlagError]).
//   - Fflags of a change say what to watch for. Fflags of a triggered event say
//     what has happened.
//   - Data is a number whose meaning depends on the filter: bytes, connections,
//     a period, a count or a wait(2) status. With FlagError it is an errno.
//   - Udata is returned as it was passed in.
//
// Flags and Fflags of a triggered event may contain more bits than the program
// asked for, so test individual bits: event.Fflags&NoteWrite != 0.
//
// An event is returned by every wait while its condition holds. With FlagClear,
// it is returned when something has happened since. In both cases an event may
// be spurious, and Data may be out of date. So make descriptors non-blocking,
// and read or write until EAGAIN.
//
// Adding an event that is in the queue replaces its Fflags, Data and Udata. It
// neither enables the event nor changes its options: see [FlagAdd].
//
// # Descriptors
//
// Closing a descriptor removes its events from all queues. Delete an event
// before the descriptor is closed or not at all: afterwards, the number may
// belong to another file. Descriptors that dup(2) made of one another have
// separate events.
//
// A queue may watch descriptors that belong to package net or os. Get the
// number with SyscallConn. The File method of package net returns a duplicate,
// which must be closed separately, and [os.File.Fd] sets the descriptor to
// blocking mode. Keep a reference to the net.Conn or os.File while it is
// watched: the garbage collector closes one that is unreachable, and its events
// vanish.
//
// # Udata
//
// Udata holds an integer. The recommended value is an index into a slice of the
// program, combined with a generation number. The kernel reuses the number of a
// descriptor as soon as it is closed, while a slice that a wait has returned
// may still hold an event of the old descriptor. If each use of a slice element
// has its own generation, an event with an old generation can be recognized and
// dropped. See the example of [Event], and [Event.WithUdata].
//
// A Go pointer in Udata is possible only if the program keeps the object alive
// by other means. The garbage collector does not see Udata, in the kernel or in
// an Event, so the object is freed and its memory reused when no other
// reference is left. Today the collector does not move objects on the heap, but
// Go does not promise that, and objects on a stack do move. Converting Udata
// back to a pointer is also outside the rules of package unsafe. Go vet reports
// some of the ways to do it, not all.
//
// A change to an event overwrites its Udata. There are two exceptions: OpenBSD
// leaves it alone if the change has no FlagAdd (except for user events), and
// DragonFly never changes the Udata of a user event after it was added.
//
// # Errors
//
// Errors wrap the kernel's errno, so errors.Is(err, syscall.ENOENT) works. A
// failed system call is reported as an [*os.SyscallError], a refused change as
// a [*ChangeError], of which [ChangeErrors] returns the list. After Close,
// errors wrap [os.ErrClosed]. On a system without kqueue, [New] returns an
// error that wraps [errors.ErrUnsupported]. Errors that belong to a triggered
// event are available from [Event.Err] and [Event.SocketErr].
//
// The comment of each Filter says what is refused, and with which errno. Where
// a kernel does not check a change that it should refuse, this package does,
// with EINVAL. Either way, these are refused:
//
//   - Filter 0, except on NetBSD, where it is FilterRead.
//   - [FilterAIO] on macOS.
//   - The descriptor of the queue itself as Ident, on FreeBSD, NetBSD and
//     macOS.
//   - [FilterTimer] with a negative Data, except on macOS; with Data 0, on
//     NetBSD, unless Fflags contain NoteAbstime; with unknown bits in Fflags,
//     on FreeBSD, NetBSD and OpenBSD.
//
// # Timeouts
//
// A timeout of 0 or less polls. [Forever] never passes. When a timeout passes,
// the call returns no events and no error. time.Until(deadline) is a valid
// timeout, even when the deadline has passed, but such a poll still returns
// pending events: a loop that must end at the deadline has to check the time. A
// zero deadline has passed long ago; no deadline is Forever.
//
// A signal neither shortens nor lengthens a wait, and timeouts that are too
// long for the kernel are split. No wait ends early, but NetBSD, OpenBSD and
// DragonFly count clock ticks, round up and add one: at 100 Hz, any timeout of
// up to 10 ms takes about 20 ms.
//
// In a testing/synctest bubble, whose clock stands still during a system call,
// a wait ends when the kernel says so, and a signal starts its timeout anew.
//
// # Concurrency and Close
//
// All methods of a [Queue] may be called concurrently. If several goroutines
// wait on one queue, the same event may be returned to more than one of them
// unless it has FlagClear, FlagOneshot or FlagDispatch.
//
// [Queue.Close] wakes all waiting goroutines and returns after they have left.
// It releases the descriptor only then, so no call can use a descriptor that by
// now belongs to something else. To stop with a context, close the queue:
//
//	stop := context.AfterFunc(ctx, func() { q.Close() })
//	defer stop()
//
// The waiting call then returns an error that wraps os.ErrClosed. To interrupt
// a wait and go on using the queue, trigger a user event.
//
// A kernel queue cannot be added to the poller of the Go runtime, so each
// goroutine that waits occupies an operating system thread. Use one or a few
// waiting goroutines for each queue. With GOMAXPROCS=1 on NetBSD and OpenBSD,
// each wait that blocks also stops all other goroutines for 10 to 20 ms, until
// the runtime notices. Set GOMAXPROCS to 2 there.
//
// A queue can also watch other queues: see [Queue.Fd]. Queues must not watch
// each other in a circle and must not be nested deeply.
//
// # Scale
//
// Waiting does not depend on the number of events in a queue, nor does adding a
// descriptor. But FreeBSD, NetBSD and DragonFly keep timers, user events and
// processes in 64 hash buckets, so the cost of adding or triggering one grows
// with their number: a few microseconds among 10,000, a few hundred among
// 100,000.
//
// Use small consecutive Idents. Aligned addresses, or an index shifted left by
// 16, all fall into one bucket. On FreeBSD and DragonFly, several queues have
// buckets of their own. On NetBSD, the buckets belong to the process. The
// number of timers and user events is limited: see [FilterTimer].
//
// # Signals
//
// [FilterSignal] counts signals but does not catch them. Use [os/signal.Notify]
// to keep a signal from ending the program. [os/signal.Ignore] does so too, but
// the programs that it starts inherit that, and some systems do not count an
// ignored SIGCHLD. The Go runtime sends SIGURG to its own threads, up to
// thousands of times a second, and FilterSignal counts that, except on macOS.
//
// # Processes
//
// [FilterProc] reports the exit of a process but does not wait for it. A child
// remains a zombie until its parent calls wait(2), for example with
// [os/exec.Cmd.Wait]. A child may exit before it is watched. FreeBSD and
// DragonFly then trigger the event at once. The other systems refuse the change
// with ESRCH, which a program should treat as the exit. Watch only children
// that have not been waited for, because a process ID may be reused afterwards.
//
// # Sandboxes
//
// With pledge(2) on OpenBSD, "stdio" suffices, but FilterProc needs "proc":
// without it, the kernel kills the program. In the capability mode of FreeBSD,
// queues work. A descriptor that lacks CAP_EVENT is refused with ENOTCAPABLE.
//
// # Coming from syscall.Kevent or x/sys
//
// What changes in a program that called kevent(2) itself:
//
//   - Loops around EINTR go away. So do conversions between milliseconds and
//     timespecs.
//   - EBADF as the sign to stop becomes errors.Is(err, os.ErrClosed). After
//     Close, there is nothing left to delete, and every later call returns that
//     error.
//   - Comparisons such as err == syscall.ENOENT still compile, but are never
//     true, and os.IsNotExist(q.Apply(c.Delete())) is false. Use errors.Is.
//   - Recognize the event that wakes a wait by Filter == FilterUser, not by
//     Ident 0: 0 is a descriptor too.
//   - Do not look for FlagAdd or FlagEnable in a returned event: FreeBSD does
//     not return them.
//   - Deleting an event of FilterVnode drops what it has noted. To watch for
//     other notes, add it again; only on NetBSD delete it first, and only if a
//     note is new.
//   - To hand an Event to code that takes a syscall.Kevent_t or unix.Kevent_t,
//     set k.Ident, k.Filter and k.Flags by SetKevent of the same package, which
//     has the right types, then k.Fflags and k.Data. The types of Data (in
//     package syscall) and Udata differ from system to system.
//
// # Portability
//
// The identifiers below exist on every system, including those without kqueue,
// where everything compiles and New fails. (The exception is Plan 9, which has
// no numbered signals.) FilterUser needs NetBSD 10.0 or OpenBSD 7.8.
// FlagReceipt, which Apply needs for more than one change, and FlagDispatch
// need NetBSD 10.0.
//
// Other constants exist only on the systems that have them. The site pkg.go.dev
// does not show those of the BSDs, but the go command does:
//
//	GOOS=freebsd go doc github.com/go-kqueue/kqueue FilterJail
//
// The filters are:
//
//   - FilterDevice: OpenBSD.
//   - FilterEmpty: FreeBSD, NetBSD.
//   - FilterExcept: macOS, OpenBSD, DragonFly.
//   - FilterFS: macOS, FreeBSD, NetBSD, DragonFly.
//   - FilterJail, FilterJaildesc: FreeBSD 15.0.
//   - FilterLIO, FilterProcdesc, FilterSendfile: FreeBSD.
//   - FilterMachport, FilterVM: macOS.
//
// The flags are:
//
//   - FlagForceoneshot, FlagKeepudata: FreeBSD.
//   - FlagHup, FlagNodata: DragonFly.
//   - FlagDispatch2, FlagOoband, FlagUdataSpecific, FlagVanished: macOS.
//
// The notes are, by filter:
//
//   - FilterRead: NoteFilePoll (FreeBSD), NoteEOF (OpenBSD), NoteOOB (macOS,
//     DragonFly).
//   - FilterVnode: NoteOpen, NoteClose, NoteCloseWrite, NoteRead (FreeBSD,
//     NetBSD), NoteTruncate (OpenBSD), NoteNone, NoteFunlock,
//     NoteLeaseDowngrade, NoteLeaseRelease (macOS).
//   - FilterProc: NoteReap, NoteSignal, NoteExitDetail, NoteExitDetailMask,
//     NoteExitDecryptfail, NoteExitMemory, NoteExitCserror, NoteExitReparented
//     (macOS).
//   - FilterTimer: NoteSeconds, NoteUseconds, NoteNseconds (all but DragonFly),
//     NoteMseconds, NoteAbstime (FreeBSD, NetBSD, OpenBSD), NoteAbsolute,
//     NoteLeeway, NoteCritical, NoteBackground, NoteMachContinuousTime,
//     NoteMachtime (macOS).
//   - FilterExcept: NoteOOB (macOS, OpenBSD, DragonFly).
//   - FilterDevice: NoteChange (OpenBSD).
//   - FilterProcdesc: NotePdsigchld (FreeBSD after 15.0).
//   - FilterJail, FilterJaildesc: NoteJailChild, NoteJailSet, NoteJailAttach,
//     NoteJailRemove, NoteJailMulti, NoteJailCtrlmask (FreeBSD 15.0).
//   - FilterVM: NoteVMPressure, NoteVMPressureTerminate,
//     NoteVMPressureSuddenTerminate, NoteVMError (macOS).
//
// # Differences between kernels
//
// The package does not hide the differences between kernels. A program that
// keeps these rules does not meet most of them:
//
//   - Make descriptors non-blocking, use Data as a hint, and look at single
//     bits of Flags and Fflags.
//   - Call listen(2) before adding the listener. Stop accepting by a user
//     event.
//   - When writing to a child, watch for its exit too: a pipe may not report
//     that its reader is gone. See [FilterWrite].
//   - For a file, watch all notes that may describe a change, including
//     [NoteAttrib], which reports truncation. See [FilterVnode].
//   - Make timers with [TimerEvent]. Delete one before adding it again, and
//     ignore ENOENT.
//   - Add a user event first and trigger it by a second change.
//   - After SIGCHLD, wait for every child that has exited, not just
//     for as many as Data says. Treat ESRCH for a child as its exit, and add its event in an
//     Apply of its own.
//
// The comments of the filters, flags and notes explain the differences. In
// short:
//
//   - Sockets: FilterRead's Data includes addresses and control data on NetBSD,
//     OpenBSD and DragonFly. These do not report shutdown(2) of a listener. A
//     Unix stream that is full does not report the close of its peer on FreeBSD
//     15.0.
//   - Pipes: a full pipe does not report that its reader is gone on NetBSD and
//     OpenBSD. Adding FilterWrite after that fails with EPIPE on FreeBSD and
//     EBADF on NetBSD.
//   - FIFOs: macOS does not report the end. NetBSD forgets it after a read of 0
//     bytes.
//   - Terminals: NetBSD does not report the hang-up to the slave side. OpenBSD
//     and DragonFly do not report it to FilterWrite.
//   - Files: a rename, an unlink or a truncation may be reported under
//     different notes, and on DragonFly's tmpfs to the directory alone. On
//     NetBSD, adding a vnode event again does not add notes that it lacked.
//   - Processes: which may be watched differs. NetBSD, OpenBSD and DragonFly
//     report an exit even if NoteExit was not requested: look at Fflags. macOS
//     does not have NoteTrack. On OpenBSD and DragonFly, NoteChild and NoteExit
//     of a child may arrive in one event.
//   - Signals: DragonFly merges those that the program catches.
//   - Timers: NetBSD, OpenBSD and DragonFly count ticks. DragonFly does not
//     restart a timer that is added again. On macOS, any change restarts it.
//     The number is limited, except on macOS. A point in time becomes a period
//     when it is added.
//   - Options: on NetBSD, FlagDispatch does nothing together with FlagClear.
//
// [FreeBSD]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
// [NetBSD]: https://man.netbsd.org/kqueue.2
// [OpenBSD]: https://man.openbsd.org/kqueue.2
// [DragonFly]: https://leaf.dragonflybsd.org/cgi/web-man?command=kqueue&section=2
// [macOS]: https://developer.apple.com/library/archive/documentation/System/Conceptual/ManPages_iPhoneOS/man2/kqueue.2.html
package kqueue
