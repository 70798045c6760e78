//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

const allNotes = NoteDelete | NoteWrite | NoteExtend | NoteAttrib | NoteLink | NoteRename | NoteRevoke

// newFile makes a file in dir and opens it for reading.
func newFile(t *testing.T, dir, content string) *os.File {
	t.Helper()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return kqtest.Open(t, path)
}

// Behind the end of a file, Data is negative. lseek(2) does not trigger the event,
// except on macOS.
func TestReadFileOffset(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		q := kqtest.NewQueue(t)
		f := newFile(t, dir, "0123456789")
		e := ReadEvent(int(f.Fd()))
		seek := func(offset int64) {
			t.Helper()
			if _, err := f.Seek(offset, 0); err != nil {
				t.Fatal(err)
			}
		}
		seek(15)
		kqtest.Apply(t, q, e)
		expect(t, "5 bytes behind the end", poll(t, q))
		seek(10)
		expect(t, "lseek(2) to the end", poll(t, q))
		seek(4)
		expect(t, "lseek(2) to 6 bytes before the end", poll(t, q))
		kqtest.Apply(t, q, e)
		expect(t, "EV_ADD again", poll(t, q))
	})
}

// NoteFilePoll triggers FilterRead at the end of a file too.
func TestNoteFilePoll(t *testing.T) {
	note := noteNamed(t, "FILE_POLL")
	eachFileSystem(t, func(t *testing.T, dir string) {
		q := kqtest.NewQueue(t)
		f := newFile(t, dir, "0123456789")
		if _, err := f.Seek(10, 0); err != nil {
			t.Fatal(err)
		}
		kqtest.Apply(t, q, ReadEvent(int(f.Fd())))
		expect(t, "without it", poll(t, q))
		kqtest.Apply(t, q, NewEvent(f.Fd(), FilterRead, FlagAdd, note, 0, 0))
		for range 2 {
			expect(t, "with it", poll(t, q))
		}
	})
}

// NoteEOF triggers FilterRead at the end of a file. Without FlagClear, the event
// has it from then on.
func TestNoteEOF(t *testing.T) {
	note := noteNamed(t, "EOF")
	eachFileSystem(t, func(t *testing.T, dir string) {
		q := kqtest.NewQueue(t)
		f := newFile(t, dir, "0123456789")
		kqtest.Apply(t, q, NewEvent(f.Fd(), FilterRead, FlagAdd, note, 0, 0))
		expect(t, "10 bytes before the end", poll(t, q))
		if _, err := f.Seek(10, 0); err != nil {
			t.Fatal(err)
		}
		expect(t, "at the end", poll(t, q))
		if err := kqtest.WriteAt(f.Name(), 10, "abc"); err != nil {
			t.Fatal(err)
		}
		expect(t, "the file has grown", poll(t, q))
	})
}

// FilterRead on a directory.
func TestReadDirectory(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		q := kqtest.NewQueue(t)
		newFile(t, dir, "") // NetBSD's tmpfs counts entries
		d := kqtest.Open(t, dir)
		expect(t, "adding it", errno(q.Apply(ReadEvent(int(d.Fd())))))
		expect(t, "waiting for it", returned(t, q))
	})
}

// Adding a watch again with other notes, without FlagClear, keeps what has
// happened before.
func TestVnodeAddAgainKeepsNotes(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		q := kqtest.NewQueue(t)
		f := newFile(t, dir, "0123456789")
		kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteWrite|NoteDelete))
		if err := kqtest.WriteAt(f.Name(), 0, "x"); err != nil {
			t.Fatal(err)
		}
		expect(t, "write(2), NOTE_WRITE and NOTE_DELETE are watched", poll(t, q))
		kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete))
		expect(t, "EV_ADD again with NOTE_DELETE alone", poll(t, q))

		q = kqtest.NewQueue(t)
		kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete))
		kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteWrite))
		if err := kqtest.WriteAt(f.Name(), 0, "x"); err != nil {
			t.Fatal(err)
		}
		expect(t, "EV_ADD again with NOTE_WRITE as well, write(2)", poll(t, q))
	})
}

