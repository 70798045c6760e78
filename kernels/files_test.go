//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

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
	})
}

// A step is something that happens to a file.
type step struct {
	name string
	do   func() error
}

// watchSteps watches path, takes the steps and checks what each of them reports.
func watchSteps(t *testing.T, path string, notes Note, steps []step) {
	t.Helper()
	q := kqtest.NewQueue(t)
	kqtest.Apply(t, q, VnodeEvent(int(kqtest.Open(t, path).Fd()), notes).With(FlagClear))
	kqtest.WaitNone(t, q)
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
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
			{"open(2) with O_TRUNC", func() error {
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
				if err != nil {
					return err
				}
				return f.Close()
			}},
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

// Stores into a mapping are not reported as writes.
func TestVnodeMmap(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path := newFile(t, dir, "0123456789").Name()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		memory, err := unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(memory)
		watchSteps(t, path, NoteDelete|NoteWrite|NoteExtend|NoteRename, []step{
			{"a store", func() error { copy(memory, "abc"); return nil }},
			{"msync(2)", func() error { return unix.Msync(memory, unix.MS_SYNC) }},
		})
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
			{"rename the file", func() error { return os.Rename(file, file+"2") }},
			{"rename it out of the directory", func() error { return os.Rename(file+"2", filepath.Join(elsewhere, "file")) }},
			{"rename it into the directory", func() error { return os.Rename(filepath.Join(elsewhere, "file"), file) }},
			{"make a symbolic link", func() error { return os.Symlink("file", sub) }},
			{"remove the link", func() error { return os.Remove(sub) }},
			{"make a directory", func() error { return os.Mkdir(sub, 0o700) }},
			{"remove the directory", func() error { return os.Remove(sub) }},
			{"rename over the file", func() error {
				fresh := filepath.Join(elsewhere, "fresh")
				if err := os.WriteFile(fresh, nil, 0o600); err != nil {
					return err
				}
				return os.Rename(fresh, file)
			}},
			{"remove the file", func() error { return os.Remove(file) }},
			{"chmod the directory", func() error { return os.Chmod(dir, 0o750) }},
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
			{"read(2)", func() error { _, err := unix.Read(fd, make([]byte, 3)); return err }},
			{"close(2)", closeIt},
			{"open(2) to write", openFD(unix.O_WRONLY)},
			{"write(2)", func() error { _, err := unix.Write(fd, []byte("x")); return err }},
			{"close(2) of a duplicate", func() error {
				other, err := unix.Dup(fd)
				return errors.Join(err, unix.Close(other))
			}},
			{"close(2) of the last one", closeIt},
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

// mountTmpfs mounts a file system in memory. The numbers of the calls are those of
// sys/sys/syscall.h.
func mountTmpfs(dir string) error {
	if runtime.GOOS == "freebsd" {
		const nmount = 378
		_, err := callNamed(nmount, 0, "fstype", "tmpfs", "fspath", dir)
		return err
	}
	path, err := unix.BytePtrFromString(dir)
	if err != nil {
		return err
	}
	number := uintptr(21)     // mount, of DragonFly
	arguments := new(struct { // struct tmpfs_args of NetBSD
		version   int32
		nodes     uint64
		size      int64
		uid, gid  uint32
		mode      uint32
		alignment uint32
	})
	size := uintptr(0)
	if runtime.GOOS == "netbsd" {
		number = 410 // mount50
		arguments.version, arguments.mode = 1, 0o755
		size = unsafe.Sizeof(*arguments)
	}
	_, _, errno := unix.Syscall6(number, uintptr(unsafe.Pointer(unsafe.StringData("tmpfs\x00"))), uintptr(unsafe.Pointer(path)), 0,
		uintptr(unsafe.Pointer(arguments)), size, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// callNamed makes a system call of FreeBSD that takes names with values, such as
// nmount(2) and jail_set(2).
func callNamed(number, flags uintptr, namesAndValues ...any) (result int, err error) {
	var vectors []unix.Iovec
	for _, value := range namesAndValues {
		var v unix.Iovec
		switch value := value.(type) {
		case string:
			v.Base = unsafe.StringData(value + "\x00")
			v.SetLen(len(value) + 1)
		case *int32:
			v.Base = (*byte)(unsafe.Pointer(value))
			v.SetLen(4)
		}
		vectors = append(vectors, v)
	}
	n, _, errno := unix.Syscall(number, uintptr(unsafe.Pointer(&vectors[0])), uintptr(len(vectors)), flags)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// FilterFS reports what happens to the mounts of the system. FreeBSD 15.0 reports
// only what the Fflags of the change select.
func TestMounts(t *testing.T) {
	filter := filterNamed(t, "FS")
	if kqtest.MacOS {
		t.Skip("macOS has no file system that a program can mount by itself")
	}
	// VQ_MOUNT and VQ_UNMOUNT of sys/mount.h.
	mounted, unmounted := Note(0x8), Note(0x10)
	if runtime.GOOS == "netbsd" {
		mounted, unmounted = 0x1, 0x2
	}
	none, q := kqtest.NewQueue(t), kqtest.NewQueue(t)
	kqtest.Apply(t, none, NewEvent(7, filter, FlagAdd, 0, 0, 0))
	kqtest.Apply(t, q, NewEvent(7, filter, FlagAdd, mounted|unmounted, 0, 0))
	kqtest.WaitNone(t, q)
	dir := t.TempDir()
	if err := mountTmpfs(dir); errors.Is(err, unix.EPERM) {
		t.Skip("only the superuser may mount a file system")
	} else if err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Ident != 7 || e.Filter != filter || e.Fflags != mounted {
		t.Errorf("after mount(2): got %v", e)
	}
	kqtest.WaitNone(t, q)
	expect(t, "mount(2), no note requested", returned(t, none))

	// The end of the file system ends a watch of its root directory.
	vnodes := kqtest.NewQueue(t)
	root := kqtest.Open(t, dir)
	kqtest.Apply(t, vnodes, VnodeEvent(int(root.Fd()), NoteRevoke))
	if err := unix.Unmount(dir, unix.MNT_FORCE); err != nil {
		t.Fatal(err)
	}
	if e := kqtest.WaitOne(t, q); e.Fflags&unmounted == 0 {
		t.Errorf("after unmount(2): got %v", e)
	}
	expect(t, "unmount(2), its root directory with NOTE_REVOKE", poll(t, vnodes))
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
