#!/bin/bash
# Lints .github/workflows with actionlint and zizmor, both with no finding allowed. Pinned versions are installed once,
# from Go's and Python's package registries, into a cache outside of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

actionlint=v1.7.12
zizmor=1.32.0
cache=${STACK_LINT_CACHE:-/var/cache/jupyter-stack}/workflow-linters-$actionlint-$zizmor

if [[ ! -e $cache/complete ]]; then
  mkdir -p "$cache"
  GOBIN=$cache GOFLAGS=-mod=mod go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check "zizmor==$zizmor"
  touch "$cache/complete"
fi

"$cache/actionlint" -color=false
# Offline: it asks nobody about the actions' versions.
"$cache/venv/bin/zizmor" --offline --quiet --persona=pedantic .github/workflows
