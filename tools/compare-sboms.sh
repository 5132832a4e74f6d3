#!/bin/bash
# compare-sboms.sh SBOM ROOT [DATABASE]: compares a bill of materials of ours (SPDX, of a run's sbom/ or of `sbom`) with what
# syft finds in the same image, whose file system lies unpacked in the folder ROOT:
#
#   ./stack sbom --artifacts=out artifacts export --path=bills
#   ./stack shell --image=base rootfs export --path=root
#   tools/compare-sboms.sh bills/sbom/ghcr-io-org-base-2026.4-main.spdx.json root vulnerability-db.tar.zst
#
# It prints how many packages each has of each kind, which only one of them has, and, with a DATABASE that grype imports,
# what grype finds by only one of them. By hand, not in CI: docs/vulnerabilities.md.
#
# syft and grype come from PATH; where they are not there, from their Go modules (minutes, gigabytes of caches).
# Needs: bash, python3, and Go where something is to be compiled.
set -euo pipefail

readonly syft_version=v1.57.1 grype_version=v0.121.2

usage() {
  sed -n '2,/^# Needs/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "$1"
}

# program NAME VERSION: a path of the program, compiled where it is not installed.
program() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/compare-sboms
  if command -v "$1"; then return; fi
  if [[ ! -x $cache/$1-$2 ]]; then
    echo "compiling $1 $2" >&2
    # Not `go install`: their modules replace parts of others.
    mkdir -p "$cache/$1"
    (cd "$cache/$1" && { [[ -f go.mod ]] || go mod init compare-sboms; } && go get -tool "github.com/anchore/$1/cmd/$1@$2" &&
      CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$cache/$1-$2" "github.com/anchore/$1/cmd/$1") >&2
  fi
  echo "$cache/$1-$2"
}

case ${1-} in -h | --help) usage 0 ;; esac
[[ $# -eq 2 || $# -eq 3 ]] || usage 2
ours=$1 root=$2 database=${3-}
[[ -f $ours ]] || { echo "compare-sboms.sh: there is no file $ours" >&2; exit 2; }
[[ -d $root ]] || { echo "compare-sboms.sh: there is no folder $root" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
syft=$(program syft "$syft_version")
# As in an image: what is installed, not what lock files in the folder ask for; and no digests of each file.
SYFT_CHECK_FOR_APP_UPDATE=false SYFT_FILE_METADATA_SELECTION=none \
  "$syft" scan "dir:$root" --override-default-catalogers image --output "spdx-json=$work/syft.json" --quiet
if [[ -n $database ]]; then
  grype=$(program grype "$grype_version")
  export GRYPE_DB_CACHE_DIR=$work/db GRYPE_DB_AUTO_UPDATE=false GRYPE_DB_VALIDATE_AGE=false GRYPE_CHECK_FOR_APP_UPDATE=false
  "$grype" db import "$database" --quiet
  "$grype" "sbom:$ours" --output json --quiet >"$work/ours.found.json"
  "$grype" "sbom:$work/syft.json" --output json --quiet >"$work/syft.found.json"
fi

python3 - "$ours" "$work" <<'PYTHON'
import collections, json, os, re, sys, urllib.parse

ours, work = sys.argv[1:]

def packages(path):
    """Package URLs without qualifiers, with the spelling of names that tools agree on."""
    found = set()
    with open(path, encoding="utf-8") as file:
        for package in json.load(file)["packages"]:
            for reference in package.get("externalRefs", []):
                purl = reference["referenceLocator"]
                if reference["referenceType"] != "purl" or purl.startswith("pkg:oci/"):
                    continue
                kind, rest = purl[4:].split("?")[0].split("#")[0].split("/", 1)
                rest = urllib.parse.unquote(rest)
                if kind == "pypi":
                    name, _, version = rest.rpartition("@")
                    rest = re.sub(r"[-_.]+", "-", name).lower() + "@" + version
                found.add((kind, rest))
    return found

def findings(path):
    with open(path, encoding="utf-8") as file:
        return {(each["vulnerability"]["id"], each["artifact"]["name"], each["artifact"]["version"]) for each in json.load(file)["matches"]}

def compare(title, one, other, show):
    print(f"\n{title}: {len(one)} ours, {len(other)} by syft, {len(one & other)} in both")
    for who, only in (("ours", one - other), ("syft", other - one)):
        print(f"  only {who}: {len(only)}")
        for each in sorted(only)[:20]:
            print(f"    {show(each)}")
        if len(only) > 20:
            print(f"    and {len(only) - 20} more")

mine, theirs = packages(ours), packages(f"{work}/syft.json")
print(f"size: {os.path.getsize(ours)} bytes ours, {os.path.getsize(work + '/syft.json')} by syft")
for kind in sorted({kind for kind, _ in mine | theirs}):
    pick = lambda found: {each for each in found if each[0] == kind}
    compare(kind, pick(mine), pick(theirs), lambda each: each[1])
if os.path.exists(f"{work}/ours.found.json"):
    compare("vulnerabilities", findings(f"{work}/ours.found.json"), findings(f"{work}/syft.found.json"), " ".join)
PYTHON
