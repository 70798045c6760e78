#!/usr/bin/env bash
# Guess: two names that are added to a watcher, each without an error, are two
# watches: either name can be removed again, and a write is reported under the
# name that was written to, or under both.
# Version: fsnotify v1.10.1 and rjeczalik/notify v0.9.3, Go 1.26.8, Linux.
# Seen: where the names are hard links of one file, there is one watch, since
# inotify watches files, not names. After a and b were added in this order, a
# write to either is reported as one to a by fsnotify, which says of b that it
# was never added, and as one to b by notify.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

cat > main.go <<'EOF'
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"github.com/rjeczalik/notify"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// appendTo writes a byte at the end of a file.
func appendTo(name string) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	check(err)
	_, err = f.WriteString("x")
	check(err)
	check(f.Close())
}

func main() {
	check(os.WriteFile("a", nil, 0o644))
	check(os.Link("a", "b"))
	seen := ""

	w, err := fsnotify.NewWatcher()
	check(err)
	check(w.Add("a"))
	check(w.Add("b"))
	for _, name := range []string{"a", "b"} {
		appendTo(name)
		event := <-w.Events
		fmt.Printf("fsnotify: write to %s, event: %v\n", name, event)
		seen += event.Name
	}
	err = w.Remove("b")
	fmt.Println("fsnotify: Remove:", err)
	if !errors.Is(err, fsnotify.ErrNonExistentWatch) {
		seen += " removed"
	}
	check(w.Close())

	events := make(chan notify.EventInfo, 10)
	check(notify.Watch("a", events, notify.Write))
	check(notify.Watch("b", events, notify.Write))
	for _, name := range []string{"a", "b"} {
		appendTo(name)
		event := <-events
		base := filepath.Base(event.Path())
		fmt.Printf("notify: write to %s, event: %v %q\n", name, event.Event(), base)
		seen += base
	}
	notify.Stop(events)

	if seen != "aabb" {
		fmt.Println("CHANGED:", seen)
		os.Exit(1)
	}
}
EOF
go mod init example.com/cmd 2> /dev/null
go get github.com/fsnotify/fsnotify@v1.10.1 github.com/rjeczalik/notify@v0.9.3
go run .
