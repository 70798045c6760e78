package kernels_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// A descriptor without CAP_EVENT cannot be added.
func TestCapsicum(t *testing.T) {
	q := kqtest.NewQueue(t)
	r, w := kqtest.NewPipe(t)
	rights, err := unix.CapRightsInit([]uint64{unix.CAP_READ})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.CapRightsLimit(uintptr(r), rights); err != nil {
		t.Fatal(err)
	}
	expect(t, "adding a descriptor without it", errno(q.Apply(ReadEvent(r))))
	expect(t, "adding another one", errno(q.Apply(WriteEvent(w))))
}
