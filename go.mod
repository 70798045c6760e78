module github.com/go-kqueue/kqueue

go 1.22.0

require golang.org/x/sys v0.30.0