// A step is something that happens to a file.
type step struct {
	name string
	do   func() error
}

// watchSteps watches path, takes the steps and checks what each of them reports. The
// answer to one that the system refuses is its errno.
func watchSteps(t *testing.T, path string, notes Note, steps []step) {
	t.Helper()
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, VnodeEvent(int(kqtest.Open(t, path).Fd()), notes).With(FlagClear))
	kqtest.WaitNone(t, q)
	for _, step := range steps {
		if err := step.do(); err != nil {
			expect(t, step.name, errno(err))
			continue
		}
		expect(t, step.name, poll(t, q))
	}
}

// A program that watches a file for writes alone does not see that it was cut.
func TestVnodeTruncate(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		watchSteps(t, path, allNotes, []step{
			{"truncate(2) to less", func() error { return os.Truncate(path, 5) }},
			{"truncate(2) to more", func() error { return os.Truncate(path, 8) }},
			{"truncate(2) to 0", func() error { return os.Truncate(path, 0) }},
			{"write(2)", func() error { return kqtest.WriteAt(path, 0, "0123") }},
			{"truncate(2) to the size that it has", func() error { return os.Truncate(path, 4) }},
			{"open(2) with O_TRUNC", func() error { return os.WriteFile(path, nil, 0) }},
			{"open(2) with O_TRUNC, the file is empty", func() error { return os.WriteFile(path, nil, 0) }},
		})
	})
}

// NoteTruncate comes only if the file gets shorter.
func TestNoteTruncate(t *testing.T) {
	note := noteNamed(t, "TRUNCATE")
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		watchSteps(t, path, note, []step{
			{"truncate(2) to more", func() error { return os.Truncate(path, 20) }},
			{"truncate(2) to less", func() error { return os.Truncate(path, 5) }},
		})
	})
}

// mapVariable has the path of the file that a child of TestVnodeMmap maps.
const mapVariable = "KQUEUE_TEST_MAP"

// mapFile maps a file of 10 bytes for stores.
func mapFile(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	memory, err := unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// Stores into a mapping are not reported as writes, but what brings them to the
// disk may be.
func TestVnodeMmap(t *testing.T) {
	if path := os.Getenv(mapVariable); path != "" {
		copy(mapFile(t, path), "child")
		os.Exit(0)
	}
	eachFileSystem(t, func(t *testing.T, dir string) {
		f := newFile(t, dir, "0123456789")
		memory, other := mapFile(t, f.Name()), mapFile(t, f.Name())
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), NoteDelete|NoteWrite|NoteExtend|NoteRename).With(FlagClear))
		stored := 0
		for _, step := range []step{
			{"a store", func() error { return nil }},
			{"msync(2)", func() error { return unix.Msync(memory, unix.MS_SYNC) }},
			{"fsync(2) after another store", f.Sync},
			{"sync(2) after another store", unix.Sync},
			{"munmap(2) after another store, a second mapping is left", func() error { return unix.Munmap(memory) }},
			{"munmap(2) of the last mapping", func() error { return unix.Munmap(other) }},
			{"fsync(2) after that", f.Sync},
			{"the exit of a process that has stored", func() error {
				self, err := os.Executable()
				if err != nil {
					return err
				}
				cmd := exec.Command(self, "-test.run=^TestVnodeMmap$")
				cmd.Env = append(os.Environ(), mapVariable+"="+f.Name())
				return cmd.Run()
			}},
			{"fsync(2) after the exit", f.Sync},
		} {
			if stored++; stored <= 5 {
				memory[0] = byte(stored)
			}
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			got := nothing
			expectSoon(t, step.name, func() string {
				if got == nothing {
					got = poll(t, q)
				}
				return got
			})
		}
	})
}

