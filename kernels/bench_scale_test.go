//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
	"golang.org/x/sys/unix"
)

// BenchmarkScale adds, triggers, returns and deletes one more user event in a
// queue that has many already. Kernels that keep them in a fixed number of hash
// buckets get slower with their number, and slower still if the idents are
// multiples of 65536, which fall into the same bucket.
func BenchmarkScale(b *testing.B) {
	for _, idents := range []struct {
		name   string
		shift  int
		counts []uintptr
	}{
		{"consecutive", 0, []uintptr{100, 1000, 10000, 50000}},
		{"shifted by 16", 16, []uintptr{100, 1000, 10000}}, // adding 50,000 takes too long
	} {
		for _, count := range idents.counts {
			b.Run(fmt.Sprintf("%s/%d", idents.name, count), func(b *testing.B) {
				scale(b, count, idents.shift)
			})
		}
	}
}

func scale(b *testing.B, count uintptr, shift int) {
	q, buf := kqtest.NewQueue(b), make([]Event, 1)
	for i := range count {
		err := q.Apply(UserEvent(i << shift))
		if errors.Is(err, unix.ENOMEM) {
			b.Skipf("the kernel has no room for more than %d user events", i)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	e := UserEvent(count << shift)
	b.ResetTimer()
	for range b.N {
		kqtest.Apply(b, q, e)
		kqtest.Apply(b, q, e.Trigger())
		if n, err := q.WaitInto(buf, Forever); n != 1 || err != nil || buf[0].Ident != e.Ident {
			b.Fatalf("got %v, %v", buf[:n], err)
		}
		kqtest.Apply(b, q, e.Delete())
	}
}
