// Package kqtest helps the tests of package kqueue and those of its directory
// kernels.
package kqtest

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-kqueue/kqueue"
)

const (
	MacOS = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

	// Simulated says that the tests of package kqueue run on a simulated kernel,
	// which behaves like FreeBSD's: see sim_linux_test.go.
	Simulated = runtime.GOOS == "linux"
)

// RaceEnabled says that the race detector is on.
var RaceEnabled bool

// ChildVariable tells the test binary to be a child process of a test: see
// StartChild.
const ChildVariable = "KQUEUE_TEST_CHILD"

// execSelf runs self in place of this process, where a test needs that.
var execSelf func(self string)

// MainThread takes functions for the first thread of the process to call.
var MainThread = make(chan func())

func init() {
	runtime.LockOSThread() // the main goroutine stays on that thread
}

// Main is what TestMain does in both places. It says on which kernel the tests run.
func Main(m interface{ Run() int }) {
	if what, ok := os.LookupEnv(ChildVariable); ok {
		beChild(what)
		return
	}
	flag.Parse()
	q, err := kqueue.New()
	hasQueues := err == nil
	if hasQueues {
		q.Close()
	} else if errors.Is(err, errors.ErrUnsupported) {
		flag.Set("test.skip", "^Example") // they are compiled here to be documented, but need a kernel
	}
	if flag.Lookup("test.list").Value.String() == "" {
		fmt.Println("kqueue tests:", where(hasQueues))
		if flag.Lookup("test.bench").Value.String() != "" && (Simulated || !hasQueues) {
			fmt.Println("kqueue benchmarks: none, because they need a real kernel; they are in ./kernels")
		}
	}
	code := make(chan int)
	go func() { code <- m.Run() }()
	for {
		select {
		case do := <-MainThread:
			do()
		case c := <-code:
			os.Exit(c)
		}
	}
}

// where says on which kernel the tests run, and how many tests are not compiled
// because they need a real one.
func where(hasQueues bool) string {
	dir, place := "kernels", "in ./kernels"
	if _, err := os.Stat(dir); err != nil {
		dir, place = ".", "here"
	}
	more := ""
	if n := elsewhere(dir); n > 0 {
		more = fmt.Sprintf("; %d more tests %s need a real one", n, place)
	}
	switch {
	case !hasQueues:
		return "this system has no kqueue" + more
	case Simulated:
		kernel := "FreeBSD"
		switch os.Getenv("KQUEUE_SIM") {
		case "dragonfly":
			kernel = "DragonFly"
		case "darwin":
			kernel = "macOS"
		}
		return "on a simulated kernel like that of " + kernel + more
	default:
		return fmt.Sprintf("on %s (%s/%s)", Release(), runtime.GOOS, runtime.GOARCH)
	}
}

// elsewhere counts the tests in dir that this system does not compile.
func elsewhere(dir string) (count int) {
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, file := range files {
		if here, err := build.Default.MatchFile(filepath.Split(file)); here || err != nil {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, decl := range f.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				count++
			}
		}
	}
	return count
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
		os.Setenv(ChildVariable, "exit 5")
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
		os.Setenv(ChildVariable, "exit 4")
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
		os.Setenv(ChildVariable, fmt.Sprint("open ", q.Fd()))
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
