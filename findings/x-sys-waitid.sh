#!/usr/bin/env bash
# Guess: unix.Waitid on Linux fills a unix.Siginfo that tells which child ended
# and how, as waitid(2) does in si_pid and si_status.
# Version: golang.org/x/sys v0.50.0, Go 1.26.8, Linux.
# Seen: the structure has Signo, Errno, and Code, and padding that no program
# can name. Pid and status are in the padding, to be read with unsafe only.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"

	"golang.org/x/sys/unix"
)

func main() {
	child := exec.Command("sh", "-c", "exit 7")
	if err := child.Start(); err != nil {
		panic(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, child.Process.Pid, &info, unix.WEXITED, nil); err != nil {
		panic(err)
	}
	fmt.Printf("process %d exits with 7: Signo %d, Errno %d, Code %d\n",
		child.Process.Pid, info.Signo, info.Errno, info.Code)
	named := ""
	for field := range reflect.TypeFor[unix.Siginfo]().Fields() {
		if field.Name != "_" {
			named += field.Name + " "
		}
	}
	fmt.Println("fields with a name:", named)
	if named != "Signo Errno Code " {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
EOF
go mod init example.com/cmd 2> /dev/null
go get golang.org/x/sys@v0.50.0
go run .
