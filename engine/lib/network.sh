# shellcheck shell=bash
# Ports, and what the engine leaves behind in the host's network. To be sourced after common.sh.


# holder PORT ADDRESS: who already listens on a port of this address or of all addresses, as text for a message; fails
# when nobody does. Other addresses do not count: a resolver on 127.0.0.53 and ours on the bridge live together.
holder() {
  local found name pid
  found=$(ss --no-header --listening --numeric --tcp --udp --processes "sport = :$1" |
    awk -v port=":$1" -v address="$2" '{
      local_address = substr($5, 1, length($5) - length(port))
      sub(/%.*/, "", local_address)
      if (address == "*" || local_address ~ /^(0\.0\.0\.0|\[::\]|\*)$/ || local_address == address) print
    }')
  [[ -n $found ]] || return 1
  name=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1/p' <<<"$found" | head -1)
  pid=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\2/p' <<<"$found" | head -1)
  if [[ -z $pid ]]; then
    echo "a process of another container or name space"
  else
    printf '%s, pid %s: %s\n' "$name" "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
  fi
}

# require_port PORT ADDRESS WHAT REMEDY: ends with a message when somebody else listens there; ADDRESS * is any.
require_port() {
  local who
  who=$(holder "$1" "$2") || return 0
  die "port $1, needed for $3, is taken by $who" "$4"
}

# connected SOCKET: whether a client is connected to a listening Unix socket.
connected() { awk -v socket="$1" '$8 == socket && $6 == "03" { found = 1 } END { exit !found }' /proc/net/unix; }

# make_bridge: the bridge of the engine's network, which its plugins take as they find it: registries listen on it
# before the first container makes them need one. Remembers whether the machine forwarded before, as plugins make it.
make_bridge() {
  local bridge=${network_name}0 mac
  [[ -f $run_dir/ip_forward ]] || cp /proc/sys/net/ipv4/ip_forward "$run_dir/ip_forward"
  if ! ip link show "$bridge" &>/dev/null; then
    ip link add "$bridge" type bridge
    ip address add "$bridge_address/${network#*/}" dev "$bridge" ||
      die "the network $network is none: STACK_ENGINE_NETWORK must be like 10.87.0.0/16"
  fi
  # A bridge that nobody has given a MAC address takes the lowest of its containers', and another one when that ends:
  # whatever runs then reaches neither this machine nor the world for half a minute. The plugin gives it one only where
  # it also gives the IP address.
  read -r _ _ mac _ < <(ip -brief link show "$bridge")
  ip link set "$bridge" address "$mac" up
}

# remove_network: the bridge, the rules, and forwarding where nobody had switched it on before and no other bridge is
# left that may need it.
remove_network() {
  ! ip link show "${network_name}0" &>/dev/null || ip link delete "${network_name}0"
  delete_all_rules
  [[ -f $run_dir/ip_forward ]] || return 0
  [[ -n $(ip -brief link show type bridge) ]] || cat "$run_dir/ip_forward" >/proc/sys/net/ipv4/ip_forward
  rm -f "$run_dir/ip_forward"
}

# delete_all_rules: the engine's rules in iptables. Each is found by the engine's own names, so that those of other
# software stay.
delete_all_rules() {
  command -v iptables-save >/dev/null || return 0
  # The network as far as its first two numbers: its addresses stand in the rules one by one.
  delete_rules filter " ${network%.*.*}."
  delete_rules nat "name: \\\"$network_name\\\""
}

# delete_rules TABLE TEXT: the rules that contain the text, and the plugins' chains that they jump to.
delete_rules() {
  local rules chains chain
  rules=$(iptables-save --table "$1" | grep '^-A ' | grep --fixed-strings -- "$2" || true)
  [[ -n $rules ]] || return 0
  chains=$(grep --only-matching --extended-regexp -- 'CNI-[0-9a-f]{24}' <<<"$rules" | sort -u || true)
  {
    echo "*$1"
    printf '%s\n' "${rules//-A /-D }"
    for chain in $chains; do printf -- '-F %s\n-X %s\n' "$chain" "$chain"; done
    echo COMMIT
  } | iptables-restore --noflush
}
