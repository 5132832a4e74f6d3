#!/bin/bash
# update-python.sh [UV OPTION...]: makes every lock file of Python packages anew from its *.in, the root's first; with
# --upgrade to the newest versions. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
extra=("$@")

# compile MACHINE INPUT [OPTION...]: for an image on that kind of machine, which compiles no package.
compile() {
  uv pip compile "$2" --quiet --no-header --python-version 3.13 --python-platform "$1-manylinux_2_40" \
    --only-binary :all: "${@:3}" "${extra[@]}"
}

# lock MACHINE FOLDER INPUT OUTPUT [OPTION...]: paths stay relative, because they become comments of the lock file.
lock() {
  (cd "$2" && compile "$1" "$3" --output-file "$4" --generate-hashes "${@:5}" >/dev/null)
}

# lock_all FOLDER INPUT OUTPUT: one file for all platforms: uv writes down the hashes of every file of a version. Made for
# arm64, because what has wheels for that one has them for amd64; that these are the same packages there is checked.
lock_all() {
  local for_amd64
  lock aarch64 "$@"
  for_amd64=$(cd "$1" && compile x86_64 "$2" --constraint "$3" | pins)
  diff <(pins <"$1/$3") - <<<"$for_amd64" || {
    echo "$1/$3: arm64 (<) and amd64 (>) need other packages, and so a lock each, as in scipy-ml-notebook" >&2
    exit 1
  }
}

# pins: the packages of a lock file with their versions.
pins() { grep -o '^[A-Za-z0-9][^ ;]*==[^ ;]*'; }

lock_all datascience-notebook/python bootstrap.in bootstrap.txt
lock_all datascience-notebook/python requirements.in requirements.txt
lock_all rstudio-notebook/python requirements.in requirements.txt
lock x86_64 scipy-ml-notebook/python gpu.in gpu-amd64.txt
lock x86_64 scipy-ml-notebook/python cpu.in cpu-amd64.txt --override cpu-overrides.txt
lock aarch64 scipy-ml-notebook/python cpu.in cpu-arm64.txt
