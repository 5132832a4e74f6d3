#!/bin/bash
# Lints what is in .github, and what new-stack writes there, with actionlint, zizmor (its strictest persona) and shellcheck,
# with no finding allowed. Pinned versions are installed once, from Go's and Python's package registries, checked against
# their checksums, into a cache outside of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

actionlint=v1.7.12
packages=tests/zizmor.txt
read -r checksum _ < <(sha256sum "$packages")
cache=${STACK_LINT_CACHE:-/var/cache/jupyter-stack}/workflow-linters-$actionlint-${checksum:0:12}

if [[ ! -e $cache/complete ]]; then
  mkdir -p "$cache"
  GOBIN=$cache GOFLAGS=-mod=mod go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: --requirement "$packages"
  touch "$cache/complete"
fi

written=$(mktemp -d)
trap 'rm -rf "$written"' EXIT
dagger/node_modules/.bin/tsx tests/support/writeStarter.ts "$written"

# It does not know yet what tells a called workflow whose it is: github.com/rhysd/actionlint/issues/705.
own='^property "workflow_(repository|sha)" is not defined in object type \{check_run_id'
"$cache/actionlint" -color=false -ignore "$own"
"$cache/actionlint" -color=false "$written"/.github/workflows/*.yml
# Offline: it asks nobody about the actions' versions.
"$cache/venv/bin/zizmor" --offline --quiet --persona=auditor .github "$written/.github"
shellcheck -x -a .github/*.sh
