#!/bin/sh
# Study the small real models and write the pages of example_test/study, and the one
# that sets them beside each other. Hours on two cores; interrupted, it goes on where it
# stopped. Without names it is gemma and smollm2. qwen takes about ten times as long a
# call: its study is smaller unless SIZE says otherwise, and shows fewer demonstrations.
#
#   .ci/studies.sh
#   SIZE=2000 .ci/studies.sh gemma smollm2 qwen
set -eu
cd "$(dirname "$0")/.."
export SAFETYTEST_CONCURRENCY=4 SAFETYTEST_MAX_TOKENS=32 SAFETYTEST_TEMPERATURE=0.8 SAFETYTEST_ALLOW=cut,window SAFETYTEST_MAX_AGE=96h
go build -o .ci/cache/safetytest ./safetytest/cmd/safetytest
[ $# -gt 0 ] || set -- gemma smollm2
for model; do
	size=${SIZE:-500} factors= SAFETYTEST_MAX_TOKENS=32
	case $model in
	gemma) page=gemma-3-270m ;;
	smollm2) page=smollm2-135m-instruct ;;
	qwen)
		page=qwen2.5-coder-1.5b-instruct size=${SIZE:-200} factors='-counts 0,1,3 -padding 0,40'
		SAFETYTEST_MAX_TOKENS=20
		;;
	*)
		echo "studies.sh: there is no model \"$model\": the models are gemma, smollm2 and qwen" >&2
		exit 2
		;;
	esac
	export SAFETYTEST_DIR="$PWD/.ci/cache/studies/$model-$size"
	# The port is another each time, which auto takes for another endpoint.
	SAFETYTEST_REPLIES=fresh
	[ ! -d "$SAFETYTEST_DIR" ] || SAFETYTEST_REPLIES=resume
	export SAFETYTEST_REPLIES
	.ci/real_model.sh --model "$model" sh -c ".ci/cache/safetytest study -size $size $factors -o example_test/study/$page.md -weights \"\$REAL_MODEL_FILE\""
done
set -- example_test/study/*.json
.ci/cache/safetytest study -compare "$@" -o example_test/study/compare.md
