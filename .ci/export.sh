#!/bin/sh
# Export a recorded run in every format, and read it by the code of docs/export.md with
# pandas. The first run installs pandas below .ci/cache, in some seconds.
set -eu
cd "$(dirname "$0")/.."
venv=$(.ci/python.sh export)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SAFETYTEST_DIR="$work/run"
if SAFETYTEST_MODEL=sim:recency go test ./example_test >"$work/log.txt" 2>&1; then
	cat "$work/log.txt"
	echo "sim:recency passed the gate" >&2
	exit 1
fi
go build -o "$work/safetytest" ./safetytest/cmd/safetytest
for format in csv jsonl parquet; do
	"$work/safetytest" export -format "$format" -texts -o "$work/run.$format"
done
"$venv/bin/python" .ci/export.py docs/export.md "$work"
