#!/usr/bin/env bash
# Guess: pkgsite documents what a package offers on FreeBSD as it does for macOS:
# at the query "?GOOS=freebsd", like "?GOOS=darwin".
# Version: golang.org/x/pkgsite v0.6.0, which runs pkg.go.dev, and Go 1.26.8.
# Needs curl.
# Seen: pkgsite knows linux, windows, darwin, and js alone. Asked for FreeBSD, it
# says that the package has no documentation, though it has the same as for macOS.
set -euo pipefail

dir=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=go1.26.8 GOFLAGS= GOWORK=off

GOBIN=$dir/bin go install golang.org/x/pkgsite/cmd/pkgsite@v0.6.0
mkdir module
cd module
cat > go.mod <<'EOF'
module example.com/module

go 1.26.0
EOF
for os in linux darwin freebsd; do
	printf '%s\n' '// Package module differs.' 'package module' '' \
		"// Fetch works on $os." 'func Fetch() {}' > module_$os.go
done

address=127.0.0.1:$((20000 + RANDOM % 10000))
../bin/pkgsite -http="$address" . 2> ../log &
server=$!
until curl -sf "$address" > /dev/null; do
	kill -0 "$server" # ends the script if the server has ended
	sleep 0.1
done

seen=$(for os in linux darwin freebsd; do
	curl -sSf "$address/example.com/module?GOOS=$os" > ../page
	echo "?GOOS=$os: $(grep -oE 'Fetch works on [a-z]+|There is no documentation' ../page)"
done)
echo "$seen"
if ! diff - <(echo "$seen") <<'EOF'
?GOOS=linux: Fetch works on linux
?GOOS=darwin: Fetch works on darwin
?GOOS=freebsd: There is no documentation
EOF
then
	echo "CHANGED" >&2
	exit 1
fi
