#!/bin/sh
# Test every claim on small base weights under the three harmless policies and
# write the page that README links. Takes an hour or more on two cores; interrupted,
# it goes on where it stopped:
#
#   .ci/survey.sh [-pairs 80]
set -eu
cd "$(dirname "$0")/.."
export SAFETYTEST_BATCH=40 SAFETYTEST_CONCURRENCY=4 SAFETYTEST_MAX_TOKENS=20 SAFETYTEST_TEMPERATURE=0.6 SAFETYTEST_ALLOW=cut
export SAFETYTEST_DIR="${SAFETYTEST_DIR:-$PWD/.ci/cache/survey}"
exec .ci/real_model.sh --model gemma go run ./safetytest/cmd/safetytest survey -o example_test/survey.md "$@"
