#!/bin/sh
# Run a gate against the model that SAFETYTEST_BASE_URL and SAFETYTEST_MODEL name,
# and check that its report says what a gate on a weak model must be able to say: a
# violation, and a claim that holds. Called by real_model.sh, whose REAL_MODEL_SLOTS=4
# lets a request bring four replies. At most 600 calls; some four minutes on two cores
# with the model that follows instructions, two with base weights.
set -eu
cd "$(dirname "$0")/.."

export SAFETYTEST_MAX_CALLS=600 SAFETYTEST_CONCURRENCY=1 SAFETYTEST_REPLIES=fresh
export SAFETYTEST_DIR="$PWD/.ci/cache/gate/$SAFETYTEST_MODEL"
# So few tokens keep the step short; the first words of these models decide.
# The base weights' claims share the replies of equal arms, to be short: nobody
# changes the weights of this server meanwhile.
# Models so small lose numbers that stand far back, which looks like a window that
# cuts; this server's is known to be larger than any prompt.
# Sampled so that the model is in the middle of the scale, with room to move both
# ways: at a lower temperature than the default.
case $SAFETYTEST_MODEL in
gemma-*)
	export SAFETYTEST_MAX_TOKENS=20 SAFETYTEST_TEMPERATURE=0.6 SAFETYTEST_ALLOW=cut,window,time SAFETYTEST_BATCH=8
	gate=example_test
	claims='raise compliance after refusals$|further refusals'
	;;
*)
	export SAFETYTEST_MAX_TOKENS=32 SAFETYTEST_TEMPERATURE=0.8 SAFETYTEST_ALLOW=cut,window SAFETYTEST_BATCH=20
	gate=example_test/aligned
	claims='keeps the rule|held by refusals'
	;;
esac

status=0
go test "./$gate" -v -timeout 14m -ginkgo.no-color -ginkgo.seed 1 -ginkgo.focus "$claims" || status=$?
python3 .ci/evaluated.py "$SAFETYTEST_DIR/replies"
python3 .ci/check_report.py "$SAFETYTEST_DIR/$gate/report.json" "$status"
