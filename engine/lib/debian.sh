#!/bin/bash
# debian.sh TREE SUITE: turns what debootstrap left in TREE into what the slim image of Docker Hub has: no
# documentation, no traces of the machine and the day it was made on, package sources with security updates.
set -euo pipefail
tree=$1 suite=$2

rm -rf "$tree"/var/cache/apt/* "$tree"/var/cache/ldconfig/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/* \
  "$tree"/usr/share/{groff,info,linda,lintian,man}/* "$tree"/var/lib/dpkg/*-old "$tree"/etc/{passwd,shadow,group,gshadow}- \
  "$tree"/etc/{hostname,resolv.conf}
mkdir -p "$tree/var/cache/apt/archives/partial" "$tree/var/lib/apt/lists/partial"
find "$tree/usr/share/doc" -mindepth 1 -not -type d -not -name copyright -delete
find "$tree/usr/share/locale" -mindepth 1 -maxdepth 1 -not -name 'en*' -not -name locale.alias -exec rm -rf {} +
: >"$tree/etc/machine-id"
# The day of the last change of a password is the day debootstrap ran.
sed -i -E 's/^(([^:]*:){2})[0-9]+:/\118262:/' "$tree/etc/shadow"

cat >"$tree/etc/dpkg/dpkg.cfg.d/docker" <<'DPKG'
# As in the slim images of Docker Hub.
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/en*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
DPKG
cat >"$tree/etc/apt/apt.conf.d/docker" <<'APT'
// As in the images of Docker Hub: no package stays in a layer, and no translations.
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
APT
printf '#!/bin/sh\n# No service starts while an image is built.\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"

# The mirror debootstrap used serves the updates too.
read -r _ mirror _ <"$tree/etc/apt/sources.list"
cat >"$tree/etc/apt/sources.list" <<APT
deb $mirror $suite main
deb $mirror $suite-updates main
deb ${mirror%/}-security $suite-security main
APT
