// Package kqueue provides access to kqueue(2) and kevent(2), the event
// notification interface of macOS, iOS, FreeBSD, NetBSD, OpenBSD and DragonFly
// BSD. The package is thin: an [Event] is the kernel's struct kevent with types,
// and a call is a system call. It starts no goroutines, keeps no list of
// descriptors and has no callbacks.
//
// A program uses it in five steps:
//
//  1. Make a kernel queue with [New].
//  2. Describe what to watch with [NewEvent], which is EV_SET, or with
//     [ReadEvent], [WriteEvent], [VnodeEvent], [ProcEvent], [SignalEvent],
//     [TimerEvent] or [UserEvent].
//  3. Pass these changes to the kernel with [Queue.Apply].
//  4. Wait for events with [Queue.Wait], or with [Queue.WaitInto], which does not
//     allocate. [Queue.Kevent] does steps 3 and 4 in one system call.
//  5. Handle the events: look at their fields, and use [Event.EOF], [Event.Err],
//     [Event.SocketErr] and [Event.WaitStatus].
//
// In short:
//
//	q, err := kqueue.New()
//	if err != nil {
//		return err
//	}
//	defer q.Close()
//	if err := q.Apply(kqueue.ReadEvent(fd)); err != nil {
//		return err
//	}
//	events, err := q.Wait(5 * time.Second)
//
// Names follow the manual page. EVFILT_READ is [FilterRead], EV_ADD is [FlagAdd]
// and NOTE_WRITE is [NoteWrite]: each word of the C name is capitalized, and the
// initialisms AIO, EOF, FS, LIO, OOB and VM are in capitals.
//
// # Events
//
// An [Event] passed to the kernel is a change. An Event returned by the kernel is
// a triggered event. The fields mean:
//
//   - Ident identifies what is watched: a descriptor, a process ID or a signal
//     number. For timers and user events it is any number that the program
//     chooses. A queue has one event for each pair of Ident and Filter.
//   - Filter is the kind of event. The comment of each Filter explains the other
//     fields for that filter.
//   - Flags of a change are actions (FlagAdd, FlagDelete, FlagEnable, FlagDisable)
//     and options (FlagClear, FlagOneshot, FlagDispatch). Flags of a triggered
//     event are conditions (FlagEOF, FlagError).
//   - Fflags of a change are what to watch for. Fflags of a triggered event are
//     what happened.
//   - Data is a number whose meaning depends on the filter: bytes, connections, a
//     period, a count or a wait(2) status. With FlagError it is an errno.
//   - Udata is returned as it was passed in.
//
// Flags and Fflags of a triggered event may contain more bits than the program
// asked for, so test for single bits: event.Fflags&NoteWrite != 0.
//
// An event is returned by every wait while its condition holds. With FlagClear,
// it is returned again only after something new has happened.
//
// Adding an event that is in the queue replaces its Fflags, Data and Udata; the
// Fflags of a user event change as NoteFfcopy and related notes say. It does not
// change whether the event has FlagClear, FlagOneshot or FlagDispatch, and it
// does not enable a disabled event. To change these options, delete the event
// first; to enable it, pass FlagEnable as well.
//
// Closing a descriptor removes its events from all queues. Descriptors that
// dup(2) made of one another have separate events.
//
// # Udata
//
// Udata holds an integer. The recommended value is an index into a slice of the
// program, combined with a generation number. The kernel reuses the number of a
// descriptor as soon as it is closed, while a slice that a wait has returned may
// still hold an event of the old descriptor. If each use of a slice element has
// its own generation, an event with an old generation can be recognized and
// dropped. See the example of [Event].
//
// A Go pointer in Udata is possible only if the program keeps the object alive by
// other means. The garbage collector does not see Udata, in the kernel or in an
// Event, so the object is freed and its memory reused when no other reference is
// left. Today the collector does not move objects on the heap, but Go does not
// promise that, and objects on a stack do move. Converting Udata back to a
// pointer is also outside the rules of package unsafe, and go vet reports it.
//
// A change to an event overwrites its Udata. There are two exceptions: OpenBSD
// leaves it alone if the change has no FlagAdd (except for user events), and
// DragonFly never changes the Udata of a user event after it was added.
//
// # Errors
//
// Errors wrap the kernel's errno, so errors.Is(err, syscall.ENOENT) works. A
// failed system call is reported as an [*os.SyscallError], a refused change as a
// [*ChangeError]. After Close, errors wrap [os.ErrClosed]. On a system without
// kqueue, [New] returns an error that wraps [errors.ErrUnsupported]. Errors that
// belong to a triggered event are available from [Event.Err] and
// [Event.SocketErr].
//
// Some changes are refused with EINVAL by this package, because the kernel would
// accept them and get them wrong:
//
//   - FreeBSD: Filter 0, and a timer with a negative Data or invalid Fflags.
//   - NetBSD: a queue that watches itself, a timer with a negative Data, and a
//     timer with Data 0 and without NoteAbstime.
//   - OpenBSD, DragonFly: a timer with a negative Data.
//
// # Timeouts
//
// A negative timeout ([Forever]) waits for ever. A timeout of 0 polls. When a
// timeout passes, the call returns no events and no error. Timeouts that are too
// long for the kernel are split, and a signal neither shortens nor lengthens a
// wait. In a bubble of testing/synctest, whose clock stands still during a system
// call, a wait ends when the kernel says so, and a signal starts its timeout anew.
//
// # Concurrency and Close
//
// All methods of a [Queue] may be called concurrently. If several goroutines wait
// on one queue, the same event may be returned to more than one of them unless it
// has FlagClear, FlagOneshot or FlagDispatch.
//
// [Queue.Close] wakes all waiting goroutines and returns after they have left. It
// releases the descriptor only then, so no call can use a descriptor that by now
// belongs to something else.
//
// A kernel queue cannot be added to the poller of the Go runtime, so each
// goroutine that waits occupies an operating system thread. Use one or a few
// waiting goroutines for each queue. A queue can also watch other queues: see
// [Queue.Fd]. To interrupt a wait, for example when a context is canceled,
// trigger a user event.
//
// A queue may watch descriptors that belong to package net or os. Get the number
// with SyscallConn: the File method of package net would return a duplicate,
// which has separate events and must be closed separately.
//
// # Signals
//
// FilterSignal counts signals but does not catch them. Use [os/signal.Notify] or
// [os/signal.Ignore] to keep a signal from ending the program. The Go runtime
// uses SIGURG for its own purposes.
//
// # Processes
//
// FilterProc reports the exit of a process but does not wait for it. A child
// remains a zombie until its parent calls wait(2), for example with
// [os/exec.Cmd.Wait]. A child may exit before it is watched. FreeBSD and DragonFly
// then trigger the event at once. The other systems refuse the change with ESRCH,
// which a program should treat as the exit. Watch only children that have not
// been waited for, because a process ID may be reused afterwards.
//
// # Portability
//
// The identifiers below exist on every system, including those without kqueue,
// where everything compiles and New fails. (The exception is Plan 9, which has no
// numbered signals.) FilterUser needs NetBSD 10.0 or OpenBSD 7.8. FlagReceipt,
// which Apply needs for more than one change, and FlagDispatch need NetBSD 10.0.
//
// The following constants exist only on the systems named:
//
//   - FreeBSD, NetBSD, macOS, DragonFly: FilterFS.
//   - macOS, OpenBSD, DragonFly: FilterExcept, NoteOOB.
//   - FreeBSD, NetBSD: FilterEmpty, NoteClose, NoteCloseWrite, NoteOpen, NoteRead.
//   - FreeBSD, NetBSD, OpenBSD: NoteAbstime, NoteMseconds.
//   - FreeBSD, NetBSD, OpenBSD, macOS: NoteNseconds, NoteSeconds, NoteUseconds.
//   - FreeBSD: FilterJail and FilterJaildesc (15.0), FilterLIO, FilterProcdesc,
//     FilterSendfile, FlagForceoneshot, FlagKeepudata, NoteFilePoll,
//     NoteJailAttach, NoteJailChild, NoteJailCtrlmask, NoteJailMulti,
//     NoteJailRemove, NoteJailSet, NotePdsigchld.
//   - OpenBSD: FilterDevice, NoteChange, NoteEOF, NoteTruncate.
//   - DragonFly: FlagHup, FlagNodata.
//   - macOS: FilterMachport, FilterVM, FlagDispatch2, FlagOoband,
//     FlagUdataSpecific, FlagVanished, NoteAbsolute, NoteBackground, NoteCritical,
//     NoteExitCserror, NoteExitDecryptfail, NoteExitDetail, NoteExitDetailMask,
//     NoteExitMemory, NoteExitReparented, NoteFunlock, NoteLeaseDowngrade,
//     NoteLeaseRelease, NoteLeeway, NoteMachContinuousTime, NoteMachtime,
//     NoteNone, NoteReap, NoteSignal, NoteVMError, NoteVMPressure,
//     NoteVMPressureSuddenTerminate, NoteVMPressureTerminate.
//
// # Differences between kernels
//
// A portable program has to know these differences, which the package does not
// hide:
//
//   - FreeBSD and NetBSD ignore NoteTrigger in the change that adds a user event.
//     Trigger it with a second change: see [Event.Trigger].
//   - Timer units have different numbers on each system: use [TimerEvent]. NetBSD,
//     OpenBSD and DragonFly count clock ticks. A machine that loses clock
//     interrupts, such as a busy virtual machine, makes their timers early.
//   - Adding a running timer again restarts it, but DragonFly finishes the running
//     period first. On macOS, every change to a timer restarts it, including
//     FlagEnable.
//   - On NetBSD, adding a vnode event again does not add notes that it lacked at
//     first. Delete it and add it again.
//   - On NetBSD 10, FlagClear together with FlagDispatch does not disable the
//     event.
//   - FilterRead's Data includes control data or addresses on NetBSD, OpenBSD and
//     DragonFly. Except for streams, use it only as a hint.
//   - macOS does not report the end of a FIFO. NetBSD does not report the hang-up
//     of a terminal.
//   - NetBSD, OpenBSD and DragonFly report a process's exit even if NoteExit was
//     not requested. Look at Fflags.
//   - macOS does not have NoteTrack. On OpenBSD and DragonFly, NoteChild and
//     NoteExit of a child may arrive in one event.
//   - File systems differ in what they report. Watch for every note that may
//     describe a change: a file that is removed or replaced may report NoteDelete,
//     NoteLink, NoteRename or, on DragonFly's tmpfs, nothing but NoteWrite on the
//     directory.
//   - Queues must not watch each other in a ring. macOS refuses that with EINVAL,
//     as it refuses a queue that watches itself. NetBSD hangs as a whole (seen on
//     10.99), and does so too if a queue watches a dup(2) of itself. Queues must
//     not be nested deeply either: macOS refuses the eleventh queue of a chain with
//     EINVAL, and DragonFly panics at the seventeenth (seen on 6.3).
//   - OpenBSD allows a process 1,024 timers and user events in total. FreeBSD,
//     NetBSD and DragonFly limit timers for the whole system. Beyond the limit,
//     adding one fails with ENOMEM.
package kqueue
