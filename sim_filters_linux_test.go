package kqueue

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are the filters of the simulated kernel. They have their limits:
//
//   - FilterRead and FilterWrite know pipes, sockets, terminals, regular files and
//     queues. With FlagClear, an event is triggered again if there is more to read
//     or write than there was when it was last looked at.
//   - FilterVnode knows regular files and directories.
//   - FilterProc knows NoteExit alone. The status is that of a child for which
//     nobody has waited yet; otherwise it is 0.
//   - FilterSignal catches the signal, and counts signals once that come at the
//     same time.
//   - FilterTimer ignores NOTE_ABSTIME.
//   - All other filters are EINVAL.
var simFilters = map[Filter]*filterOps{
	FilterRead:   {descriptor: true, attach: attachDescriptor, look: lookDescriptor},
	FilterWrite:  {descriptor: true, attach: attachDescriptor, look: lookDescriptor},
	FilterVnode:  {descriptor: true, attach: attachVnode, look: lookVnode, detach: closeKnote},
	FilterProc:   {attach: attachProc, look: lookProc, detach: closeKnote},
	FilterSignal: {attach: attachSignal, look: lookSignal, detach: detachSignal},
	FilterTimer:  {attach: attachTimer, touch: touchTimer, look: lookTimer, detach: detachUser},
	FilterUser:   {attach: attachUser, touch: touchUser, look: lookUser, detach: detachUser},
}

// filterOps are the functions of a filter, like struct filterops of
// sys/sys/event.h. Those that are nil do the usual, which is nothing for detach.
type filterOps struct {
	descriptor bool
	attach     func(q *simQueue, kn *knote) syscall.Errno  // starts kn, which is new
	touch      func(q *simQueue, kn *knote, change *Event) // applies a change to kn, which exists
	look       func(kn *knote) (ready bool)                // brings kn up to date
	detach     func(kn *knote)                             // ends kn
}

// A file is what a descriptor refers to.
type file struct {
	dev, ino uint64
	kind     uint32
}

// fileOf returns the zero file for a descriptor that is not open.
func fileOf(fd int) file {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return file{}
	}
	return file{uint64(st.Dev), st.Ino, st.Mode & unix.S_IFMT}
}

func attachDescriptor(q *simQueue, kn *knote) syscall.Errno {
	if inner := Sim.queues[int(kn.event.Ident)]; inner != nil && inner.file == kn.file {
		if inner == q || kn.event.Filter == FilterWrite {
			return unix.EINVAL
		}
		kn.queue = inner
	}
	return 0
}

// poll returns the conditions of fd that hold now.
func poll(fd int, conditions int16) int16 {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: conditions}}
	for {
		if _, err := unix.Poll(p[:], 0); err != unix.EINTR {
			return p[0].Revents
		}
	}
}

func lookDescriptor(kn *knote) bool {
	fd := int(kn.event.Ident)
	conditions := int16(unix.POLLIN | unix.POLLRDHUP)
	if kn.event.Filter == FilterWrite {
		conditions = unix.POLLOUT
	}
	revents := poll(fd, conditions) // a queue is a file, so not 0 for it
	if revents != 0 && fileOf(fd) != kn.file {
		revents = 0 // the descriptor was closed, and with it the event
	}
	kn.ready = revents != 0
	var data int64
	eof := false
	switch {
	case revents == 0:
	case kn.queue != nil:
		kn.queue.look()
		data = kn.queue.nPending
		kn.ready = data > 0
	case kn.file.kind == unix.S_IFREG && kn.event.Filter == FilterRead:
		var st unix.Stat_t
		unix.Fstat(fd, &st)
		offset, _ := unix.Seek(fd, 0, 1)
		data = st.Size - offset
		kn.ready = data != 0
	case kn.event.Filter == FilterRead:
		eof = revents&(unix.POLLHUP|unix.POLLRDHUP) != 0
		data = ioctl(fd, unix.TIOCINQ)
		if listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); listens != 0 {
			data = 1
			if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				data = int64(info.Unacked) // of a listener, the connections to accept
			}
		}
	case kn.file.kind == unix.S_IFIFO:
		eof = revents&unix.POLLERR != 0
		size, _ := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
		data = max(1, int64(size)-ioctl(fd, unix.TIOCINQ))
	case kn.file.kind == unix.S_IFSOCK:
		eof = revents&unix.POLLHUP != 0
		size, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
		data = max(1, int64(size)-ioctl(fd, unix.TIOCOUTQ))
	}
	if kn.fflags&NoteLowat != 0 && data < kn.data {
		kn.ready = eof
	}
	kn.isNew = data > kn.seen || eof && !kn.event.EOF()
	kn.seen = data
	kn.event.Data, kn.event.Fflags = data, 0
	kn.event.Flags &^= FlagEOF
	if eof {
		kn.event.Flags |= FlagEOF
		// Linux returns the error of a socket once, FreeBSD every time.
		if errno, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); errno != 0 {
			kn.err = Note(errno)
		}
		kn.event.Fflags = kn.err
	}
	return kn.ready
}

