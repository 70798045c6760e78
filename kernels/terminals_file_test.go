//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"os"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// FilterWrite of what is always ready.
func TestWriteOfAFile(t *testing.T) {
	dir := t.TempDir()
	file := kqtest.NewFile(t, "abc")
	both, err := os.OpenFile(file.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, test := range []struct {
		what string
		f    *os.File
	}{
		{"a file", both},
		{"a file that is open for reading", file},
		{"a directory", kqtest.Open(t, dir)},
		{"/dev/null", null},
	} {
		q := kqtest.NewQueue(t)
		got := errno(q.Apply(WriteEvent(int(test.f.Fd()))))
		if got == "ok" {
			got = poll(t, q)
		}
		expect(t, test.what, got)
	}
}
