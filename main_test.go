package kqueue_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kqueue/kqueue"
)

// childVariable makes the test binary behave as a child process that a test
// watches: see beChild.
const childVariable = "KQUEUE_TEST_CHILD"

func TestMain(m *testing.M) {
	if what, ok := os.LookupEnv(childVariable); ok {
		beChild(what)
		return
	}
	flag.Parse()
	q, err := kqueue.New()
	if errors.Is(err, errors.ErrUnsupported) {
		// They compile here, so that they are documented, but need a kernel.
		flag.Set("test.skip", "^Example")
		fmt.Println("the examples are not run:", err)
	} else if err == nil {
		q.Close()
	}
	os.Exit(m.Run())
}

// beChild does what a test's child process is told to, once its standard input
// is closed: "exit N" or "fork" (run a child of its own, exiting with 3).
func beChild(what string) {
	buf := []byte("r")
	os.Stdout.Write(buf) // ready
	os.Stdin.Read(buf)
	verb, arg, _ := strings.Cut(what, " ")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "exit":
		os.Exit(n)
	case "fork":
		self, err := os.Executable()
		if err != nil {
			os.Exit(100)
		}
		os.Setenv(childVariable, "exit 5")
		p, err := os.StartProcess(self, []string{self}, &os.ProcAttr{})
		if err != nil {
			os.Exit(101)
		}
		if _, err := p.Wait(); err != nil {
			os.Exit(102)
		}
		os.Exit(3)
	case "exec":
		self, err := os.Executable()
		if err != nil {
			os.Exit(100)
		}
		os.Setenv(childVariable, "exit 4")
		execSelf(self)
		os.Exit(101)
	case "sleep":
		time.Sleep(time.Hour)
	}
	os.Exit(103)
}

// errnoText is how this system words an errno.
func errnoText(e syscall.Errno) string {
	return e.Error()
}
