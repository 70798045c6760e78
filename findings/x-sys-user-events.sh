#!/usr/bin/env bash
# Guess: golang.org/x/sys/unix has the kqueue filters that a released kernel has;
# user events are in the headers of NetBSD 10 (2024) and of OpenBSD 7.8 (2025).
# Version: golang.org/x/sys v0.50.0 (2026), Go 1.26.8, amd64.
# Seen: EVFILT_USER and NOTE_TRIGGER are missing for both, and for NetBSD so are
# EV_RECEIPT and EV_DISPATCH. A program must write these numbers itself.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off GOARCH=amd64 CGO_ENABLED=0

go mod init example.com/lib 2> /dev/null
printf 'package lib\n\nimport _ "golang.org/x/sys/unix"\n' > lib.go
go get golang.org/x/sys@v0.50.0

# missing GOOS prints those of the names that unix lacks on a system.
missing() {
	local name
	for name in EVFILT_USER NOTE_TRIGGER EV_RECEIPT EV_DISPATCH; do
		printf 'package lib\n\nimport "golang.org/x/sys/unix"\n\nconst _ = unix.%s\n' "$name" > lib.go
		if [[ $(GOOS=$1 go build . 2>&1) == *"undefined: unix.$name"* ]]; then
			echo -n " $name"
		fi
	done
}

seen=$(for os in freebsd netbsd openbsd dragonfly darwin; do
	echo "$os lacks:$(missing $os)"
done)
echo "$seen"
if ! diff - <(echo "$seen") <<'EOF'
freebsd lacks:
netbsd lacks: EVFILT_USER NOTE_TRIGGER EV_RECEIPT EV_DISPATCH
openbsd lacks: EVFILT_USER NOTE_TRIGGER
dragonfly lacks:
darwin lacks:
EOF
then
	echo "CHANGED" >&2
	exit 1
fi
