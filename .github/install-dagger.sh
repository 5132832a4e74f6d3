#!/bin/bash
# Puts the dagger CLI of dagger.json's engineVersion on PATH for the steps that follow. One that is there already, as on
# a prepared self-hosted runner, is taken; else the release is downloaded and must have the checksum below.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
version=$(sed -n 's/.*"engineVersion": *"v\([^"]*\)".*/\1/p' "$root/dagger.json")
: "${version:?dagger.json names no engineVersion}"
releases=${DAGGER_RELEASES:-https://dl.dagger.io/dagger/releases}

# SHA-256 of dagger_v<version>_linux_<architecture>.tar.gz; a new engineVersion needs new lines here.
declare -A checksums=(
  [0.19.10_amd64]=3c9dfb11e8df8a21133843789a9dc9c9477176e45ebf00442a38bcf9cba4920a
  [0.19.10_arm64]=2e505f6d1c5985a00d6c6a3a126761c4bfb5ba128186565921ac402520bad8c6
)

fail() {
  echo "::error title=dagger CLI::$*"
  exit 1
}

if command -v dagger >/dev/null && [[ $(dagger version) == "dagger v$version "* ]]; then
  echo "dagger v$version is there: $(command -v dagger)"
  exit 0
fi

case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) fail "there is no release for $(uname -m)" ;;
esac
checksum=${checksums[${version}_$architecture]-}
[[ -n $checksum ]] || fail "install-dagger.sh has no checksum for dagger $version on $architecture"

folder=${RUNNER_TEMP:?}/dagger-v$version
archive=$folder/dagger.tar.gz
mkdir -p "$folder"
curl --fail --silent --show-error --location --retry 5 --retry-all-errors --output "$archive" \
  "$releases/$version/dagger_v${version}_linux_$architecture.tar.gz"
echo "$checksum  $archive" | sha256sum --check --status ||
  fail "the downloaded archive has the checksum $(sha256sum "$archive" | cut -d' ' -f1), not $checksum"
tar --extract --gzip --file "$archive" --directory "$folder" dagger
echo "$folder" >>"${GITHUB_PATH:?}"
echo "dagger v$version installed into $folder"
