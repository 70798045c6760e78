//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package kernels_test

import (
	"testing"

	. "github.com/go-kqueue/kqueue"
	"github.com/go-kqueue/kqueue/internal/kqtest"
)

// Without FlagClear, a user event stays triggered.
func TestUserStaysTriggered(t *testing.T) {
	q := kqtest.NewQueue(t)
	e := UserEvent(1)
	kqtest.Apply(t, q, e, e.Trigger())
	for range 2 {
		expect(t, "a wait, and another one", returned(t, q))
	}
}
