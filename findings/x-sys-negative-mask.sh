#!/usr/bin/env bash
# Guess: a NOTE_ constant of golang.org/x/sys/unix is an unsigned number that
# can be assigned to Kevent_t.Fflags, a uint32, on each system that has it.
# Version: golang.org/x/sys v0.50.0, Go 1.26.8, amd64.
# Seen: NOTE_PCTRLMASK is 0xf0000000 on the BSDs but -0x100000 on macOS, whose
# header writes it as a complement; the assignment does not compile there.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off GOARCH=amd64 CGO_ENABLED=0

cat > lib.go <<'EOF'
package lib

import "golang.org/x/sys/unix"

var event = unix.Kevent_t{Fflags: unix.NOTE_PCTRLMASK}
EOF
go mod init example.com/lib 2> /dev/null
go get golang.org/x/sys@v0.50.0

for os in freebsd netbsd openbsd dragonfly; do
	GOOS=$os go build .
	echo "$os: compiles"
done
if out=$(GOOS=darwin go build . 2>&1); then
	echo "CHANGED: it compiles on macOS" >&2
	exit 1
fi
echo "darwin: $out"
grep -qF 'untyped int constant -1048576' <<< "$out"
