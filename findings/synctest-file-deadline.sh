#!/usr/bin/env bash
# Guess: a deadline that is set in a bubble of testing/synctest is kept by the
# bubble's clock, so a Read that fails with os.ErrDeadlineExceeded returns no
# earlier than the deadline by that clock.
# Version: Go 1.26.8.
# Seen: the read of a pipe times out after 50 ms by the real clock. The bubble's
# clock stood still meanwhile, since a goroutine that waits for a file does not
# let it run, so the exceeded deadline is still 50 ms ahead.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > go.mod <<'EOF'
module example.com/bubble

go 1.26.0
EOF
cat > bubble_test.go <<'EOF'
package bubble

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		deadline := time.Now().Add(50 * time.Millisecond)
		if err := r.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		_, err = r.Read(make([]byte, 1))
		t.Logf("Read: %v; the deadline is %v ahead", err, time.Until(deadline))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Until(deadline) != 50*time.Millisecond {
			t.Error("CHANGED")
		}
	})
}
EOF

go test -count=1 -v .
