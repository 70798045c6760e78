//go:build unix

package kqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-kqueue/kqueue"
)

// In C: EV_SET(&change, fd, EVFILT_READ, EV_ADD|EV_CLEAR, 0, 0, udata).
func ExampleNewEvent() {
	change := kqueue.NewEvent(5, kqueue.FilterRead, kqueue.FlagAdd|kqueue.FlagClear, 0, 0, 0)
	fmt.Println(change)
	// Output: READ(5) ADD|CLEAR
}

// With adds options to a change, and WithUdata the number by which the program knows
// the event.
func ExampleEvent_With() {
	change := kqueue.ReadEvent(5).With(kqueue.FlagClear | kqueue.FlagDispatch).WithUdata(42)
	fmt.Println(change)
	// Output: READ(5) ADD|CLEAR|DISPATCH udata=0x2a
}

func ExampleFilter_NoteString() {
	notes := kqueue.NoteDelete | kqueue.NoteWrite
	fmt.Println(kqueue.FilterVnode.NoteString(notes))
	// Output: DELETE|WRITE
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

// The package's first example declares the function descriptor.
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
	fd, err := descriptor(r) // r.Fd would make it blocking
	if err != nil {
		log.Fatal(err)
	}

	if err := q.Apply(kqueue.ReadEvent(fd)); err != nil {
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

// The package's first example declares the function descriptor.
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
	fd, err := descriptor(w) // w.Fd would make it blocking
	if err != nil {
		log.Fatal(err)
	}

	// With FlagOneshot, the event is returned once and not all the time.
	if err := q.Apply(kqueue.WriteEvent(fd).With(kqueue.FlagOneshot)); err != nil {
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

// These notes report what may change the content that a program finds in a file.
// NoteAttrib is one of them because most systems report truncation as that, and
// NoteLink because some report it if the file loses a name but has others.
//
// After a rename or a deletion, there may be no new file yet, so a program that goes
// on with it has to watch the directory too. The package's example ConfigFile shows
// how to follow a file that is replaced, and FollowLog one that grows.
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

	notes := kqueue.NoteWrite | kqueue.NoteExtend | kqueue.NoteAttrib |
		kqueue.NoteRename | kqueue.NoteDelete | kqueue.NoteLink
	fd := int(file.Fd()) // as good as SyscallConn for a file, but not for a pipe
	if err := q.Apply(kqueue.VnodeEvent(fd, notes).With(kqueue.FlagClear)); err != nil {
		log.Fatal(err)
	}
	for _, change := range []func() error{
		func() error { _, err := file.WriteString("more"); return err },
		func() error { return os.Rename(file.Name(), file.Name()+"~") },
		func() error { return os.Remove(file.Name() + "~") },
	} {
		if err := change(); err != nil {
			log.Fatal(err)
		}
		events, err := q.Wait(kqueue.Forever)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range events {
			switch {
			case event.Fflags&kqueue.NoteDelete != 0:
				fmt.Println("deleted")
			case event.Fflags&kqueue.NoteRename != 0:
				fmt.Println("renamed")
			default:
				fmt.Println("changed")
			}
		}
	}
	// Output:
	// changed
	// renamed
	// deleted
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
			switch {
			case event.Filter != kqueue.FilterTimer:
				// Not in this queue. But a descriptor or a user event may be 1 too.
			case event.Ident == 1:
				ticks += event.Data // more than 1 if this loop was late
			case event.Ident == 2:
				shot = true
			}
		}
	}
	fmt.Println("ticks:", ticks >= 3, "shot:", shot)
	// Output: ticks: true shot: true
}

