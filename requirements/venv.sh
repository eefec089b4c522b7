#!/bin/sh
# Make .venv with the newest Python that works; a pyenv shim, for one, can be on PATH and still fail.
set -eu

enough='import sys; sys.exit(sys.version_info < (3, 11))'
tried=${1:-python3.13 python3.12 python3.11 python3 python}
without_venv=

for python in $tried; do
    "$python" -c "$enough" >/dev/null 2>&1 || continue
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        without_venv=$python
        continue
    fi
    echo "Making .venv with $("$python" --version) …"
    "$python" -m venv --clear .venv
    pwd -P >.venv/checkout
    exit 0
done

if [ -n "$without_venv" ]; then
    echo "$without_venv has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)." >&2
elif [ $# -gt 0 ]; then
    echo "$1 is not a Python of version 3.11 or newer." >&2
else
    echo "Python 3.11 or newer was not found: install it, or name it, as in: make run PYTHON=/path/to/python3" >&2
fi
exit 1
