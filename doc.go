// Package kqueue provides access to kqueue(2) and kevent(2), the event
// notification interface of macOS, iOS, FreeBSD, NetBSD, OpenBSD and DragonFly
// BSD. The package is thin: an [Event] is the kernel's struct kevent with
// types, and a call is a system call. It starts no goroutines, keeps no list of
// descriptors and has no callbacks.
//
// A program uses it in five steps:
//
//	q, err := kqueue.New()                // 1. Make a kernel queue.
//	change := kqueue.ReadEvent(fd)        // 2. Say what to watch.
//	err = q.Apply(change)                 // 3. Tell the kernel.
//	events, err := q.Wait(kqueue.Forever) // 4. Wait.
//	for _, event := range events {        // 5. Handle the events.
//		switch event.Filter { ... }
//	}
//
// [NewEvent] is EV_SET itself. [Queue.Kevent] does steps 3 and 4 in one system
// call. A method that makes a change, such as [Event.Delete], only returns it:
// pass it to Apply.
//
// The kinds of events are called filters:
//
//   - [FilterRead]: there is something to read, or the end has come.
//   - [FilterWrite]: there is room to write.
//   - [FilterVnode]: something has happened to a file or directory: [NoteWrite],
//     [NoteExtend], [NoteAttrib], [NoteDelete], [NoteRename], [NoteLink], [NoteRevoke].
//   - [FilterProc]: a process did something: [NoteExit] with [NoteExitStatus],
//     [NoteFork], [NoteExec], [NoteTrack].
//   - [FilterSignal]: signals were sent to the process.
//   - [FilterTimer]: a period has passed.
//   - [FilterUser]: the program has triggered it, by [Event.Trigger].
//   - [FilterAIO], and those that only some systems have: see “Portability”.
//
// Names follow the manual page ([FreeBSD], [NetBSD], [OpenBSD], [DragonFly],
// [macOS]): EV_ADD is [FlagAdd], NOTE_CLOSE_WRITE is NoteCloseWrite.
//
// # Events
//
// An [Event] passed to the kernel is a change, one that it returns a triggered
// event. The fields mean:
//
//   - Ident identifies what is watched: a descriptor, a process ID, a signal, or
//     for timers and user events any number that the program chooses. A queue
//     has one event for each pair of Ident and Filter.
//   - Filter is the kind of event. Its comment explains the other fields.
//   - Flags of a change are actions ([FlagAdd], [FlagDelete], [FlagEnable],
//     [FlagDisable]) and options ([FlagClear], [FlagOneshot], [FlagDispatch]).
//     Flags of a triggered event are conditions ([FlagEOF], [FlagError]).
//   - Fflags of a change say what to watch for. Fflags of a triggered event say
//     what has happened.
//   - Data is a number whose meaning depends on the filter: bytes, connections,
//     a period, a count or a wait(2) status. With FlagError it is an errno.
//   - Udata is returned as it was passed in.
//
// An event is returned by every wait while its condition holds. With FlagClear,
// it is returned when something has happened since. Events are returned in the
// order in which they became pending, and one that stays triggered goes to the
// end: no event starves, however few fit into a wait.
//
// # Rules for a portable program
//
//   - Make descriptors non-blocking, and read or write until EAGAIN. An event
//     may be spurious. Data is a hint, and never the size of a buffer.
//   - Look at Filter before Ident: 1 is a descriptor, a timer and a user event.
//   - Test single bits of Flags and Fflags: there may be others.
//   - Call listen(2) before adding a listener. Stop accepting by a user event.
//     While accept(2) fails with EMFILE, disable the event: it stays triggered.
//   - Do not wait for room to write alone: that the reader is gone is not always
//     reported. See [FilterWrite].
//   - Watch a file before reading it, and its directory too. Watch for all notes
//     that may mean a change, and look again after a while. See [FilterVnode].
//   - Make timers with [TimerEvent]. To restart one, delete it first, and ignore
//     ENOENT.
//   - Add a user event once, and trigger it by later changes: adding it again
//     may lose a trigger. See [UserEvent].
//   - Take ESRCH for a child as its exit. Add its event in an Apply of its own.
//
// What each kernel answers, with the tests that ask it, stands in the [atlas].
//
// # Descriptors
//
// A queue may watch descriptors of package net and package os:
//
//	func descriptor(c syscall.Conn) (fd int, err error) {
//		raw, err := c.SyscallConn()
//		if err != nil {
//			return -1, err
//		}
//		err = raw.Control(func(u uintptr) { fd = int(u) })
//		return fd, err
//	}
//
// It serves for a net.Conn, a net.Listener and an os.File, which still owns the
// descriptor: keep a reference, because the garbage collector closes one that is
// unreachable. The program may call read(2), write(2) or accept(2) on it, which
// fail with EAGAIN when there is nothing to do. [os.File.Fd] would make it
// blocking, which is fine for regular files.
//
// Closing a descriptor removes its events from all queues. Delete an event
// before that or not at all: afterwards, the number may belong to another file.
//
// # Udata
//
// Udata holds an integer, such as an index into a slice of the program with a
// generation number: a descriptor is reused as soon as it is closed, while events
// of the old one may have been returned already. See the example of [Event].
//
// A Go pointer in Udata keeps nothing alive, because the garbage collector does
// not see it. Converting it back is outside the rules of package unsafe.
//
// A change to an event overwrites its Udata, on most systems. So pass it always.
//
// # Errors
//
// Errors wrap the kernel's errno: compare them with [errors.Is]. A system call
// that fails is an [*os.SyscallError], a refused change a [*ChangeError], of
// which [ChangeErrors] returns the list. After Close, errors wrap
// [os.ErrClosed]. Changes that a kernel accepts but gets wrong are refused by
// this package, with EINVAL: see ChangeError.
//
// # Timeouts
//
// A timeout of 0 or less polls. [Forever] never passes. When a timeout passes,
// the call returns no events and no error. time.Until(deadline) is a valid
// timeout, also after the deadline: but such a poll still returns pending events,
// so a loop that must end then has to check the time.
//
// A signal neither shortens nor lengthens a wait. No wait ends early, but a short
// one takes 20 ms where the kernel counts clock ticks (NetBSD, OpenBSD,
// DragonFly), and FreeBSD adds up to a tenth. A wait in a testing/synctest bubble
// ends when the kernel says so, and a signal starts its timeout anew.
//
// # Concurrency and Close
//
// All methods of a [Queue] may be called concurrently. A change happens before
// the wait that returns its event, in the sense of the Go memory model. If
// several goroutines wait on one queue, an event may be returned to more than
// one of them unless it has FlagClear, FlagOneshot or FlagDispatch.
//
// [Queue.Close] wakes all waiting goroutines, and releases the descriptor when
// they have left. To stop with a context, close the queue:
//
//	stop := context.AfterFunc(ctx, func() { q.Close() })
//	defer stop()
//
// To interrupt a wait and go on using the queue, trigger a user event. Each
// goroutine that waits occupies an operating system thread. One for each queue is
// enough: several get events no sooner. To share the work among several, use
// FlagDispatch. On NetBSD and OpenBSD, set GOMAXPROCS to 2 or more: with 1, each
// wait that blocks stops all other goroutines for 10 to 20 ms.
//
// # Signals and processes
//
// [FilterSignal] counts signals but does not catch them. Call [os/signal.Notify]
// to keep one from ending the program. Nobody has to receive from its channel.
// Except on macOS, the SIGURG that the runtime sends to its threads counts too.
//
// [FilterProc] reports the exit of a process but does not wait for it. A child
// remains a zombie until its parent waits, for example with [os/exec.Cmd.Wait].
// Watch only children that have not been waited for: a process ID is reused.
//
// # Sandboxes
//
// With pledge(2) on OpenBSD, "stdio" suffices, but FilterProc needs "proc":
// without it, the kernel kills the program. With Capsicum on FreeBSD, descriptors
// need CAP_EVENT, and that of the queue CAP_KQUEUE: see [Queue.Close].
//
// # Coming from syscall.Kevent or x/sys
//
//   - Loops around EINTR go away. EBADF as the sign to stop becomes
//     errors.Is(err, os.ErrClosed).
//   - Comparisons such as err == syscall.ENOENT still compile, but are never
//     true, and os.IsNotExist(q.Apply(c.Delete())) is false. Use errors.Is.
//   - An event with FlagError is a refused change of Kevent, not readiness.
//   - To hand an Event to code that takes a unix.Kevent_t or syscall.Kevent_t,
//     set Ident, Filter and Flags by its package's SetKevent, then the others.
//
// # Portability
//
// The identifiers below exist on every system but Plan 9. Without kqueue,
// everything compiles and New fails. It needs NetBSD 10.0 or OpenBSD 7.8. Constants
// that only some systems have are exported there alone: the atlas lists them, and
// GOOS=freebsd go doc -all shows those of FreeBSD.
//
// [atlas]: https://github.com/go-kqueue/kqueue/blob/main/kernels/README.md
// [FreeBSD]: https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2
// [NetBSD]: https://man.netbsd.org/kqueue.2
// [OpenBSD]: https://man.openbsd.org/kqueue.2
// [DragonFly]: https://leaf.dragonflybsd.org/cgi/web-man?command=kqueue&section=2
// [macOS]: https://developer.apple.com/library/archive/documentation/System/Conceptual/ManPages_iPhoneOS/man2/kqueue.2.html
package kqueue
