#!/usr/bin/env bash
# Guess: go vet type-checks and links nothing, so wherever go build accepts a
# package that is not a command, go vet accepts it too.
# Version: Go 1.26.8, GOOS=ios GOARCH=arm64 with CGO_ENABLED=0.
# Seen: go build compiles the package, but go vet refuses it, because a program
# for iOS needs the external linker. The package has neither main nor tests.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off
export GOOS=ios GOARCH=arm64 CGO_ENABLED=0

cat > go.mod <<'EOF'
module example.com/lib

go 1.26.0
EOF
cat > lib.go <<'EOF'
package lib

func Double(n int) int { return 2 * n }
EOF

go build .
echo "go build: accepted"
if out=$(go vet . 2>&1); then
	echo "go vet: accepted"
	echo "CHANGED: go vet accepts what go build accepts" >&2
	exit 1
fi
echo "go vet: $out"
grep -q 'requires external (cgo) linking' <<< "$out"
