#!/bin/sh
# Starts the engine in its container, with the arguments that the CLI gives.
set -e
# Where all processes are in the container's own group, it can have no groups below it (cgroup v2).
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs || true
  sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
exec dagger-engine --config /etc/dagger/engine.toml --oci-cni-binary-dir /opt/cni "$@"
