// Package kqueue wraps kqueue(2) and kevent(2), the event notification of macOS,
// iOS, FreeBSD, NetBSD, OpenBSD and DragonFly BSD. It is thin: an [Event] is the
// kernel's struct kevent, typed, and a call is a system call. There is no
// registry, no callback and no goroutine behind it.
//
// Using it takes five steps:
//
//  1. Make a queue in the kernel: [New].
//  2. Say what is of interest, as EV_SET does: [NewEvent], or [ReadEvent],
//     [WriteEvent], [VnodeEvent], [ProcEvent], [SignalEvent], [TimerEvent],
//     [UserEvent].
//  3. Hand that to the kernel: [Queue.Apply].
//  4. Wait for events to be triggered: [Queue.Wait], or [Queue.WaitInto] without
//     an allocation; [Queue.Kevent] does 3 and 4 in one system call.
//  5. Take the triggered events apart: their fields, and [Event.EOF],
//     [Event.Err], [Event.SocketErr], [Event.WaitStatus].
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
// Names are those of the manual pages: EVFILT_READ is [FilterRead], EV_ADD is
// [FlagAdd], NOTE_WRITE is [NoteWrite]: each word of the C name capitalised, the
// initialisms AIO, EOF, FS, LIO, OOB and VM in capitals.
//
// # Events
//
// An [Event] is a change on its way into the kernel and a triggered event on its
// way out:
//
//   - Ident is what is watched: a descriptor, a process id, a signal, or, for
//     timers and user events, a number of one's own. Ident and Filter together
//     are the key: a queue has one event for each pair, and adding it again
//     modifies it.
//   - Filter says what kind of thing Ident is. The comment of each Filter tells
//     what the other fields then mean.
//   - Flags going in say what to do (FlagAdd, FlagDelete, FlagEnable, FlagDisable)
//     and how the event behaves (FlagClear, FlagOneshot, FlagDispatch); coming
//     out, what is the case (FlagEOF, FlagError). Other bits may be set too.
//   - Fflags going in say what to watch or how, coming out what happened.
//   - Data is a number that depends on the filter: bytes, connections, a period,
//     a count, a wait(2) status, and with FlagError an errno.
//   - Udata goes through the kernel unchanged.
//
// Events are level-triggered: one is returned by every wait for as long as its
// condition holds. With FlagClear it is returned again only once something new
// happens. Closing a descriptor removes its events; descriptors that are dup(2)s
// of each other have events of their own.
//
// # Udata
//
// Udata is a uintptr and must hold a number, not a Go pointer: the garbage
// collector does not look into the kernel, so a pointer there keeps nothing
// alive. Put an index into a slice of one's own there. A descriptor's number is
// used again as soon as it is closed, while events for it may still stand in a
// slice that a wait returned; so combine the index with a generation that
// changes with each use, and drop what carries an old one (see the example of
// Event). A change to an event overwrites its Udata; only OpenBSD leaves it
// alone where the change has no FlagAdd (user events aside).
//
// # Errors
//
// A system call that fails gives an [*os.SyscallError], and a change that the
// kernel refuses a [*ChangeError]; both wrap the errno, so
// errors.Is(err, syscall.ENOENT) works. A closed Queue gives an error that wraps
// [os.ErrClosed], and a system without kqueue one that wraps
// [errors.ErrUnsupported]. In a triggered event, see [Event.Err] and
// [Event.SocketErr]. No call panics, whatever it is given.
//
// # Timeouts
//
// A negative timeout ([Forever]) waits for ever, 0 polls. A timeout that passes
// is no error: the call returns no events. Any length is right, also where the
// kernel takes no such long ones, and signals neither cut a wait short nor make
// it longer.
//
// # Concurrency and Close
//
// All methods of a [Queue] may be called at the same time. With several
// goroutines inside Wait, an event may reach more than one of them unless it has
// FlagClear, FlagOneshot or FlagDispatch. [Queue.Close] wakes them all, waits until
// they have left, and only then gives the descriptor back, so that no call ever
// uses the number of a descriptor that now belongs to something else.
//
// A kernel queue cannot be put into the Go runtime's own poller, so a goroutine
// inside Wait holds an operating system thread. One waiting goroutine per queue,
// or a few, is the way; a queue that watches other queues (see [Queue.Fd]) needs
// one thread for all of them. To end a wait from elsewhere, for instance from a
// context, trigger a user event.
//
// A descriptor that the net or os package uses may be watched here as well. Take
// its number with SyscallConn, so that it stays as it is; with File, it is a
// duplicate, and stays open until that is closed too.
//
// # Signals
//
// FilterSignal counts signals, it does not catch them: what a signal does to the
// program is still for os/signal. Have [os/signal.Notify] or [os/signal.Ignore]
// called for a signal that would end the program. The Go runtime uses SIGURG for
// itself.
//
// # Processes
//
// FilterProc tells of a process's exit, and takes nothing from wait(2): a child
// stays a zombie until its parent waits for it, so call [os/exec.Cmd.Wait] when
// the event has come. A child may exit before it is watched. FreeBSD and
// DragonFly then give its event at once, the others refuse the change with
// ESRCH: take that for the exit. Watch only children that were not waited for
// yet, as a process id may be used again afterwards.
//
// # Portability
//
// What all systems have is exported everywhere, also where there is no kqueue:
// there the package compiles, all that needs no kernel works, and New fails with
// an error that wraps [errors.ErrUnsupported]. (plan9 has no signals and is left
// out.) The filters, and where it is known the first release that has them:
//
//	                macOS      FreeBSD  NetBSD  OpenBSD  DragonFly
//	FilterRead      10.3       yes      yes     yes      yes
//	FilterWrite     10.3       yes      yes     yes      yes
//	FilterVnode     10.3       yes      yes     yes      yes
//	FilterProc      10.3       yes      yes     yes      yes
//	FilterSignal    10.3       yes      yes     yes      yes
//	FilterTimer     10.3       yes      yes     yes      yes
//	FilterUser      10.6       yes      10.0    7.8      4.0
//	FilterExcept    10.12      -        -       yes      2.8
//	FilterEmpty     -          yes      10.0    -        -
//	FilterFS        10.3       yes      yes     -        4.6
//	FilterProcdesc  -          yes      -       -        -
//	FilterDevice    -          -        -       yes      -
//	FilterJail      -          15.0     -       -        -
//	FilterJaildesc  -          15.0     -       -        -
//
// FilterAIO, FilterLIO, FilterSendfile, FilterMachport and FilterVM are numbers
// that no change from Go can use. [Queue.Apply] of more than one change
// needs FlagReceipt, which NetBSD has since 10.0.
// These constants are exported only where they are:
//
//	                               macOS  FreeBSD  NetBSD  OpenBSD  DragonFly
//	FilterDevice                   -      -        -       yes      -
//	FilterEmpty                    -      yes      yes     -        -
//	FilterExcept                   yes    -        -       yes      yes
//	FilterFS                       yes    yes      yes     -        yes
//	FilterJail                     -      yes      -       -        -
//	FilterJaildesc                 -      yes      -       -        -
//	FilterLIO                      -      yes      -       -        -
//	FilterMachport                 yes    -        -       -        -
//	FilterProcdesc                 -      yes      -       -        -
//	FilterSendfile                 -      yes      -       -        -
//	FilterVM                       yes    -        -       -        -
//	FlagDispatch2                  yes    -        -       -        -
//	FlagForceoneshot               -      yes      -       -        -
//	FlagHup                        -      -        -       -        yes
//	FlagKeepudata                  -      yes      -       -        -
//	FlagNodata                     -      -        -       -        yes
//	FlagOoband                     yes    -        -       -        -
//	FlagUdataSpecific              yes    -        -       -        -
//	FlagVanished                   yes    -        -       -        -
//	NoteAbsolute                   yes    -        -       -        -
//	NoteAbstime                    -      yes      yes     yes      -
//	NoteBackground                 yes    -        -       -        -
//	NoteChange                     -      -        -       yes      -
//	NoteClose                      -      yes      yes     -        -
//	NoteCloseWrite                 -      yes      yes     -        -
//	NoteCritical                   yes    -        -       -        -
//	NoteEOF                        -      -        -       yes      -
//	NoteExitCserror                yes    -        -       -        -
//	NoteExitDecryptfail            yes    -        -       -        -
//	NoteExitDetail                 yes    -        -       -        -
//	NoteExitDetailMask             yes    -        -       -        -
//	NoteExitMemory                 yes    -        -       -        -
//	NoteExitReparented             yes    -        -       -        -
//	NoteFilePoll                   -      yes      -       -        -
//	NoteFunlock                    yes    -        -       -        -
//	NoteJailAttach                 -      yes      -       -        -
//	NoteJailChild                  -      yes      -       -        -
//	NoteJailCtrlmask               -      yes      -       -        -
//	NoteJailMulti                  -      yes      -       -        -
//	NoteJailRemove                 -      yes      -       -        -
//	NoteJailSet                    -      yes      -       -        -
//	NoteLeaseDowngrade             yes    -        -       -        -
//	NoteLeaseRelease               yes    -        -       -        -
//	NoteLeeway                     yes    -        -       -        -
//	NoteMachContinuousTime         yes    -        -       -        -
//	NoteMachtime                   yes    -        -       -        -
//	NoteMseconds                   -      yes      yes     yes      -
//	NoteNone                       yes    -        -       -        -
//	NoteNseconds                   yes    yes      yes     yes      -
//	NoteOOB                        yes    -        -       yes      yes
//	NoteOpen                       -      yes      yes     -        -
//	NotePdsigchld                  -      yes      -       -        -
//	NoteRead                       -      yes      yes     -        -
//	NoteReap                       yes    -        -       -        -
//	NoteSeconds                    yes    yes      yes     yes      -
//	NoteSignal                     yes    -        -       -        -
//	NoteTruncate                   -      -        -       yes      -
//	NoteUseconds                   yes    yes      yes     yes      -
//	NoteVMError                    yes    -        -       -        -
//	NoteVMPressure                 yes    -        -       -        -
//	NoteVMPressureSuddenTerminate  yes    -        -       -        -
//	NoteVMPressureTerminate        yes    -        -       -        -
//
// # Differences between kernels
//
// Where kernels differ, this package does what is right on each; what it cannot
// hide is this:
//
//   - An event that is disabled stays so when it is added again: pass FlagEnable.
//   - FlagClear with FlagDispatch does not disable the event on NetBSD 10.
//   - A user event's trigger must be a change of its own after the one that adds
//     it: see [Event.Trigger].
//   - Timer units have other numbers everywhere: use [TimerEvent]. Adding a running
//     timer again restarts it, on DragonFly only after its period. On macOS any
//     change restarts it, FlagEnable too: delete and add it instead.
//   - FilterRead's Data counts control data too on NetBSD, OpenBSD and DragonFly:
//     it is a hint at how much to read for anything but a stream.
//   - Exits of processes that were not watched for NoteExit are still told on
//     NetBSD, OpenBSD and DragonFly: look at Fflags.
//   - NoteTrack does not exist on macOS, and a child's NoteChild and NoteExit may
//     come as one event on OpenBSD and DragonFly.
//   - What NoteWrite, NoteAttrib and their like tell of a truncated or removed
//     file differs by file system: watch for all that may come.
//   - A terminal that hangs up gives no event on NetBSD.
//   - A queue that watches itself, which FreeBSD refuses with EINVAL, would hang
//     NetBSD (seen on 10.99). This package refuses it there too, but cannot see
//     a ring of several queues: make none.
//   - OpenBSD allows a process 1,024 timers and user events in all.
package kqueue