// Reading a file changes its access time.
func TestVnodeReading(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "program")
		if err := os.WriteFile(path, text, 0o700); err != nil {
			t.Fatal(err)
		}
		f := kqtest.Open(t, path)
		watchSteps(t, path, allNotes, []step{
			{"read(2)", func() error { _, err := f.Read(make([]byte, 10)); return err }},
			{"mmap(2) to read", func() error {
				memory, err := unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ, unix.MAP_PRIVATE)
				if err != nil {
					return err
				}
				return unix.Munmap(memory)
			}},
			{"execve(2)", func() error {
				cmd := exec.Command(path)
				cmd.Env = append(os.Environ(), kqtest.ChildVariable+"=exit 0")
				return cmd.Run()
			}},
		})
	})
}

// What happens to a file itself.
func TestVnodeFileNotes(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, parent string) {
		elsewhere := filepath.Join(parent, "elsewhere")
		if err := os.Mkdir(elsewhere, 0o700); err != nil {
			t.Fatal(err)
		}
		f := newFile(t, parent, "0123456789")
		path, other := f.Name(), filepath.Join(elsewhere, "other")
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := w.Truncate(100000); err != nil {
			t.Fatal(err)
		}
		write := func(offset int64, data string) func() error {
			return func() error { _, err := w.WriteAt([]byte(data), offset); return err }
		}
		const immutable = 0x2 // UF_IMMUTABLE of sys/stat.h
		watchSteps(t, path, allNotes, []step{
			{"write(2) within the file", write(0, "x")},
			{"write(2) at the end", write(100000, "x")},
			{"write(2) of 0 bytes", write(0, "")},
			{"write(2) into a hole", write(50000, "x")},
			{"fsync(2)", w.Sync},
			{"utimensat(2)", func() error { return os.Chtimes(path, time.Unix(1, 0), time.Unix(2, 0)) }},
			{"chown(2) to the owner that it has", func() error { return os.Chown(path, os.Getuid(), os.Getgid()) }},
			{"chmod(2) to the mode that it has", func() error { return os.Chmod(path, 0o600) }},
			{"chflags(2) to the flags that it has", func() error { return unix.Chflags(path, 0) }},
			{"chflags(2) with UF_IMMUTABLE", func() error { return unix.Chflags(path, immutable) }},
			{"write(2) by a descriptor from before", write(0, "x")},
			{"chflags(2) without it", func() error { return unix.Chflags(path, 0) }},
			{"flock(2)", func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX) }},
			{"link(2)", func() error { return os.Link(path, other) }},
			{"unlink(2) of the other name", func() error { return os.Remove(other) }},
			{"link(2) again", func() error { return os.Link(path, other) }},
			{"rename(2) of the other name onto it", func() error { return os.Rename(other, path) }},
			{"unlink(2) of the other name, if it is left", func() error { return os.RemoveAll(other) }},
			{"rename(2) onto itself", func() error { return os.Rename(path, path) }},
			{"rename(2) within the directory", func() error { return os.Rename(path, path+"2") }},
			{"rename(2) to another directory", func() error { return os.Rename(path+"2", other) }},
			{"rename(2) of another file onto it, across directories", func() error {
				fresh := filepath.Join(parent, "fresh")
				return errors.Join(os.WriteFile(fresh, nil, 0o600), os.Rename(fresh, other))
			}},
			{"write(2) at the end, no name is left", write(100001, "x")},
			{"fchmod(2), no name is left", func() error { return w.Chmod(0o640) }},
		})
	})
}

