#!/bin/sh
# Run a small study of the model that SAFETYTEST_BASE_URL and SAFETYTEST_MODEL name, and
# check that it was asked whole and says what the model's replies show. Called by
# real_model.sh; some two minutes on two cores for the 150 calls of CI, four for the 300
# that it makes by itself:
#
#   .ci/real_model.sh --model gemma .ci/study.sh
#
# With SAFETYTEST_REPLIES=resume it goes on where it was interrupted.
set -eu
cd "$(dirname "$0")/.."

size=${1:-300}
export SAFETYTEST_CONCURRENCY=2 SAFETYTEST_REPLIES="${SAFETYTEST_REPLIES:-fresh}" SAFETYTEST_MAX_CALLS=$((size + 100))
# As in real_gate.sh: the first words of models so small decide, and they lose numbers
# that stand far back in a window that is known to be large enough.
export SAFETYTEST_MAX_TOKENS=20 SAFETYTEST_TEMPERATURE=0.8 SAFETYTEST_ALLOW=cut,window
export SAFETYTEST_DIR="$PWD/.ci/cache/study/record"
page=$PWD/.ci/cache/study/page.md

mkdir -p "$(dirname "$page")"
go run ./safetytest/cmd/safetytest study -size "$size" -counts 0,1,2 -padding 0,60 -o "$page" ${REAL_MODEL_FILE:+-weights "$REAL_MODEL_FILE"}
python3 .ci/check_study.py "${page%.md}.json" "$size"
