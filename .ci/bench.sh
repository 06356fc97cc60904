#!/usr/bin/env bash
# Compare this commit with the one before it, as a report that decides nothing:
# benchmarks, by benchstat, and the exported API, by apidiff.
#
#   .ci/bench.sh             the commit before HEAD
#   .ci/bench.sh COMMIT      another one
#
# The benchmarks of both commits run in turn, six times, so that what else the
# machine does falls on both. Tools come from .ci/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

before=${1:-HEAD^}
if ! commit=$(git rev-parse --quiet --verify "$before^{commit}"); then
	echo "nothing is compared: $before is not in this clone, which may be a shallow one"
	exit 0
fi

here=$PWD
cache=$here/.ci/cache/bench
rm -rf "$cache"
mkdir -p "$cache/tree"
git archive "$commit" | tar -x -C "$cache/tree"
bin=$here/.ci/cache/bin
go build -C .ci/tools -o "$bin/" golang.org/x/perf/cmd/benchstat golang.org/x/exp/cmd/apidiff

# Package, benchmarks, and how long or how often each is run. Gate makes 2,000 calls of a
# gate and as many in a bare loop: wall/bare is what the harness costs.
benchmarks='
./safetytest                Gate/512       1x
./safetytest/internal/record     Ask              20ms
./safetytest/evidence       Look           20ms
./safetytest/internal/simulated  Model          20ms
./safetytest/judge/refusal  Refusal/short  20ms
'
run() { # run TREE NAME
	local package pattern time
	while read -r package pattern time; do
		[ -x "$cache/$2/$package.test" ] || continue
		(cd "$1/$package" && "$cache/$2/$package.test" -test.run '^$' -test.bench "$pattern" -test.benchtime "$time" -test.timeout 5m) \
			>>"$cache/$2.txt" 2>&1 || true
	done <<<"$benchmarks"
}
build() { # build TREE NAME
	local package pattern time
	while read -r package pattern time; do
		[ -n "$package" ] || continue
		mkdir -p "$cache/$2/$package"
		(cd "$1" && go test -vet=off -c -o "$cache/$2/$package.test" "$package") >"$cache/build.txt" 2>&1 ||
			echo "no benchmarks of $package for $2: $(tail -n 1 "$cache/build.txt")"
	done <<<"$benchmarks"
}
build "$cache/tree" before
build "$here" now
for _ in 1 2 3 4 5 6; do
	run "$cache/tree" before
	run "$here" now
done
(cd "$cache" && "$bin/benchstat" before.txt now.txt) 2>&1 || true

echo
echo "exported API since $(git rev-parse --short "$commit"):"
module=$(go list -m)
# It says on standard error which internal packages it leaves out.
api() { (cd "$1" && "$bin/apidiff" -m -w "$cache/$2.api" "$module" 2>"$cache/$2.said") || (cat "$cache/$2.said" && false); }
if api "$cache/tree" before && api "$here" now; then
	"$bin/apidiff" -m "$cache/before.api" "$cache/now.api" >"$cache/api.txt" 2>&1 || true
	grep -v '^Ignoring internal package' "$cache/api.txt" || echo "no change"
else
	echo "not compared"
fi
