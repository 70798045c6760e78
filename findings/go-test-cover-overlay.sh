#!/usr/bin/env bash
# Guess: go test -overlay builds the replacement of a file with -cover as it
# does without, and so measures the replacement.
# Version: Go 1.26.8; see https://go.dev/issue/73802.
# Seen: with -cover the file on disk is built, run, and measured, and nothing
# says that the overlay was ignored.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > go.mod <<'EOF'
module example.com/lib

go 1.26.0
EOF
cat > lib.go <<'EOF'
package lib

func Source() string { return "the file on disk" }
EOF
cat > replacement.txt <<'EOF'
package lib

func Source() string { return "the overlay" }
EOF
cat > lib_test.go <<'EOF'
package lib

import "testing"

func TestSource(t *testing.T) { t.Log("built from", Source()) }
EOF
echo "{\"Replace\": {\"$dir/lib.go\": \"$dir/replacement.txt\"}}" > overlay.json

plain=$(go test -count=1 -v -overlay overlay.json .)
cover=$(go test -count=1 -v -overlay overlay.json -cover .)
echo "without -cover: $(grep 'built from' <<< "$plain")"
echo "with -cover:    $(grep 'built from' <<< "$cover")"
grep -q 'built from the overlay' <<< "$plain"
if ! grep -q 'built from the file on disk' <<< "$cover"; then
	echo "CHANGED: -cover builds the overlay" >&2
	exit 1
fi
