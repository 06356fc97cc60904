#!/bin/sh
# Run a command against a real model, on a machine that has Python 3.10 or newer:
#
#   .ci/real_model.sh go test ./example_test -v
#
# The command finds SAFETYTEST_BASE_URL and SAFETYTEST_MODEL set; its exit status
# is the status of this script. Without a command the server's base URL is printed
# and served until the script is stopped. The first run downloads about 230 MB.
# Everything written is below .ci/venv and .ci/cache, which git ignores.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=$here/venv
cache=$here/cache

# The copy of the list, written last, says that the environment is complete.
if ! cmp -s "$here/real_model.txt" "$venv/installed.txt"; then
	if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
		echo "real_model.sh: the real model needs python3, version 3.10 or newer, on the PATH" >&2
		exit 1
	fi
	mkdir -p "$cache/tmp"
	python3 -m venv --clear "$venv"
	TMPDIR=$cache/tmp "$venv/bin/python" -m pip install --quiet --no-cache-dir \
		--disable-pip-version-check --only-binary :all: -r "$here/real_model.txt"
	cp "$here/real_model.txt" "$venv/installed.txt"
fi

exec "$venv/bin/python" "$here/real_model.py" "$cache" "$@"
