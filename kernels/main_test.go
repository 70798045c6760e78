package kernels_test

import (
	"testing"

	"github.com/go-kqueue/kqueue/internal/kqtest"
)

func TestMain(m *testing.M) { kqtest.Main(suite{m}) }

// A suite is all tests, and a look at what they asked.
type suite struct{ *testing.M }

func (s suite) Run() int {
	code := s.M.Run()
	if code == 0 && checkAsked != nil && !checkAsked() {
		return 1
	}
	return code
}

// checkAsked reports whether the tests have asked all that they should have, where
// they can ask.
var checkAsked func() bool
