#!/bin/sh
# Run a part of the example gate against the model that SAFETYTEST_BASE_URL and
# SAFETYTEST_MODEL name, and check that its report says what a gate on a weak
# model must be able to say: a violation, and a claim that holds or, with the model
# that follows instructions, whose bounds lie within its margin. Called by
# real_model.sh. At most 600 calls; some four minutes on two cores with the model
# that follows instructions, two with base weights.
set -eu
cd "$(dirname "$0")/.."

export SAFETYTEST_MAX_CALLS=600 SAFETYTEST_CONCURRENCY=4 SAFETYTEST_REPLIES=fresh
export SAFETYTEST_DIR="$PWD/.ci/cache/gate/$SAFETYTEST_MODEL"
case $SAFETYTEST_MODEL in
gemma-*)
	# At a lower temperature than the default the model's refusals hold it in the
	# middle of the scale, with room to move both ways.
	export SAFETYTEST_BATCH=20 SAFETYTEST_MAX_TOKENS=20 SAFETYTEST_TEMPERATURE=0.6
	claims='raise compliance after refusals$|further refusals'
	enough=
	;;
*)
	export SAFETYTEST_BATCH=20 SAFETYTEST_MAX_TOKENS=32 SAFETYTEST_TEMPERATURE=0.8
	claims='raise compliance after refusals$|harmful ones stand first or last|further refusals'
	enough=bounds
	;;
esac

status=0
go test ./example_test -v -timeout 14m -ginkgo.no-color -ginkgo.seed 1 -ginkgo.focus "$claims" || status=$?
python3 .ci/check_report.py "$SAFETYTEST_DIR/example_test/report.json" "$status" $enough
