#!/usr/bin/env bash
# Guess: entr, which is written for kqueue and brings a kevent of its own for
# Linux, runs its command there too at each write to a file (NOTE_WRITE).
# Version: entr as Debian has it (5.3-1), Linux. Needs apt-get and dpkg.
# Seen: its kevent waits for inotify's "closed after writing". What is written to
# a log that stays open starts nothing, until the writer closes the file.
set -euo pipefail

dir=$(mktemp -d)
entr=
trap '[[ -z $entr ]] || kill "$entr" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq entr=5.3-1 libbsd0=0.11.7-2 libmd0=1.0.4-2
for package in *.deb; do
	dpkg -x "$package" .
done
export LD_LIBRARY_PATH=$dir/usr/lib/x86_64-linux-gnu:$dir/lib/x86_64-linux-gnu

# wait_for N waits until the command has run N times.
wait_for() {
	for ((i = 0; i < 200; i++)); do
		if (( $(grep -c run runs) >= $1 )); then
			return
		fi
		sleep 0.1
	done
	echo "CHANGED: fewer than $1 runs" >&2
	exit 1
}

touch log runs
echo log > names
usr/bin/entr -n sh -c 'echo run >> runs' < names > /dev/null &
entr=$!
wait_for 1 # entr runs the command when it starts
sleep 1

exec 7>> log
for line in one two three; do
	echo "$line" >&7
	sleep 1
done
open=$(grep -c run runs)
exec 7>&-
wait_for $((open + 1))
echo "runs at the start: 1, after three writes: $open, after close: $(grep -c run runs)"
if ((open != 1)); then
	echo "CHANGED: a write starts the command" >&2
	exit 1
fi
