#!/bin/bash
# Runs the engine as the first process of its own process and mount name spaces, so that whatever it starts ends with
# it, and what it writes outside its state directory (/etc, /run, /var/lib/cni) never reaches the host.
# The caller sets the engine's environment; it is not meant to be called by hand.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/network.sh
source "$engine_dir/lib/network.sh"

private=$run_dir/private
mount -t tmpfs -o mode=755 stack-engine "$private"

# The engine mounts over /etc/resolv.conf, and runs update-ca-certificates and c_rehash when the host has certificates
# of its own: on copies.
cp -a /etc "$private/etc"
cp --remove-destination -L /etc/resolv.conf "$private/etc/resolv.conf"
mkdir -p "$private/etc/dagger"
cp "$run_dir/engine.json" "$private/etc/dagger/engine.json"
if [[ -d /usr/local/share/ca-certificates ]]; then
  cp -a /usr/local/share/ca-certificates "$private/ca-certificates"
  mount --bind "$private/ca-certificates" /usr/local/share/ca-certificates
fi
mount --bind "$private/etc" /etc
mount -t tmpfs -o mode=755 stack-engine /run
mount -t tmpfs -o mode=755 stack-engine /var/lib/cni

# The engine's dnsmasq would listen on every address of the host; on the bridge alone it gets along with a resolver
# on a loopback address, and serves nobody else.
mkdir "$private/bin"
printf '#!/bin/sh\nexec %s --bind-dynamic "$@"\n' "$(command -v dnsmasq)" >"$private/bin/dnsmasq"
chmod 755 "$private/bin/dnsmasq"
export PATH=$private/bin:$PATH

ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -Hn)"
delete_all_rules
"$home/bin/libexec/engine" --config "$private/none.toml" --root "$home/state" --addr "unix://$engine_socket" \
  --network-name "$network_name" --network-cidr "$network" --oci-cni-binary-dir "$home/cni" &
engine=$!

# The first process of a name space gets no signal it has not asked for; bash also buries the orphans.
trap 'kill -TERM "$engine" 2>/dev/null' TERM INT
status=0
while kill -0 "$engine" 2>/dev/null; do
  status=0
  wait "$engine" || status=$?
done
delete_all_rules
exit "$status"