func ioctl(fd int, request uint) int64 {
	n, _ := unix.IoctlGetInt(fd, request)
	return int64(int32(n))
}

// attachVnode watches the file of a descriptor with inotify(7), and with fstat(2)
// for what inotify does not tell apart.
func attachVnode(q *simQueue, kn *knote) syscall.Errno {
	path := fmt.Sprint("/proc/self/fd/", kn.event.Ident)
	mask := uint32(unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_MOVE_SELF)
	switch kn.file.kind {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mask |= unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVE
	default:
		return unix.EINVAL
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return errnoOf(err)
	}
	if _, err := unix.InotifyAddWatch(fd, path, mask); err != nil {
		unix.Close(fd)
		return errnoOf(err)
	}
	unix.Fstat(int(kn.event.Ident), &kn.stat)
	kn.fd = fd
	return 0
}

func lookVnode(kn *knote) bool {
	var happened uint32
	var buf [4096]byte
	for {
		n, err := unix.Read(kn.fd, buf[:])
		if err != nil {
			break
		}
		for i := 0; i < n; {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&buf[i]))
			// A directory is told of what happens to its files too.
			if entries := uint32(unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVE); event.Len == 0 || event.Mask&entries != 0 {
				happened |= event.Mask
			}
			i += unix.SizeofInotifyEvent + int(event.Len)
		}
	}
	before := kn.stat
	if happened == 0 || fileOf(int(kn.event.Ident)) != kn.file || unix.Fstat(int(kn.event.Ident), &kn.stat) != nil {
		return kn.ready
	}
	var notes Note
	if happened&(unix.IN_MODIFY|unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE) != 0 {
		notes |= NoteWrite
	}
	if kn.stat.Size > before.Size && kn.file.kind == unix.S_IFREG {
		notes |= NoteExtend
	}
	if happened&unix.IN_MOVE_SELF != 0 {
		notes |= NoteRename
	}
	switch {
	case kn.stat.Nlink == 0 && before.Nlink != 0:
		notes |= NoteDelete
	case kn.stat.Nlink != before.Nlink:
		notes |= NoteLink
	case happened&unix.IN_ATTRIB != 0:
		notes |= NoteAttrib
	}
	kn.event.Fflags |= notes & kn.fflags
	kn.ready = kn.event.Fflags != 0
	return kn.ready
}

// attachProc watches a process with a pidfd.
func attachProc(q *simQueue, kn *knote) syscall.Errno {
	if kn.fflags != NoteExit {
		return unix.EINVAL
	}
	if kn.event.Ident == 0 || kn.event.Ident > math.MaxInt32 {
		return unix.ESRCH
	}
	kn.event.Flags |= FlagClear
	var err error
	kn.fd, err = unix.PidfdOpen(int(kn.event.Ident), 0)
	return errnoOf(err)
}

