#!/usr/bin/env bash
# Guess: a comment on a constant is formatted alike whether the constant stands
# alone or in a group "const ( … )": a doc link such as [Other] becomes a link.
# Version: golang.org/x/pkgsite v0.6.0, which runs pkg.go.dev, and Go 1.26.8.
# Needs curl.
# Seen: the comments inside a group are shown as source text. A bare URL in them
# still becomes a link, but a doc link keeps its brackets.
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
cat > module.go <<'EOF'
// Package module has constants.
package module

// Alone is not [Other], says https://example.com/alone.
const Alone = 1

const (
	// Grouped is not [Other], says https://example.com/grouped.
	Grouped = 2

	// Other is another.
	Other = 3
)
EOF

address=127.0.0.1:$((20000 + RANDOM % 10000))
../bin/pkgsite -http="$address" . 2> ../log &
server=$!
until curl -sf "$address" > /dev/null; do
	kill -0 "$server" # ends the script if the server has ended
	sleep 0.1
done
curl -sSf "$address/example.com/module" > ../page

alone=$(grep 'Alone is not' ../page)
grouped=$(grep 'Grouped is not' ../page)
echo "$alone"
echo "$grouped"
grep -q '<a href="#Other">Other</a>' <<< "$alone"
grep -q '<a href="https://example.com/grouped">' <<< "$grouped"
if ! grep -qF '[Other]' <<< "$grouped"; then
	echo "CHANGED: a doc link in a group is a link" >&2
	exit 1
fi
