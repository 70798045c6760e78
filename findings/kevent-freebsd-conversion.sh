#!/usr/bin/env bash
# Guess: golang.org/x/sys/unix grew out of package syscall, so unix.Kevent_t and
# syscall.Kevent_t are the same structure and convert into each other.
# Version: golang.org/x/sys v0.30.0, Go 1.26.8, amd64.
# Seen: they convert on NetBSD, OpenBSD, DragonFly BSD, and macOS. On FreeBSD
# package syscall still makes the kevent call of FreeBSD 11, number 363, with an
# event of 32 bytes; unix makes call 560 with 64 bytes and the field Ext.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off GOARCH=amd64 CGO_ENABLED=0

cat > convert.go <<'EOF'
package lib

import (
	"syscall"

	"golang.org/x/sys/unix"
)

var event = unix.Kevent_t(syscall.Kevent_t{})
EOF
# The lengths of the arrays make the compiler check the numbers above.
cat > numbers_freebsd.go <<'EOF'
package lib

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	_ [363]byte = [syscall.SYS_KEVENT]byte{}
	_ [560]byte = [unix.SYS_KEVENT]byte{}
	_ [32]byte  = [unsafe.Sizeof(syscall.Kevent_t{})]byte{}
	_ [64]byte  = [unsafe.Sizeof(unix.Kevent_t{})]byte{}
)
EOF
go mod init example.com/lib 2> /dev/null
go get golang.org/x/sys@v0.30.0

for os in netbsd openbsd dragonfly darwin; do
	GOOS=$os go build .
	echo "$os: converts"
done
if out=$(GOOS=freebsd go build . 2>&1); then
	echo "CHANGED: the structures are the same on FreeBSD" >&2
	exit 1
fi
echo "freebsd: $(grep 'cannot convert' <<< "$out")"
if grep 'numbers_freebsd' <<< "$out"; then
	echo "CHANGED: other numbers on FreeBSD" >&2
	exit 1
fi
