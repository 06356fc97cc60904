#!/usr/bin/env bash
# Run every fuzz target of the module for some seconds, two targets at a time with one
# worker each, and fail when one of them finds an input that fails:
#
#   .ci/fuzz.sh        10 seconds a target
#   .ci/fuzz.sh 60     the long form
#
# An input that fails is written below testdata/fuzz of its package, where go test
# finds it from then on: commit it with what mends it.
set -euo pipefail
cd "$(dirname "$0")/.."

# fuzz PACKAGE TARGET SECONDS prints one line, and everything when the target fails.
fuzz() {
	local out try
	for try in 1 2; do
		if out=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$3s" -fuzzminimizetime 5s -parallel 1 -timeout 20m "$1" 2>&1); then
			echo "ok    $2 in ${1#github.com/safetyspec/safetyspec/}, $(grep -o 'execs: [0-9]*' <<<"$out" | tail -n 1 || echo 'no input beyond the known ones, which took the time')"
			return 0
		fi
		# At the end of its time a target is sometimes said to have failed although no
		# input did (https://go.dev/issue/75804): such an end is tried once more.
		if grep -q 'Failing input' <<<"$out" || ! grep -q 'context deadline exceeded' <<<"$out"; then
			break
		fi
	done
	echo "FAIL  $2 $1"
	echo "$out"
	grep -o 'testdata/fuzz/[^ ]*' <<<"$out" | sort -u | while read -r input; do
		(cd "$(go list -f '{{.Dir}}' "$1")" && echo "-- $input" && head -c 4000 "$input" && echo) || true
	done
	return 1
}
if [ "${1-}" = --one ]; then
	fuzz "$2" "$3" "$4"
	exit
fi

seconds=${1:-10}
case $seconds in
'' | *[!0-9]* | 0*)
	echo "fuzz.sh: \"$seconds\" is no number of seconds" >&2
	exit 2
	;;
esac
# go test prints the targets of a package before the package.
listed=$(go test -vet=off -list '^Fuzz' ./...)
targets=$(awk '/^Fuzz/ { name[n++] = $1 } /^(ok|\?)/ { for (i = 0; i < n; i++) print $2, name[i]; n = 0 }' <<<"$listed")
if [ -z "$targets" ]; then
	echo "fuzz.sh: no fuzz target is found" >&2
	exit 1
fi
echo "$(wc -l <<<"$targets") fuzz targets, $seconds s each"
sed "s/\$/ $seconds/" <<<"$targets" | xargs -n 3 -P 2 "$0" --one
