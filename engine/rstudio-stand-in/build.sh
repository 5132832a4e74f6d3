#!/bin/bash
# build.sh FOLDER: writes rstudio-server-stand-in.deb into FOLDER and prints its path and its sha256. The same files
# make the same bytes everywhere: fixed times, owners and modes, no compression.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:?build.sh: the folder to write to}
export SOURCE_DATE_EPOCH=1704067200 LC_ALL=C TZ=UTC
umask 022

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
install -D -m 755 "$here/rserver" "$tree/usr/lib/rstudio-server/bin/rserver"
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<'CONTROL'
Package: rstudio-server
Version: 0~stand-in
Architecture: all
Maintainer: The stack's maintainers <root@localhost>
Depends: python3, r-base-core
Section: science
Priority: optional
Description: stands in for RStudio Server in tests
 Starts and answers as RStudio Server does for jupyter-rsession-proxy; there is no RStudio in it.
CONTROL
# mktemp makes its folder for the owner only.
chmod 755 "$tree"
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$folder"
package=$folder/rstudio-server-stand-in.deb
dpkg-deb --root-owner-group -Znone --build "$tree" "$package" >/dev/null
printf '%s %s\n' "$package" "$(sha256sum "$package" | cut -d ' ' -f 1)"
