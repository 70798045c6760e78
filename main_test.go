package kqueue_test

import (
	"testing"

	"github.com/go-kqueue/kqueue/internal/kqtest"
)

func TestMain(m *testing.M) { kqtest.Main(m) }
