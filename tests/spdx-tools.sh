#!/bin/bash
# Validates SPDX documents (paths as arguments) with the SPDX workgroup's own tools, which are installed once, in pinned
# versions with their checksums, into a cache outside of the checkout.
set -euo pipefail
packages=$(dirname "${BASH_SOURCE[0]}")/spdx-tools.txt
read -r checksum _ < <(sha256sum "$packages")
cache=${STACK_LINT_CACHE:-/var/cache/jupyter-stack}/spdx-tools-${checksum:0:12}

if [[ ! -e $cache/complete ]]; then
  mkdir -p "$cache"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$packages"
  touch "$cache/complete"
fi
for document; do
  "$cache/venv/bin/pyspdxtools" --infile "$document"
done
