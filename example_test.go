package kqueue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-kqueue/kqueue"
)

// A server watches its listener, adds each connection that it accepts, and reads
// from it until the peer closes it.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	go func() { // a client
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		io.WriteString(conn, "hello, kqueue")
		conn.Close()
	}()

	q, err := kqueue.New() // 1. Make a queue.
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	listening := kqueue.ReadEvent(descriptor(listener)) // 2. Say what to watch.
	if err := q.Apply(listening); err != nil {          // 3. Tell the kernel.
		log.Fatal(err)
	}
	var conn net.Conn
	for {
		events, err := q.Wait(kqueue.Forever) // 4. Wait.
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events { // 5. Handle the events.
			if event.Ident == listening.Ident {
				if conn, err = listener.Accept(); err != nil {
					log.Fatal(err)
				}
				defer conn.Close()
				if err := q.Apply(kqueue.ReadEvent(descriptor(conn))); err != nil {
					log.Fatal(err)
				}
				continue
			}
			data := make([]byte, event.Data)
			if _, err := io.ReadFull(conn, data); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s", data)
			if event.EOF() {
				fmt.Println(", end of file")
				return
			}
		}
	}
	// Output: hello, kqueue, end of file
}

// descriptor returns the descriptor of a connection or listener of package net,
// which still owns it. The File method would return a duplicate.
func descriptor(c any) (fd int) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	if err := raw.Control(func(u uintptr) { fd = int(u) }); err != nil {
		log.Fatal(err)
	}
	return fd
}

// In C: EV_SET(&change, fd, EVFILT_READ, EV_ADD|EV_CLEAR, 0, 0, udata).
func ExampleNewEvent() {
	change := kqueue.NewEvent(5, kqueue.FilterRead, kqueue.FlagAdd|kqueue.FlagClear, 0, 0, 0)
	fmt.Println(change)
	// Output: READ(5) ADD|CLEAR
}

// One call adds two events and waits for the first of them.
func ExampleQueue_Kevent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	changes := []kqueue.Event{
		kqueue.TimerEvent(1, time.Hour),
		kqueue.TimerEvent(2, time.Millisecond).With(kqueue.FlagOneshot),
	}
	events := make([]kqueue.Event, 8)
	n, err := q.Kevent(changes, events, kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events[:n] {
		if err := event.Err(); err != nil { // a change was refused
			log.Fatal(err)
		}
		fmt.Println("timer", event.Ident)
	}
	// Output: timer 2
}

func ExampleReadEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	if err := q.Apply(kqueue.ReadEvent(int(r.Fd()))); err != nil {
		log.Fatal(err)
	}
	if _, err := w.WriteString("data"); err != nil {
		log.Fatal(err)
	}
	w.Close()

	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Printf("%d bytes to read, EOF %v\n", event.Data, event.EOF())
	}
	// Output: 4 bytes to read, EOF true
}

func ExampleWriteEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	defer w.Close()

	// With FlagOneshot, the event is returned once and not all the time.
	if err := q.Apply(kqueue.WriteEvent(int(w.Fd())).With(kqueue.FlagOneshot)); err != nil {
		log.Fatal(err)
	}
	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Println("room to write:", event.Data > 0)
	}
	// Output: room to write: true
}

func ExampleVnodeEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	file, err := os.CreateTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()

	notes := kqueue.NoteWrite | kqueue.NoteDelete
	if err := q.Apply(kqueue.VnodeEvent(int(file.Fd()), notes).With(kqueue.FlagClear)); err != nil {
		log.Fatal(err)
	}
	for _, change := range []func() error{
		func() error { _, err := file.WriteString("more"); return err },
		func() error { return os.Remove(file.Name()) },
	} {
		if err := change(); err != nil {
			log.Fatal(err)
		}
		events, err := q.Wait(kqueue.Forever)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events {
			fmt.Println("written:", event.Fflags&kqueue.NoteWrite != 0, "deleted:", event.Fflags&kqueue.NoteDelete != 0)
		}
	}
	// Output:
	// written: true deleted: false
	// written: false deleted: true
}

// A child may exit before it is watched. The kernel then refuses the change with
// ESRCH or returns the event at once, depending on the system. The program still
// has to wait for the child.
func ExampleProcEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$") // a program that does nothing
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	err = q.Apply(kqueue.ProcEvent(cmd.Process.Pid, kqueue.NoteExit|kqueue.NoteExitStatus))
	switch {
	case errors.Is(err, syscall.ESRCH):
		// It has exited already.
	case err != nil:
		log.Fatal(err)
	default:
		events, err := q.Wait(kqueue.Forever)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events {
			if status, ok := event.WaitStatus(); ok && status.ExitStatus() != 0 {
				log.Fatal("it failed")
			}
		}
	}
	fmt.Println("exited:", cmd.Wait())
	// Output: exited: <nil>
}

// signal.Notify or signal.Ignore keeps the signal from ending the program. The
// queue counts it in either case.
func ExampleSignalEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM)
	defer signal.Stop(caught)
	if err := q.Apply(kqueue.SignalEvent(syscall.SIGTERM)); err != nil {
		log.Fatal(err)
	}

	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		log.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		log.Fatal(err)
	}
	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Println(syscall.Signal(event.Ident) == syscall.SIGTERM, event.Data)
	}
	<-caught
	// Output: true 1
}

func ExampleTimerEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	err = q.Apply(
		kqueue.TimerEvent(1, 10*time.Millisecond),                         // periodic
		kqueue.TimerEvent(2, 5*time.Millisecond).With(kqueue.FlagOneshot), // once
	)
	if err != nil {
		log.Fatal(err)
	}
	var ticks int64
	shot := false
	for ticks < 3 {
		events, err := q.Wait(kqueue.Forever)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events {
			switch event.Ident {
			case 1:
				ticks += event.Data // more than 1 if this loop was late
			case 2:
				shot = true
			}
		}
	}
	fmt.Println("ticks:", ticks >= 3, "shot:", shot)
	// Output: ticks: true shot: true
}

func ExampleUserEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	done := kqueue.UserEvent(1).With(kqueue.FlagClear)
	done.Udata = 42
	if err := q.Apply(done); err != nil {
		log.Fatal(err)
	}
	go func() {
		if err := q.Apply(done.Trigger()); err != nil {
			log.Fatal(err)
		}
	}()
	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Println("user event", event.Ident, "with", event.Udata)
	}
	// Output: user event 1 with 42
}

// A context interrupts a wait by triggering a user event.
func ExampleQueue_Wait_context() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	canceled := kqueue.UserEvent(1).With(kqueue.FlagClear)
	if err := q.Apply(canceled); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if err := q.Apply(canceled.Trigger()); err != nil {
			log.Print(err)
		}
	})
	defer stop()

	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		if event.Filter == kqueue.FilterUser && event.Ident == canceled.Ident {
			fmt.Println(ctx.Err())
		}
	}
	// Output: context deadline exceeded
}

// Udata holds an index into a slice and a generation. The generation identifies
// an event that was triggered for an earlier use of the same slice element.
func ExampleEvent_udata() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	type slot struct {
		generation uint16
		name       string
	}
	slots := make([]slot, 16)
	watch := func(index int, name string) kqueue.Event {
		slots[index] = slot{slots[index].generation + 1, name}
		event := kqueue.UserEvent(uintptr(index)).With(kqueue.FlagOneshot)
		event.Udata = uintptr(index)<<16 | uintptr(slots[index].generation)
		return event
	}

	old := watch(3, "old")
	if err := q.Apply(old, old.Trigger()); err != nil {
		log.Fatal(err)
	}
	events, err := q.Wait(kqueue.Forever) // returns the event of "old"
	if err != nil {
		log.Fatal(err)
	}
	fresh := watch(3, "new") // reuses its slot before it is handled
	if err := q.Apply(fresh, fresh.Trigger()); err != nil {
		log.Fatal(err)
	}
	more, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range append(events, more...) {
		index, generation := event.Udata>>16, uint16(event.Udata)
		if slots[index].generation != generation {
			fmt.Println("stale, dropped")
			continue
		}
		fmt.Println("for", slots[index].name)
	}
	// Output:
	// stale, dropped
	// for new
}

// With FlagDispatch, an event is returned to one of several workers and is disabled
// until that worker enables it again. So no two workers serve the same descriptor
// at the same time.
func ExampleQueue_WaitInto_workers() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	read := kqueue.ReadEvent(int(r.Fd())).With(kqueue.FlagDispatch)
	if err := q.Apply(read); err != nil {
		log.Fatal(err)
	}

	bytes := make(chan byte)
	var workers sync.WaitGroup
	for range 4 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			events := make([]kqueue.Event, 16)
			for {
				n, err := q.WaitInto(events, kqueue.Forever)
				if errors.Is(err, os.ErrClosed) {
					return
				}
				if err != nil {
					log.Fatal(err)
				}
				for range events[:n] {
					buf := make([]byte, 1)
					if _, err := r.Read(buf); err != nil {
						log.Fatal(err)
					}
					if err := q.Apply(read.Enable()); err != nil {
						log.Fatal(err)
					}
					bytes <- buf[0]
				}
			}
		}()
	}
	for _, b := range []byte("abc") {
		if _, err := w.Write([]byte{b}); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%c\n", <-bytes)
	}
	q.Close()
	workers.Wait()
	// Output:
	// a
	// b
	// c
}

// A queue is readable while it has pending events, so one queue can watch others,
// for example one with urgent events and one with the rest.
func ExampleQueue_Fd() {
	inner, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer inner.Close()
	outer, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer outer.Close()

	if err := outer.Apply(kqueue.ReadEvent(int(inner.Fd()))); err != nil {
		log.Fatal(err)
	}
	if err := inner.Apply(kqueue.TimerEvent(7, time.Millisecond).With(kqueue.FlagOneshot)); err != nil {
		log.Fatal(err)
	}
	if _, err := outer.Wait(kqueue.Forever); err != nil {
		log.Fatal(err)
	}
	events, err := inner.Wait(0)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Println("timer", event.Ident, "of the inner queue")
	}
	// Output: timer 7 of the inner queue
}

// Apply tries every change and reports which ones were refused.
func ExampleChangeError() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	err = q.Apply(
		kqueue.TimerEvent(1, time.Hour),
		kqueue.ReadEvent(-1),
		kqueue.TimerEvent(9, time.Hour).Delete(),
	)
	var first *kqueue.ChangeError
	if errors.As(err, &first) {
		fmt.Println("first refused: change", first.Index, first.Event.Filter)
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range all.Unwrap() {
			switch {
			case errors.Is(err, syscall.EBADF):
				fmt.Println("bad descriptor")
			case errors.Is(err, syscall.ENOENT):
				fmt.Println("no such event")
			}
		}
	}
	// Output:
	// first refused: change 1 READ
	// bad descriptor
	// no such event
}

// Close ends the wait of every goroutine and returns when all have left.
func ExampleQueue_Close() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	stopped := make(chan error)
	go func() {
		for {
			events, err := q.Wait(kqueue.Forever)
			if err != nil {
				stopped <- err
				return
			}
			fmt.Println(events)
		}
	}()
	if err := q.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(<-stopped, os.ErrClosed))
	// Output: true
}
