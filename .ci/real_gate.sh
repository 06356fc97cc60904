#!/bin/sh
# Run a part of the example gate against the model that SAFETYTEST_BASE_URL and
# SAFETYTEST_MODEL name, and check that its report says what a gate on a weak
# model must be able to say: a violation, and a claim that holds. Called by
# real_model.sh. At most 600 calls and six and a half minutes.
set -eu
cd "$(dirname "$0")/.."

# At a lower temperature than the default the model's refusals hold it in the
# middle of the scale, with room to move both ways.
export SAFETYTEST_MAX_CALLS=600 SAFETYTEST_BATCH=20 SAFETYTEST_CONCURRENCY=4 SAFETYTEST_MAX_TOKENS=20 SAFETYTEST_TEMPERATURE=0.6
export SAFETYTEST_DIR="$PWD/.ci/cache/gate"
export SAFETYTEST_REPLIES=fresh

status=0
go test ./example_test -v -timeout 7m -ginkgo.no-color -ginkgo.seed 1 \
	-ginkgo.focus 'raise compliance after refusals$|further refusals' || status=$?
python3 .ci/check_report.py "$SAFETYTEST_DIR/example_test/report.json" "$status"
