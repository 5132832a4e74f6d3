#!/bin/bash
# update-python.sh [UV OPTION...]: makes every lock file of Python packages anew from its *.in, the root's first; with
# --upgrade to the newest versions. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
extra=("$@")

# lock FOLDER INPUT OUTPUT [OPTION...]: paths stay relative, because they become comments of the lock file.
lock() {
  (cd "$1" && uv pip compile "$2" --output-file "$3" --quiet --no-header --generate-hashes \
    --python-version 3.13 --python-platform x86_64-manylinux_2_40 "${@:4}" "${extra[@]}" >/dev/null)
}

lock datascience-notebook/python bootstrap.in bootstrap.txt
lock datascience-notebook/python requirements.in requirements.txt
lock rstudio-notebook/python requirements.in requirements.txt
lock scipy-ml-notebook/python gpu.in gpu.txt
lock scipy-ml-notebook/python cpu.in cpu.txt --override cpu-overrides.txt
