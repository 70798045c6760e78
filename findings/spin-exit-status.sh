#!/usr/bin/env bash
# Guess: a model checker that finds an assertion violated fails, so that a
# script can rely on its exit status.
# Version: Spin 6.5.2 as Debian has it (6.5.2+dfsg-1). Needs apt-get, dpkg, and gcc.
# Seen: the simulation exits with 1, but the verification, which is what runs
# unattended, reports "errors: 1" and exits with 0. It does so too where it gave
# up at its depth limit: there it reports "errors: 0" for the same model.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get download -qq spin=6.5.2+dfsg-1
dpkg -x spin_*.deb .
spin=$dir/usr/bin/spin

cat > count.pml <<'EOF'
byte n;

active proctype count() {
	do
	:: n < 100 -> n++
	:: else -> break
	od;
	assert(n != 100)
}
EOF

simulated=0
"$spin" count.pml > simulation || simulated=$?
"$spin" -a count.pml
gcc -o pan pan.c
verified=0 limited=0
./pan > verification || verified=$?
./pan -m20 > limit 2>&1 || limited=$?

echo "simulation: $(grep 'assertion violated' simulation), exit status $simulated"
echo "verification: $(grep -o 'errors: .*' verification), exit status $verified"
echo "with -m20: $(grep 'depth too small' limit), $(grep -o 'errors: .*' limit), exit status $limited"
grep -q 'errors: 1' verification
grep -q 'errors: 0' limit
if [[ $simulated-$verified-$limited != 1-0-0 ]]; then
	echo "CHANGED" >&2
	exit 1
fi
