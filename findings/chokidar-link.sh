#!/usr/bin/env bash
# Guess: chokidar reports a change of a file when its contents or its times have
# changed; a second name for it, which changes neither, is not reported.
# Version: chokidar 5.0.0 and 6.0.0, Node.js 20 or later, Linux. Needs npm.
# Seen: with 5.0.0 that depends on who has read the file. Until it is read for the
# first time after a write, its access time is no later than its modification
# time, and link(2) is reported as a change; afterwards it is not. 6.0.0 reports
# neither.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm install --silent --no-audit --no-fund --prefix . \
	chokidar5@npm:chokidar@5.0.0 chokidar6@npm:chokidar@6.0.0
cat > main.mjs <<'END'
import fs from 'node:fs';

for (const version of ['chokidar5', 'chokidar6']) {
	const {watch} = await import(version);
	for (const read of [false, true]) {
		const name = `${version}-${read}`;
		fs.writeFileSync(name, 'text');
		// What a read does on a file system that keeps access times.
		const written = new Date(Date.now() - 60000);
		fs.utimesSync(name, read ? new Date() : written, written);

		const seen = [];
		const watcher = watch(name, {ignoreInitial: true});
		watcher.on('all', (event) => seen.push(event));
		await new Promise((ready) => watcher.on('ready', ready));
		await new Promise((done) => setTimeout(done, 500));
		fs.linkSync(name, `${name}-link`);
		await new Promise((done) => setTimeout(done, 1500));
		console.log(`${version}, ${read ? 'read' : 'not read'}: ${seen.join(' ') || 'nothing'}`);
		await watcher.close();
	}
}
END

seen=$(node main.mjs)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
chokidar5, not read: change
chokidar5, read: nothing
chokidar6, not read: nothing
chokidar6, read: nothing
END
then
	echo "CHANGED" >&2
	exit 1
fi
