#!/usr/bin/env bash
# Guess: go test does not reuse a cached result once a file of the module that
# the test opened has changed; "go help test" says so of tests that open files.
# Version: Go 1.26.8, golang.org/x/sys v0.50.0.
# Seen: true of files opened through package os only. A file opened by unix.Open
# is not recorded, and its test passes from the cache whatever the file says.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

mkdir viaos viaunix
cat > viaos/read_test.go <<'EOF'
package viaos

import (
	"os"
	"testing"
)

func TestRead(t *testing.T) {
	data, err := os.ReadFile("data.txt")
	if err != nil || string(data) != "good\n" {
		t.Fatalf("read %q, %v", data, err)
	}
}
EOF
cat > viaunix/read_test.go <<'EOF'
package viaunix

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestRead(t *testing.T) {
	fd, err := unix.Open("data.txt", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	data := make([]byte, 16)
	n, err := unix.Read(fd, data)
	if err != nil || string(data[:n]) != "good\n" {
		t.Fatalf("read %q, %v", data[:n], err)
	}
}
EOF
go mod init example.com/cache 2> /dev/null
go get golang.org/x/sys@v0.50.0

# write TEXT AGE writes the file that both tests read. The go command caches no
# result that depends on a file written within the last two seconds, hence AGE.
write() {
	echo "$1" | tee viaos/data.txt > viaunix/data.txt
	touch -d "$2" viaos/data.txt viaunix/data.txt
}

write good '2 hours ago'
go test ./viaos ./viaunix
write bad '1 hour ago'
echo "the files changed, and both tests would fail:"
if go test ./viaos; then
	echo "CHANGED: package os is not recorded" >&2
	exit 1
fi
out=$(go test ./viaunix || true)
echo "$out"
if ! grep -qE '^ok .*\(cached\)' <<< "$out"; then
	echo "CHANGED: unix.Open is recorded" >&2
	exit 1
fi