// A file is not told that the way to it leads elsewhere.
func TestVnodeSymlink(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		sub, other := filepath.Join(dir, "sub"), filepath.Join(dir, "other")
		link := filepath.Join(sub, "link")
		if err := errors.Join(os.Mkdir(sub, 0o700), os.WriteFile(other, nil, 0o600), os.Symlink(path, link)); err != nil {
			t.Fatal(err)
		}
		file, parent := kqtest.NewQueue(t), kqtest.NewQueue(t)
		kqtest.Apply(t, file, VnodeEvent(int(kqtest.Open(t, link).Fd()), allNotes).With(FlagClear))
		kqtest.Apply(t, parent, VnodeEvent(int(kqtest.Open(t, sub).Fd()), allNotes).With(FlagClear))
		ask := func(what string) {
			t.Helper()
			expect(t, what+", the file", poll(t, file))
			expect(t, what+", the directory of the link", poll(t, parent))
		}
		if err := errors.Join(os.Symlink(other, link+"2"), os.Rename(link+"2", link)); err != nil {
			t.Fatal(err)
		}
		ask("another link is renamed onto it")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		ask("the file is removed")
	})
}

// A log that is copied and cut while its writer goes on: “copytruncate”. The writer
// has a descriptor with O_APPEND, whose offset is then behind the end. The follower
// has read everything, and after the cut it begins at the start.
func TestCopytruncate(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		f := newFile(t, dir, "")
		open := func() *os.File {
			w, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Close() })
			return w
		}
		write := func(w *os.File, size int) {
			t.Helper()
			if _, err := w.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		seek := func(whence int) {
			t.Helper()
			if _, err := f.Seek(0, whence); err != nil {
				t.Fatal(err)
			}
		}
		cut := func() {
			t.Helper()
			seek(io.SeekEnd)
			if err := os.Truncate(f.Name(), 0); err != nil {
				t.Fatal(err)
			}
		}
		w := open()
		write(w, 100)
		seek(io.SeekEnd)
		fd := int(f.Fd())
		watches := []Event{VnodeEvent(fd, allNotes).With(FlagClear), ReadEvent(fd), ReadEvent(fd).With(FlagClear)}
		var queues []*Queue
		for _, watch := range watches {
			q := kqtest.NewQueue(t)
			kqtest.Apply(t, q, watch)
			kqtest.WaitNone(t, q)
			queues = append(queues, q)
		}
		ask := func(what string) {
			t.Helper()
			for i, q := range queues {
				name := what + ", EVFILT_" + watches[i].Filter.String()
				if i == 2 {
					name += " with EV_CLEAR"
				}
				expect(t, name, poll(t, q))
			}
		}
		cut()
		ask("the cut")
		seek(io.SeekStart)
		ask("lseek(2) to the start")
		write(w, 5)
		ask("the first append")
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, ReadEvent(fd))
		expect(t, "the first append, EVFILT_READ is added after it", poll(t, q))
		write(w, 5)
		ask("the second append")

		for _, again := range []struct {
			what string
			w    *os.File
			size int
		}{
			{"the first append is longer than what was cut", w, 300},
			{"the first append is by a descriptor that was opened after the cut", nil, 5},
		} {
			cut()
			if again.w == nil {
				again.w = open()
			}
			poll(t, queues[0])
			write(again.w, again.size)
			expect(t, again.what, poll(t, queues[0]))
		}
	})
}

// Devices are files too.
func TestVnodeDevices(t *testing.T) {
	var disk string
	for _, path := range []string{"/dev/vtbd0", "/dev/ada0", "/dev/da0", "/dev/nda0", "/dev/rld0a", "/dev/rwd0a", "/dev/rsd0a", "/dev/vbd0", "/dev/rdisk0"} {
		if _, err := os.Stat(path); err == nil {
			disk = path
			break
		}
	}
	for _, test := range []struct {
		what, path string
		note       Note
	}{
		{"/dev/zero", "/dev/zero", NoteWrite},
		{"/dev/urandom", "/dev/urandom", NoteWrite},
		{"/dev/mem", "/dev/mem", NoteWrite},
		{"/dev/bpf", "/dev/bpf", NoteWrite},
		{"a disk, with NOTE_WRITE", disk, NoteWrite},
		{"a disk, with NOTE_DELETE", disk, NoteDelete},
	} {
		f, err := os.Open(test.path)
		if err != nil {
			t.Logf("%s: %v", test.what, err)
			continue
		}
		expect(t, test.what, errno(kqtest.NewQueue(t).Apply(VnodeEvent(int(f.Fd()), test.note))))
		f.Close()
	}
}

