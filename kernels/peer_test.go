//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// peerVariable tells a test that it runs in another process, and what to do there.
const peerVariable = "KQUEUE_TEST_PEER"

// A peer is another process that runs the same test. The two take turns.
type peer struct {
	*exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

// startPeer runs the test again in another process, where peerTask returns what. The
// files are its descriptors from 3 on.
func startPeer(t *testing.T, what string, attr *syscall.SysProcAttr, files ...*os.File) *peer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), peerVariable+"="+what)
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return &peer{cmd, in, bufio.NewReader(out)}
}

// ask lets the peer go on and returns what it says.
func (p *peer) ask(t *testing.T) string {
	t.Helper()
	p.goOn(t)
	return p.hear(t)
}

// goOn ends the peer's next call of hearTest.
func (p *peer) goOn(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// hear returns what the peer says next.
func (p *peer) hear(t *testing.T) string {
	t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		if _, answer, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "answer:"); ok {
			return answer
		}
		if err != nil {
			t.Fatalf("the other process says nothing: %v", err)
		}
	}
}

// peerTask returns what a peer is to do. In the process of the test, it is empty.
func peerTask() string { return os.Getenv(peerVariable) }

// say tells the test something.
func say(words ...any) { fmt.Println("answer:" + fmt.Sprint(words...)) }

// hearTest waits until the test lets the peer go on.
func hearTest() { os.Stdin.Read(make([]byte, 1)) }
