package kernels_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// pledgeVariable makes TestPledge the process that is killed.
const pledgeVariable = "KQUEUE_TEST_PLEDGE"

// Everything but FilterProc needs the promise "stdio" alone. FilterProc without
// "proc" ends the program, even for the process itself.
func TestPledge(t *testing.T) {
	if os.Getenv(pledgeVariable) != "" {
		if err := unix.PledgePromises("stdio"); err != nil {
			t.Fatal(err)
		}
		q := kqtest.NewQueue(t)
		r, w := kqtest.NewPipe(t)
		kqtest.Apply(t, q, ReadEvent(r), WriteEvent(w), SignalEvent(syscall.SIGWINCH), UserEvent(1))
		kqtest.Apply(t, q, TimerEvent(1, time.Millisecond).With(FlagOneshot))
		waitPending(t, q)
		fmt.Println("pledged")
		fmt.Println("survived:", q.Apply(ProcEvent(os.Getpid(), NoteExit)))
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestPledge$")
	cmd.Env = append(os.Environ(), pledgeVariable+"=1")
	cmd.Dir = t.TempDir() // where the core goes
	output, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !strings.Contains(string(output), "pledged") || strings.Contains(string(output), "survived") {
		t.Errorf("got %v; output:\n%s", err, output)
	}
	if status.Signal() != syscall.SIGABRT {
		t.Errorf("got %v, want SIGABRT", err)
	}
	expect(t, "adding EVFILT_PROC", "SIGABRT")
}