// A FIFO has a name, but is not a file.
func TestVnodeFIFO(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := filepath.Join(dir, "fifo")
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		kqtest.OwnFD(t, fd)
		q := kqtest.NewQueue(t)
		err = q.Apply(VnodeEvent(fd, allNotes).With(FlagClear))
		expect(t, "adding it", errno(err))
		if err != nil {
			return
		}
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, step := range []step{
			{"write(2)", func() error { _, err := w.Write([]byte("x")); return err }},
			{"chmod(2)", func() error { return os.Chmod(path, 0o640) }},
			{"unlink(2)", func() error { return os.Remove(path) }},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			expect(t, step.name, poll(t, q))
		}
	})
}

// What a watch of a directory says about its entries.
func TestVnodeDirectoryNotes(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, parent string) {
		dir, elsewhere := filepath.Join(parent, "dir"), filepath.Join(parent, "elsewhere")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(elsewhere, 0o700)); err != nil {
			t.Fatal(err)
		}
		file, sub := filepath.Join(dir, "file"), filepath.Join(dir, "sub")
		watchSteps(t, dir, allNotes, []step{
			{"create a file", func() error { return os.WriteFile(file, nil, 0o600) }},
			{"write to the file", func() error { return kqtest.WriteAt(file, 0, "x") }},
			{"chmod the file", func() error { return os.Chmod(file, 0o640) }},
			{"link the file to a name elsewhere", func() error { return os.Link(file, filepath.Join(elsewhere, "link")) }},
			{"link a file from elsewhere", func() error { return os.Link(filepath.Join(elsewhere, "link"), file+"2") }},
			{"remove that name", func() error { return os.Remove(file + "2") }},
			{"remove the name elsewhere", func() error { return os.Remove(filepath.Join(elsewhere, "link")) }},
			{"rename the file", func() error { return os.Rename(file, file+"2") }},
			{"rename it out of the directory", func() error { return os.Rename(file+"2", filepath.Join(elsewhere, "file")) }},
			{"rename it into the directory", func() error { return os.Rename(filepath.Join(elsewhere, "file"), file) }},
			{"make a symbolic link", func() error { return os.Symlink("file", sub) }},
			{"remove the link", func() error { return os.Remove(sub) }},
			{"make a FIFO", func() error { return unix.Mkfifo(sub, 0o600) }},
			{"remove the FIFO", func() error { return os.Remove(sub) }},
			{"make a directory", func() error { return os.Mkdir(sub, 0o700) }},
			{"make a file in that directory", func() error { return os.WriteFile(filepath.Join(sub, "file"), nil, 0o600) }},
			{"remove that file", func() error { return os.Remove(filepath.Join(sub, "file")) }},
			{"remove the directory", func() error { return os.Remove(sub) }},
			{"rename over the file", func() error {
				fresh := filepath.Join(elsewhere, "fresh")
				if err := os.WriteFile(fresh, nil, 0o600); err != nil {
					return err
				}
				return os.Rename(fresh, file)
			}},
			{"remove the file", func() error { return os.Remove(file) }},
			{"mkdir(2) of a name that exists", func() error {
				if err := os.Mkdir(filepath.Join(dir, "."), 0o700); !errors.Is(err, unix.EEXIST) {
					return fmt.Errorf("%v, want EEXIST", err)
				}
				return nil
			}},
			{"chmod the directory", func() error { return os.Chmod(dir, 0o750) }},
			{"rename the directory", func() error { return os.Rename(dir, dir+"2") }},
			{"rename a directory over it", func() error { return unix.Rename(elsewhere, dir+"2") }},
		})
	})
}

