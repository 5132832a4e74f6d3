#!/bin/bash
# daemon.sh up|down FOLDER: a Docker daemon of a test's own, in process, mount and network name spaces of its own: one
# that the machine runs for itself is left alone, and what it starts, mounts and writes into iptables ends with it.
# On the machine itself there are an interface, three rules of iptables and a group of processes for as long as it runs;
# `down` removes them, also those of a daemon that was killed. The daemon finds the machine at 10.90.0.1.
set -euo pipefail
self=$(realpath "${BASH_SOURCE[0]}")
folder=$(realpath -m "$2")
readonly link=stack-docker outside=10.90.0.1 inside=10.90.0.2 containers=10.91.0.1/24
readonly group=/$link

up() {
  down
  mkdir -p "$folder"
  # Not the machine's own.
  echo '{}' >"$folder/daemon.json"
  setsid unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
    bash "$self" serve "$folder" </dev/null >"$folder/log" 2>&1 &
  local pid=$! first='' deadline=$((SECONDS + 60))
  echo "$pid" >"$folder/pid"
  until first=$(pgrep --parent "$pid"); do
    kill -0 "$pid" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
  ip link add "$link" type veth peer name eth0 netns "$first"
  ip address add "$outside/30" dev "$link"
  ip link set "$link" up
  rules insert
  until docker --host "unix://$folder/docker.sock" version >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 20 "$folder/log" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# serve: the daemon, as the first process of its name spaces.
serve() {
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
  ip link set lo up
  ip address add "$inside/30" dev eth0
  ip link set eth0 up
  ip route add default via "$outside"
  # On a tmpfs, so that it is gone with the name space.
  mount -t tmpfs -o mode=755 "$link" /run
  make_runtime
  dockerd --data-root "$folder/data" --exec-root /run/docker --pidfile /run/docker.pid \
    --host "unix://$folder/docker.sock" --bip "$containers" --cgroup-parent "$group" \
    --add-runtime "own=$folder/runtime" --default-runtime own \
    --config-file "$folder/daemon.json" --insecure-registry "$outside/32" &
  local daemon=$! status=0
  # The first process of a name space gets no signal that it has not asked for.
  trap 'kill -TERM "$daemon"' TERM
  while kill -0 "$daemon" 2>/dev/null; do wait "$daemon" || status=$?; done
  exit "$status"
}

# make_runtime: runc, without a capability that a privileged container wants and that this machine may not have itself.
make_runtime() {
  local own leave_out=''
  own=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  (((16#$own >> 24) & 1)) || leave_out='"CAP_SYS_RESOURCE",'
  cat >"$folder/runtime" <<SH
#!/bin/bash
words=("\$@")
for ((i = 0; i < \$#; i++)); do
  case \${words[i]} in
    --bundle) sed -i 's/$leave_out//g' "\${words[i + 1]}/config.json" ;;
    --process) sed -i 's/$leave_out//g' "\${words[i + 1]}" ;;
  esac
done
exec runc "\$@"
SH
  chmod 755 "$folder/runtime"
}

down() {
  local pid first deadline=$((SECONDS + 30))
  pid=$(cat "$folder/pid" 2>/dev/null) || pid=
  # A pid of before a restart of the machine may be somebody else's.
  if [[ -n $pid && $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *" serve $folder "* ]]; then
    first=$(pgrep --parent "$pid") || first=$pid
    kill -TERM "$first"
    while kill -0 "$pid" 2>/dev/null; do
      ((SECONDS < deadline)) || kill -KILL "$pid"
      sleep 0.1
    done
  fi
  ! ip link show "$link" >/dev/null 2>&1 || ip link delete "$link"
  rules delete 2>/dev/null || true
  # A group goes when it is empty, and the kernel may be a moment behind.
  for _ in {1..50}; do
    find /sys/fs/cgroup -depth -type d -path "*$group*" -exec rmdir {} + 2>/dev/null || true
    [[ -n $(find /sys/fs/cgroup -type d -path "*$group") ]] || break
    sleep 0.1
  done
  rm -rf "$folder"
}

# rules insert|delete: what lets the daemon's containers reach package registries.
rules() {
  local -a comment=(--match comment --comment "$link")
  iptables --wait --table nat "--$1" POSTROUTING --source "$inside" "${comment[@]}" --jump MASQUERADE || return
  iptables --wait "--$1" FORWARD --in-interface "$link" "${comment[@]}" --jump ACCEPT || return
  iptables --wait "--$1" FORWARD --out-interface "$link" "${comment[@]}" --jump ACCEPT
}

case ${1-} in
  up | down | serve) "$1" ;;
  *) echo "daemon.sh up|down FOLDER" >&2; exit 1 ;;
esac
