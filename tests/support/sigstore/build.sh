#!/bin/bash
# Prints the path of a program of Sigstore (cosign, fulcio or timestamp-server), which it builds once from its Go module, as
# <program>/go.mod and go.sum pin it, into a cache outside of the checkout.
set -euo pipefail
program=$1
cd "$(dirname "${BASH_SOURCE[0]}")/$program"
read -r checksum _ < <(cat go.mod go.sum | sha256sum)
cache=${STACK_LINT_CACHE:-/var/cache/jupyter-stack}/$program-${checksum:0:12}

mkdir -p "$cache"
# Test files that run beside each other want the same program.
exec 9>"$cache/lock"
flock 9
if [[ ! -x $cache/$program ]]; then
  package=$(awk '$1 == "tool" { print $2 }' go.mod)
  CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags="-s -w" -o "$cache/.$program" "$package" >&2
  mv "$cache/.$program" "$cache/$program"
fi
echo "$cache/$program"
