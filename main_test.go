package kqueue_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kqueue/kqueue"
)

// childVariable tells the test binary to be a child process of a test: see
// beChild.
const childVariable = "KQUEUE_TEST_CHILD"

// execSelf runs self in place of this process. It is set where a test needs it.
var execSelf func(self string)

// The first thread of the process calls the functions that mainThread receives.
var mainThread = make(chan func())

func init() {
	runtime.LockOSThread() // the main goroutine stays on that thread
}

func TestMain(m *testing.M) {
	if what, ok := os.LookupEnv(childVariable); ok {
		beChild(what)
		return
	}
	flag.Parse()
	q, err := kqueue.New()
	if errors.Is(err, errors.ErrUnsupported) {
		// The examples are compiled here to be documented, but need a kernel.
		flag.Set("test.skip", "^Example")
		fmt.Println("This system has no kqueue, so the examples are not run.")
	} else if err == nil {
		q.Close()
	}
	code := make(chan int)
	go func() { code <- m.Run() }()
	for {
		select {
		case do := <-mainThread:
			do()
		case c := <-code:
			os.Exit(c)
		}
	}
}

// beChild makes this process the child of a test. It waits until its standard
// input is closed and then does what it is told.
func beChild(what string) {
	buf := []byte("r")
	os.Stdout.Write(buf) // ready
	os.Stdin.Read(buf)
	verb, arg, _ := strings.Cut(what, " ")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "exit": // with status N
		os.Exit(n)
	case "fork": // a child that exits with 5, and exit with 3
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
	case "exec": // a program that exits with 4
		self, err := os.Executable()
		if err != nil {
			os.Exit(100)
		}
		os.Setenv(childVariable, "exit 4")
		execSelf(self)
		os.Exit(101)
	case "cloexec": // exit with 1 if a queue survives exec
		for range 30 { // the Go runtime uses the low numbers after exec
			if f, err := os.Open(os.DevNull); err == nil {
				defer f.Close()
			}
		}
		q, err := kqueue.New()
		if err != nil {
			os.Exit(100)
		}
		self, err := os.Executable()
		if err != nil {
			os.Exit(100)
		}
		os.Setenv(childVariable, fmt.Sprint("open ", q.Fd()))
		execSelf(self)
		os.Exit(101)
	case "open":
		if _, err := os.NewFile(uintptr(n), "").Stat(); err == nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "sleep":
		time.Sleep(time.Hour)
	case "storm": // of signals to the parent
		parent := os.Getppid()
		p, _ := os.FindProcess(parent)
		for os.Getppid() == parent {
			p.Signal(syscall.SIGTERM)
		}
	case "crash": // in the directory ARG
		os.Chdir(arg) // where the core goes
		panic("the test wants it")
	}
	os.Exit(103)
}