// Opening, reading and closing a file is reported. A duplicate of a descriptor is
// closed with the last one.
func TestVnodeOpenReadClose(t *testing.T) {
	notes := NoteWrite | noteNamed(t, "OPEN") | noteNamed(t, "READ") | noteNamed(t, "CLOSE") | noteNamed(t, "CLOSE_WRITE")
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		fd := -1
		openFD := func(mode int) func() error {
			return func() (err error) {
				fd, err = unix.Open(path, mode, 0)
				return err
			}
		}
		closeIt := func() error { return unix.Close(fd) }
		watchSteps(t, path, notes, []step{
			{"open(2) to read", openFD(unix.O_RDONLY)},
			{"read(2)", func() error { _, err := unix.Read(fd, make([]byte, 10)); return err }},
			{"read(2) at the end", func() error { _, err := unix.Read(fd, make([]byte, 3)); return err }},
			{"a load from a mapping", func() error {
				memory, err := unix.Mmap(fd, 0, 10, unix.PROT_READ, unix.MAP_SHARED)
				if err != nil {
					return err
				}
				if memory[0] != '0' {
					return errors.New(string(memory))
				}
				return unix.Munmap(memory)
			}},
			{"close(2)", closeIt},
			{"open(2) to write", openFD(unix.O_WRONLY)},
			{"write(2)", func() error { _, err := unix.Write(fd, []byte("x")); return err }},
			{"close(2) of a duplicate", func() error {
				other, err := unix.Dup(fd)
				return errors.Join(err, unix.Close(other))
			}},
			{"close(2) of the last one", closeIt},
		})
		watchSteps(t, dir, notes, []step{
			{"os.ReadDir of its directory", func() error { _, err := os.ReadDir(dir); return err }},
		})
	})
}

// NoteNone reports lseek(2), and nothing else.
func TestNoteNone(t *testing.T) {
	note := noteNamed(t, "NONE")
	f := newFile(t, t.TempDir(), "0123456789")
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), note).With(FlagClear))
	kqtest.WaitNone(t, q)
	if _, err := f.Seek(3, 0); err != nil {
		t.Fatal(err)
	}
	expect(t, "lseek(2)", poll(t, q))
	expect(t, "nothing more", poll(t, q))
}

// NoteFunlock reports that a lock was released.
func TestNoteFunlock(t *testing.T) {
	note := noteNamed(t, "FUNLOCK")
	f := newFile(t, t.TempDir(), "0123456789")
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, VnodeEvent(int(f.Fd()), note).With(FlagClear))
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	expect(t, "flock(2) with LOCK_EX", poll(t, q))
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	expect(t, "flock(2) with LOCK_UN", poll(t, q))
}

// FilterFS takes any ident.
func TestFilterFS(t *testing.T) {
	filter := filterNamed(t, "FS")
	q := kqtest.NewQueue(t)
	e := NewEvent(7, filter, FlagAdd, 0, 0, 0)
	expect(t, "adding ident 7", errno(q.Apply(e)))
	kqtest.WaitNone(t, q)
	kqtest.Apply(t, q, e.Delete())
	kqtest.WaitGone(t, q, e)
}

// A directory is removed.
func TestVnodeRemoveDirectory(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		sub := filepath.Join(dir, "sub")
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		watchSteps(t, sub, allNotes, []step{{"rmdir(2)", func() error { return os.Remove(sub) }}})
	})
}

// Another file takes one of the two names of a file.
func TestVnodeReplaceName(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		fresh := filepath.Join(dir, "fresh")
		if err := errors.Join(os.Link(path, path+"2"), os.WriteFile(fresh, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		watchSteps(t, path, allNotes, []step{
			{"rename(2) of another file onto one name", func() error { return os.Rename(fresh, path) }},
		})
	})
}
