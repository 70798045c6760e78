#!/usr/bin/env bash
# Guess: Go enters OpenBSD's kernel through the functions of libc, since OpenBSD
# 7.5 has no syscall(2) any more, and so does golang.org/x/sys/unix throughout.
# Version: golang.org/x/sys v0.14.0 and v0.15.0, Go 1.26.8, openbsd/amd64.
# Seen: in v0.14.0, unix.FcntlInt makes the call by its number, with unix.Syscall.
# It calls libc's fcntl since v0.15.0 only.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off
export GOOS=openbsd GOARCH=amd64 CGO_ENABLED=0

cat > main.go <<'EOF'
package main

import "golang.org/x/sys/unix"

func main() {
	flags, err := unix.FcntlInt(0, unix.F_GETFD, 0)
	println(flags, err)
}
EOF

# calls VERSION prints the functions that unix.fcntl calls outside the runtime.
calls() {
	rm -f go.mod go.sum
	go mod init example.com/cmd 2> /dev/null
	go get "golang.org/x/sys@$1"
	go build -o main .
	go tool objdump -s '^golang.org/x/sys/unix\.fcntl$' main |
		grep -oE 'CALL [^ ]+\(SB\)' | grep -v ' runtime\.' | sort -u
}

old=$(calls v0.14.0)
new=$(calls v0.15.0)
echo "v0.14.0: $old"
echo "v0.15.0: $new"
grep -qF 'unix.Syscall' <<< "$old"
if ! grep -qF 'syscall.syscall(' <<< "$new" || grep -qF 'unix.Syscall' <<< "$new"; then
	echo "CHANGED: v0.15.0 no longer calls fcntl in libc" >&2
	exit 1
fi
