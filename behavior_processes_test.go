//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kqueue_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"golang.org/x/sys/unix"
)

// Which processes the superuser may watch besides children.
func TestProcSpecial(t *testing.T) {
	q := newQueue(t)
	apply(t, q, ProcEvent(os.Getpid(), NoteExit))
	if os.Getuid() != 0 {
		t.Skip("the rest asks what the superuser may do")
	}
	for _, test := range []struct {
		pid  int
		want answers
	}{
		{1, answers{everywhere: "ok"}},
		{0, answers{"darwin": unasked, "dragonfly freebsd netbsd openbsd": "ok"}},
	} {
		expect(t, fmt.Sprint("process ", test.pid), errno(q.Apply(ProcEvent(test.pid, NoteExit))), test.want)
	}
	waitNone(t, q)
}

// watchVariable makes TestProcForeign a process that tells how the kernel answers
// to its watch of the process with that ID.
const watchVariable = "KQUEUE_TEST_WATCH"

// Who may watch the process of another user.
func TestProcForeign(t *testing.T) {
	q := newQueue(t)
	if pid, err := strconv.Atoi(os.Getenv(watchVariable)); err == nil {
		fmt.Printf("answer:%s\n", errno(q.Apply(ProcEvent(pid, exitWithStatus))))
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only the superuser can become another user")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestProcForeign$")
	cmd.Env = append(os.Environ(), fmt.Sprint(watchVariable, "=", os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	_, answer, _ := strings.Cut(string(output), "answer:")
	answer, _, _ = strings.Cut(answer, "\n")
	expect(t, "a process of the superuser", answer, answers{
		"darwin":                    unasked,
		"dragonfly freebsd openbsd": "ok", // FreeBSD: unless security.bsd.see_other_uids is 0
		"netbsd":                    "EACCES",
	})
}

// Signals that the program catches are counted one by one, but DragonFly merges
// them while one is pending.
func TestSignalsCaught(t *testing.T) {
	const total = 50
	caught := make(chan os.Signal, total)
	signal.Notify(caught, syscall.SIGUSR1)
	defer signal.Stop(caught)
	q := newQueue(t)
	apply(t, q, SignalEvent(syscall.SIGUSR1))
	for range total {
		if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	<-caught
	sum := waitOne(t, q).Data
	for sum < total && system() != "dragonfly" {
		sum += waitOne(t, q).Data
	}
	if sum < 1 || sum > total {
		t.Errorf("counted %d signals of %d", sum, total)
	}
	t.Logf("counted %d signals of %d", sum, total)
}