func lookProc(kn *knote) bool {
	if kn.ready || poll(kn.fd, unix.POLLIN) == 0 {
		return kn.ready
	}
	kn.ready = true
	kn.event.Flags |= FlagEOF | FlagOneshot
	kn.event.Fflags = NoteExit
	var info unix.Siginfo
	if unix.Waitid(unix.P_PIDFD, kn.fd, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != nil {
		return true
	}
	// The field that x/sys does not name: si_status.
	status := int64(*(*int32)(unsafe.Add(unsafe.Pointer(&info), 16+unsafe.Sizeof(uintptr(0)))))
	const exited, dumped = 1, 3 // CLD_EXITED, CLD_DUMPED
	switch info.Code {
	case exited:
		status <<= 8
	case dumped:
		status |= 0x80
	}
	kn.event.Data = status
	return true
}

// closeKnote closes the descriptor of kn.
func closeKnote(kn *knote) {
	unix.Close(kn.fd)
}

func errnoOf(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}

func attachSignal(q *simQueue, kn *knote) syscall.Errno {
	kn.event.Flags |= FlagClear
	kn.signals = make(chan os.Signal, 128)
	signal.Notify(kn.signals, syscall.Signal(kn.event.Ident))
	return 0
}

func lookSignal(kn *knote) bool {
	kn.event.Data += int64(len(kn.signals))
	for range len(kn.signals) {
		<-kn.signals
	}
	kn.ready = kn.event.Data > 0
	return kn.ready
}

func detachSignal(kn *knote) {
	signal.Stop(kn.signals)
}

func attachTimer(q *simQueue, kn *knote) syscall.Errno {
	kn.event.Flags |= FlagClear
	if !kn.startTimer() {
		return unix.EINVAL
	}
	return countUser()
}

// startTimer starts the timer kn anew and reports whether its period is valid.
func (kn *knote) startTimer() bool {
	const abstime = 0x10
	units := map[Note]int64{0x1: int64(time.Second), 0: int64(time.Millisecond), 0x2: int64(time.Millisecond), 0x4: int64(time.Microsecond), 0x8: 1}
	unit := units[kn.fflags&^abstime]
	if unit == 0 || kn.data < 0 {
		return false
	}
	const longest = math.MaxInt64 / 4
	kn.period = time.Duration(max(1, min(kn.data, longest/unit)*unit))
	kn.due = now() + kn.period
	return true
}

// touchTimer is filt_timertouch of sys/kern/kern_event.c.
func touchTimer(q *simQueue, kn *knote, change *Event) {
	if change.Flags&FlagAdd == 0 {
		return
	}
	q.dequeue(kn)
	kn.fflags, kn.data = change.Fflags, change.Data
	kn.ready, kn.event.Data = false, 0
	if !kn.startTimer() {
		kn.ready, kn.event.Data = true, int64(unix.EINVAL)
		kn.event.Flags |= FlagError
	}
}

func lookTimer(kn *knote) bool {
	passed := now() - kn.due
	switch {
	case passed < 0:
	case kn.event.Flags&FlagOneshot != 0:
		kn.ready, kn.event.Data, kn.due = true, 1, never
	default:
		n := passed/kn.period + 1
		kn.ready = true
		kn.event.Data += int64(n)
		kn.due += n * kn.period
	}
	return kn.ready
}

func attachUser(q *simQueue, kn *knote) syscall.Errno {
	if Sim.NoUserEvents.Load() {
		return unix.EINVAL
	}
	return countUser()
}

// touchUser is filt_usertouch of sys/kern/kern_event.c.
func touchUser(q *simQueue, kn *knote, change *Event) {
	kn.ready = (kn.ready || change.Fflags&NoteTrigger != 0) && change.Flags&FlagClear == 0
	kn.data = change.Data
	switch notes := change.Fflags & NoteFflagsmask; change.Fflags & NoteFfctrlmask {
	case NoteFfand:
		kn.fflags &= notes
	case NoteFfor:
		kn.fflags |= notes
	case NoteFfcopy:
		kn.fflags = notes
	}
}

func lookUser(kn *knote) bool {
	return kn.ready
}

// countUser counts a user event or timer.
func countUser() syscall.Errno {
	if Sim.userEvents >= Sim.MaxUserEvents.Load() {
		return unix.ENOMEM
	}
	Sim.userEvents++
	return 0
}

func detachUser(kn *knote) {
	Sim.userEvents--
}
