#!/bin/sh
# Print the directory of a Python environment that holds the packages of .ci/NAME.txt,
# made below .ci/cache where it is missing or the list has changed:
#
#   venv=$(.ci/python.sh export)
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=$here/cache/$1

# The copy of the list, written last, says that the environment is complete.
if ! cmp -s "$here/$1.txt" "$venv/installed.txt"; then
	mkdir -p "$here/cache/tmp"
	python3 -m venv --clear "$venv" >&2
	TMPDIR=$here/cache/tmp "$venv/bin/python" -m pip install --quiet --no-cache-dir \
		--disable-pip-version-check --only-binary :all: -r "$here/$1.txt" >&2
	cp "$here/$1.txt" "$venv/installed.txt"
fi
echo "$venv"