// A user event interrupts a wait from another goroutine. The queue remains usable.
func ExampleUserEvent() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	done := kqueue.UserEvent(1).With(kqueue.FlagClear).WithUdata(42)
	if err := q.Apply(done); err != nil {
		log.Fatal(err)
	}
	triggered := make(chan error)
	go func() { triggered <- q.Apply(done.Trigger()) }()
	events, err := q.Wait(kqueue.Forever)
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		if event.Filter == kqueue.FilterUser { // a descriptor or a timer may be 1 too
			fmt.Println("user event", event.Ident, "with", event.Udata)
		}
	}
	// The event may be returned before Apply is. Do not close the queue in between.
	if err := <-triggered; err != nil {
		log.Fatal(err)
	}
	// Output: user event 1 with 42
}

// A context ends a wait by closing the queue.
func ExampleQueue_Wait_context() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close() // without effect if the context has closed it

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { q.Close() })
	defer stop()

	events, err := q.Wait(kqueue.Forever)
	if errors.Is(err, os.ErrClosed) {
		fmt.Println(ctx.Err())
		return
	}
	fmt.Println(events, err)
	// Output: context deadline exceeded
}

// The time until a deadline is a timeout. If the deadline is over, the wait is a poll.
func ExampleQueue_Wait_deadline() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	deadline := time.Now().Add(10 * time.Millisecond)
	events, err := q.Wait(time.Until(deadline))
	fmt.Println(events, err, time.Now().Before(deadline))
	// Output: [] <nil> false
}

// A disabled event stays in the queue, but is not returned. A deleted one is gone.
// Each of these methods returns a change, which Apply passes to the kernel.
func ExampleEvent_Disable() {
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
	if _, err := w.WriteString("data"); err != nil {
		log.Fatal(err)
	}

	fd, err := descriptor(r) // as in the package's first example
	if err != nil {
		log.Fatal(err)
	}
	read := kqueue.ReadEvent(fd)
	for _, change := range []kqueue.Event{read, read.Disable(), read.Enable(), read.Delete()} {
		if err := q.Apply(change); err != nil {
			log.Fatal(err)
		}
		events, err := q.Wait(0)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(change.Flags, len(events))
	}
	// Output:
	// ADD 1
	// DISABLE 0
	// ENABLE 1
	// DELETE 0
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
		udata := uintptr(index)<<16 | uintptr(slots[index].generation)
		return kqueue.UserEvent(uintptr(index)).With(kqueue.FlagOneshot).WithUdata(udata)
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
// until that worker enables it again. So no two workers handle the same event at the
// same time. FilterRead and FilterWrite of one descriptor are two events: with both,
// two workers may have the descriptor.
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
	fd, err := descriptor(r) // as in the package's first example
	if err != nil {
		log.Fatal(err)
	}
	read := kqueue.ReadEvent(fd).With(kqueue.FlagDispatch)
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
					var buf [1]byte
					n, err := syscall.Read(fd, buf[:]) // r.Read would wait if the event is spurious
					if err != nil && err != syscall.EAGAIN {
						log.Fatal(err)
					}
					if err := q.Apply(read.Enable()); err != nil && !errors.Is(err, os.ErrClosed) {
						log.Fatal(err)
					}
					if n > 0 {
						bytes <- buf[0]
					}
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

// The error of Apply tells which change was refused, and why.
func ExampleChangeError() {
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()

	err = q.Apply(kqueue.TimerEvent(9, time.Hour).Delete())
	fmt.Println(err)
	fmt.Println(errors.Is(err, syscall.ENOENT))
	var refused *kqueue.ChangeError
	if errors.As(err, &refused) {
		fmt.Println("timer", refused.Event.Ident)
	}
	// Output:
	// kqueue: apply: TIMER(9) DELETE: not in the queue (no such file or directory)
	// true
	// timer 9
}

// Apply tries every change. ChangeErrors lists those that were refused.
func ExampleChangeErrors() {
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
	for _, refused := range kqueue.ChangeErrors(err) {
		fmt.Println("change", refused.Index, refused.Event.Filter, refused.Err)
	}
	// Output:
	// change 1 READ bad file descriptor
	// change 2 TIMER no such file or directory
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
