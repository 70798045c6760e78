package kernels_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A process in a jail may watch those in the same one, and a process outside of all
// jails may watch any.
func TestProcAndJail(t *testing.T) {
	q := kqtest.NewQueue(t)
	if what := peerTask(); what != "" {
		parent, _ := strconv.Atoi(what)
		path, hostname := []byte("/\x00"), []byte("kqueue\x00")
		jail := struct { // sys/sys/jail.h
			version        uint32
			path, hostname *byte
			addresses      uint32
			_              uintptr
		}{1, &path[0], &hostname[0], 0, 0}
		_, _, number := syscall.Syscall(unix.SYS_JAIL, uintptr(unsafe.Pointer(&jail)), 0, 0)
		say(int(number))
		say(errno(q.Apply(ProcEvent(parent, NoteExit))))
		say(errno(q.Apply(ProcEvent(os.Getpid(), NoteExit))))
		hearTest()
		return
	}
	p := startPeer(t, fmt.Sprint(os.Getpid()), nil)
	if got := p.hear(t); got != "0" {
		t.Skip("only the superuser may make a jail, errno", got)
	}
	expect(t, "inside, adding a process outside", p.hear(t))
	expect(t, "inside, adding itself", p.hear(t))
	expect(t, "outside, adding a process inside", errno(q.Apply(ProcEvent(p.Process.Pid, exitWithStatus))))
	p.goOn(t)
	expect(t, "outside, a process inside exits", describe(kqtest.WaitOne(t, q)))
}
