package kernels_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// callNamed makes a system call that takes names with values, such as nmount(2) and
// jail_set(2).
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

func mountKind(kind, target, dir string, flags int) error {
	options := []any{"fstype", kind, "fspath", dir}
	if kind == "null" {
		options = []any{"fstype", "nullfs", "fspath", dir, "target", target}
	}
	_, err := callNamed(unix.SYS_NMOUNT, uintptr(flags), options...)
	return err
}

// What asks for the notes of a call gets all of them, if it asks for one.
func TestVnodeSpecialWrites(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 4 {
		t.Skip("a 32-bit kernel interface takes an offset as two arguments")
	}
	eachFileSystem(t, func(t *testing.T, dir string) {
		f := newFile(t, dir, "0123456789")
		w, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		source := filepath.Join(dir, "source")
		if err := os.WriteFile(source, []byte("abc"), 0o600); err != nil {
			t.Fatal(err)
		}
		call := func(number uintptr, arguments ...uintptr) error {
			arguments = append(arguments, 0, 0, 0, 0, 0)
			_, _, errno := unix.Syscall6(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
			if errno != 0 {
				return errno
			}
			return nil
		}
		watchSteps(t, f.Name(), allNotes|NoteRead, []step{
			{"posix_fallocate(2)", func() error {
				e, _, _ := unix.Syscall(unix.SYS_POSIX_FALLOCATE, w.Fd(), 0, 100) // it returns the errno
				if e != 0 {
					return unix.Errno(e)
				}
				return nil
			}},
			{"fspacectl(2) of the middle", func() error {
				hole := [2]int64{10, 20} // struct spacectl_range
				return call(580, w.Fd(), 1, uintptr(unsafe.Pointer(&hole)), 0, 0)
			}},
			{"copy_file_range(2) into the file", func() error {
				return call(569, kqtest.Open(t, source).Fd(), 0, w.Fd(), 0, 3, 0)
			}},
			{"copy_file_range(2) behind its end", func() error {
				offset := int64(200)
				return call(569, kqtest.Open(t, source).Fd(), 0, w.Fd(), uintptr(unsafe.Pointer(&offset)), 3, 0)
			}},
		})
	})
}

const pathOnly = 0x00400000 // O_PATH of sys/fcntl.h

// A descriptor with O_PATH can be watched, and that of a link itself.
func TestVnodePathOnly(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		path, link := newFile(t, dir, "0123456789").Name(), filepath.Join(dir, "link")
		if err := os.Symlink("file", link); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(link, pathOnly|unix.O_NOFOLLOW, 0)
		if err != nil {
			t.Fatal(err)
		}
		kqtest.OwnFD(t, fd)
		q := kqtest.NewQueue(t)
		kqtest.Apply(t, q, VnodeEvent(fd, allNotes|NoteOpen|NoteRead).With(FlagClear))
		for _, step := range []step{
			{"the file of a watched link is written to", func() error { return kqtest.WriteAt(path, 0, "x") }},
			{"readlink(2)", func() error { _, err := os.Readlink(link); return err }},
			{"chown(2) of the link", func() error { return os.Lchown(link, 0, 0) }},
			{"another link is renamed onto it", func() error {
				return errors.Join(os.Symlink("other", link+"2"), os.Rename(link+"2", link))
			}},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			expect(t, step.name, poll(t, q))
		}
	})
}

// Reading by other calls than read(2).
func TestVnodeSpecialReads(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		f := newFile(t, dir, "0123456789")
		path := f.Name()
		a, b := kqtest.NewSocketpair(t)
		to, err := os.Create(filepath.Join(dir, "to"))
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		watchSteps(t, path, allNotes|NoteOpen|NoteRead|NoteClose, []step{
			{"sendfile(2)", func() error {
				offset := int64(0)
				if _, err := unix.Sendfile(a, int(f.Fd()), &offset, 10); err != nil {
					return err
				}
				drain(t, b, 10)
				return nil
			}},
			{"copy_file_range(2) from it", func() error {
				_, _, errno := unix.Syscall6(569, f.Fd(), 0, to.Fd(), 0, 3, 0)
				if errno != 0 {
					return errno
				}
				return nil
			}},
			{"open(2) with O_PATH", func() error {
				fd, err := unix.Open(path, pathOnly, 0)
				return errors.Join(err, unix.Close(fd))
			}},
			{"extattr_set_file(2)", func() error {
				value := []byte("value")
				_, err := unix.ExtattrSetFile(path, unix.EXTATTR_NAMESPACE_USER, "name", uintptr(unsafe.Pointer(&value[0])), len(value))
				return err
			}},
		})
	})
}

// A directory is removed while it is watched for NoteRead, too.
func TestVnodeRmdir(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, dir string) {
		sub := filepath.Join(dir, "sub")
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		watchSteps(t, sub, allNotes|NoteRead, []step{{"rmdir(2)", func() error { return os.Remove(sub) }}})
	})
}
