package kqueue_test

import (
	"bytes"
	"context"
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

// settle is how long nothing has to happen before the file is read: a program may
// truncate it first and then write it in parts.
const settle = 50 * time.Millisecond

// watchConfig calls update with the content of a file, and again each time that it
// has changed. It returns when the queue is closed.
//
// A descriptor stays with its file, but most editors replace the file: the name
// first belongs to the old one, then perhaps to none, and then to the new one. So
// watchConfig opens the file again after each change, and watches its directory for
// the time in which there is none.
func watchConfig(q *kqueue.Queue, name string, update func(content []byte)) error {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	err = q.Apply(kqueue.VnodeEvent(int(dir.Fd()), kqueue.NoteWrite|kqueue.NoteDelete).With(kqueue.FlagClear))
	if err != nil {
		return err
	}

	var file *os.File
	defer func() { file.Close() }()
	var last []byte
	timeout := time.Duration(0) // Read the file at once.
	for {
		events, err := q.Wait(timeout)
		if err != nil {
			return err
		}
		for _, event := range events {
			// On macOS, reading the file may be reported too, as a change of its times.
			if event.Fflags == kqueue.NoteAttrib && hasSize(file, len(last)) {
				continue
			}
			timeout = settle // Whatever it was, more may follow.
		}
		if len(events) > 0 {
			continue
		}
		timeout = kqueue.Forever

		current, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // The directory will report the new file.
		}
		if err != nil {
			return err
		}
		file.Close() // which also removes the event of the old file
		file = current
		// Watch the file before reading it, so that no change is missed. Truncation
		// is NoteAttrib on most systems. The last three notes are for a name that is a
		// symbolic link to a file elsewhere, whose directory is not watched.
		notes := kqueue.NoteWrite | kqueue.NoteExtend | kqueue.NoteAttrib |
			kqueue.NoteRename | kqueue.NoteDelete | kqueue.NoteLink
		err = q.Apply(kqueue.VnodeEvent(int(file.Fd()), notes).With(kqueue.FlagClear))
		if err != nil {
			return err
		}
		content, err := io.ReadAll(file)
		if err != nil {
			return err
		}
		// Other files in the directory, or the mode of this one, may have changed.
		if last == nil || !bytes.Equal(content, last) {
			last = content
			update(content)
		}
	}
}

func hasSize(file *os.File, size int) bool {
	info, err := file.Stat()
	return err == nil && info.Size() == int64(size)
}

// A configuration file is read again when its content has changed, also if an
// editor has replaced the file. A context stops that.
func Example_configFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "config")
	if err := os.WriteFile(name, []byte("color = red\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	q, err := kqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() { q.Close() }) // ends the wait
	defer stop()
	updates := make(chan string)
	stopped := make(chan error)
	go func() {
		stopped <- watchConfig(q, name, func(content []byte) { updates <- string(content) })
	}()
	fmt.Print(<-updates)

	write := func(name, content string) {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			log.Fatal(err)
		}
	}
	for _, save := range []struct {
		content string
		as      func(content string)
	}{
		{"color = green\n", func(content string) { // truncate and write
			write(name, content)
		}},
		{"color = blue\n", func(content string) { // as sed -i does
			write(name+".new", content)
			rename(name+".new", name)
		}},
		{"color = white\n", func(content string) { // as vim does
			rename(name, name+"~")
			write(name, content)
		}},
		{"color = black\n", func(content string) { // the new file is watched too
			write(name, content)
		}},
	} {
		save.as(save.content)
		// If this program was slow, there may be an update for the empty file.
		for update := range updates {
			if update == save.content {
				fmt.Print(update)
				break
			}
		}
	}

	cancel()
	fmt.Println("stopped:", errors.Is(<-stopped, os.ErrClosed))
	// Output:
	// color = red
	// color = green
	// color = blue
	// color = white
	// color = black
	// stopped: true
}
