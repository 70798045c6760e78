package kqueue_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-kqueue/kqueue"
)

// lookInterval is how long an append may go unnoticed that the kernel does not
// report.
const lookInterval = time.Second

// followLog copies to out what a program appends to a log file, from the beginning
// of the file and through rotation. It returns when the queue is closed.
//
// There are two ways to rotate a log. One is to rename or remove the file, and to
// tell the program to open a new one, which it does a while later. The other,
// known as copytruncate, is to copy the file and then to truncate it.
//
// The events only say when to look: each look by itself finds all that is new. So
// followLog can look once in a while without an event too, as tail -F does. It has to:
// FreeBSD and NetBSD do not report the first append after another program has truncated
// the file, not even by FilterRead, and OpenBSD's tmpfs does not report the truncation.
func followLog(q *kqueue.Queue, name string, out io.Writer) error {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	// The directory reports a new file.
	err = q.Apply(kqueue.VnodeEvent(int(dir.Fd()), kqueue.NoteWrite|kqueue.NoteDelete).With(kqueue.FlagClear))
	if err != nil {
		return err
	}
	f := follower{queue: q, name: name, out: out}
	defer func() {
		for _, file := range f.files {
			file.Close()
		}
	}()
	for {
		if err := f.look(); err != nil {
			return err
		}
		if _, err := q.Wait(lookInterval); err != nil {
			return err
		}
	}
}

type follower struct {
	queue *kqueue.Queue
	name  string
	out   io.Writer
	files []*logFile // that the program may still write to, the oldest first
}

type logFile struct {
	*os.File
	offset int64 // of what has not been copied yet
}

// look copies what is new in all files.
func (f *follower) look() error {
	if err := f.open(); err != nil || len(f.files) == 0 {
		return err
	}
	// The program goes on with an old file until it has opened the new one. So as soon
	// as the new one has content, nothing more is written to the old one.
	current := 0
	for i, file := range f.files {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if info.Size() > 0 {
			current = i
		}
	}
	for _, file := range f.files[:current+1] {
		if err := file.copyTo(f.out); err != nil {
			return err
		}
	}
	for _, file := range f.files[:current] {
		file.Close() // which also removes its event
	}
	f.files = f.files[current:]
	return nil
}

// open opens and watches the file that has the name, if it is a new one.
func (f *follower) open() error {
	opened, err := os.Open(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // The directory will report the next one.
	}
	if err != nil {
		return err
	}
	if n := len(f.files); n > 0 && sameFile(f.files[n-1].File, opened) {
		return opened.Close()
	}
	f.files = append(f.files, &logFile{File: opened})
	// It is watched before it is read, so that no change is missed. NoteAttrib reports
	// truncation on most systems. The last three notes are for a name that is a
	// symbolic link to a file elsewhere, whose directory is not watched.
	notes := kqueue.NoteWrite | kqueue.NoteExtend | kqueue.NoteAttrib |
		kqueue.NoteRename | kqueue.NoteDelete | kqueue.NoteLink
	return f.queue.Apply(kqueue.VnodeEvent(int(opened.Fd()), notes).With(kqueue.FlagClear))
}

func sameFile(a, b *os.File) bool {
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// copyTo copies what is new in the file. A truncation that comes with so many appends
// that the file is longer than before cannot be recognized.
//
// It reads nothing if there is nothing new. On macOS, reading may be reported as
// NoteAttrib, because it changes a time of the file.
func (file *logFile) copyTo(out io.Writer) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < file.offset {
		file.offset = 0 // It was truncated.
	}
	n, err := io.Copy(out, io.NewSectionReader(file, file.offset, info.Size()-file.offset))
	file.offset += n
	return err
}

// A log is followed through both kinds of rotation, as tail -F does.
func Example_followLog() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "log")
	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(followLog(q, name, writer)) }()
	followed := bufio.NewScanner(reader)

	// This is the program that writes the log.
	var file *os.File
	open := func() {
		file.Close() // without effect at first
		file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			log.Fatal(err)
		}
	}
	write := func(line string) {
		if _, err := fmt.Fprintln(file, line); err != nil {
			log.Fatal(err)
		}
		if !followed.Scan() {
			log.Fatal("not followed: ", followed.Err())
		}
		fmt.Println(followed.Text())
	}
	open()
	defer func() { file.Close() }()
	write("first file")

	// One kind of rotation.
	if err := os.Rename(name, name+".1"); err != nil {
		log.Fatal(err)
	}
	write("still first file")
	open()
	write("second file, which will be truncated")

	// The other kind.
	content, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(name+".0", content, 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Truncate(name, 0); err != nil {
		log.Fatal(err)
	}
	write("first append after that") // not reported by FreeBSD and NetBSD
	write("second append")

	q.Close()
	fmt.Println("stopped:", !followed.Scan() && errors.Is(followed.Err(), os.ErrClosed))
	// Output:
	// first file
	// still first file
	// second file, which will be truncated
	// first append after that
	// second append
	// stopped: true
}
