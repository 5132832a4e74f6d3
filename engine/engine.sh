#!/bin/bash
# engine.sh up | down | status | logs [-f] | env | prune | scanner | emulate | pid | disk: the engine and its registry, provisioned from package registries.
# ./stack engine calls it; README.md beside it explains what is built.
set -euo pipefail
engine_lib=$(dirname "${BASH_SOURCE[0]}")/lib
# shellcheck source=lib/common.sh
source "$engine_lib/common.sh"
# shellcheck source=lib/prerequisites.sh
source "$engine_lib/prerequisites.sh"
# shellcheck source=lib/steps.sh
source "$engine_lib/steps.sh"
# shellcheck source=lib/recipes.sh
source "$engine_lib/recipes.sh"
# shellcheck source=lib/processes.sh
source "$engine_lib/processes.sh"
# shellcheck source=lib/network.sh
source "$engine_lib/network.sh"
# shellcheck source=lib/cache.sh
source "$engine_lib/cache.sh"
# shellcheck source=lib/registries.sh
source "$engine_lib/registries.sh"
# shellcheck source=lib/emulation.sh
source "$engine_lib/emulation.sh"
# shellcheck source=lib/scanner.sh
source "$engine_lib/scanner.sh"

# All that runs beside the engine.
readonly registries=(mirror mirror-bridge registry)
# Tests put their proxies and registries with a login on these; the engine speaks plain HTTP to them.
readonly test_ports=(5001 5002 5003 5004 5005 5006 5007 5008 5009)
# Why nothing: lib/cache.sh.
readonly serving_gc='{ "enabled": false }'

# up: builds what is missing and starts what does not run. Does nothing, quickly, when all is there.
up() {
  ! is_whole || return 0
  with_lock bring_up
}

# is_whole: whether there is nothing to do; a cache that has outgrown its limit waits until no call is running.
is_whole() {
  [[ $(cat "$run_dir/sources" 2>/dev/null) == "$(sources_key)" ]] && all_alive engine "${registries[@]}" || return
  ! crowded || connected "$engine_socket"
}

# sources_key: a hash of this checkout's engine and the settings; when the running one has it, nothing is to be done.
sources_key() {
  {
    find "$engine_dir" -type f -not -name README.md -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 cat
    printf '%s\n' "$registry_port" "$network_name" "$network" "${STACK_ENGINE_LOG_LEVEL-}"
  } | sha256sum
}

bring_up() {
  local started=$SECONDS
  check_prerequisites
  mkdir -p "$run_dir"/private "$home"/{registry,state}
  # Logs, caches and the login's password are for root alone.
  chmod 700 "$home"
  install_debian_packages
  check_ports
  build_engine
  # Only a start that fails takes down again what it has started itself.
  trap 'take_down_started' EXIT
  started_now=()
  retire_open_registry
  start_registries
  stop_if_changed
  stop_if_crowded
  alive engine || start_engine
  trap - EXIT
  [[ $(cat "$run_dir/engine.key") != "$(engine_key)" ]] || sources_key >"$run_dir/sources"
  ((${#started_now[@]} == 0)) || progress "engine v$DAGGER_VERSION and registry are up ($(seconds_since "$started"))"
}

# retire_open_registry: an earlier version of these files had one registry on all addresses, without a login, that was
# the mirror too. What tests and runs have published to it stays in the folder, and needs the login from now on.
retire_open_registry() {
  alive registry && grep -q '0\.0\.0\.0' "$run_dir/registry.yml" 2>/dev/null || return 0
  progress "the registry of an earlier version makes way for one with a login; what is published there stays"
  stop registry 10
}

# check_ports: before minutes of building, not after them.
check_ports() {
  local remedy="Stop it, or set STACK_REGISTRY_PORT to a free port: the mirror's is 10 above it."
  alive registry || require_port "$registry_port" "$bridge_address" "the local registry" "$remedy"
  alive mirror || require_port "$mirror_port" 127.0.0.1 "the mirror" "$remedy"
  alive mirror-bridge || require_port "$mirror_port" "$bridge_address" "the mirror" "$remedy"
  alive engine ||
    require_port 53 "$bridge_address" "the engine's name server" "On all addresses it leaves no room for ours: stop it."
}

take_down_started() {
  local name
  for name in "${started_now[@]}"; do stop_daemon "$name"; done
  any_alive engine "${registries[@]}" || remove_network
}

stop_daemon() {
  case $1 in
    engine) stop engine 60 child ;;
    *) stop "$1" 10 ;;
  esac
}

# stop_if_changed: an engine that another version of these files has started makes way, but not while it is in use.
stop_if_changed() {
  alive engine || return 0
  [[ $(cat "$run_dir/engine.key" 2>/dev/null) == "$(engine_key)" ]] && return
  if stop_unused; then
    progress "the engine's parts have changed: restarting it"
  else
    progress "the running engine has other parts, but a call is using it: it is used as it is, and replaced later"
  fi
}

# stop_if_crowded: its start clears away what is beyond the cache's limit.
stop_if_crowded() {
  alive engine && crowded || return 0
  stop_unused || true
}

# stop_unused: stops the engine; fails where a call is using it.
stop_unused() {
  ! connected "$engine_socket" || return
  # From now on calls wait for the lock. One that has just found the engine whole gets the time to connect to it.
  rm -f "$run_dir/sources"
  sleep 1
  ! connected "$engine_socket" || return
  stop_daemon engine
}

# engine_key: what a running engine was started with.
engine_key() {
  { cat "$home"/steps/{binaries,cni} "$home/images/sdk"; engine_config "$serving_gc"; echo "$network_name $network"; cat "$engine_dir/namespace.sh"; } |
    sha256sum
}

# engine_config GC: docker.io comes from our registry, and the local addresses speak plain HTTP. Containers reach the
# registry at the bridge's address. GC is what the engine itself clears away, beside the calls that it serves.
engine_config() {
  local port address entries=
  for port in "$registry_port" "$mirror_port" "${test_ports[@]}"; do
    for address in 127.0.0.1 localhost "$bridge_address"; do entries+=", \"$address:$port\": { \"http\": true }"; done
  done
  cat <<JSON
{
  "logLevel": "${STACK_ENGINE_LOG_LEVEL:-info}",
  "gc": $1,
  "registries": { "docker.io": { "mirrors": ["127.0.0.1:$mirror_port/docker.io"] }$entries }
}
JSON
}

start_engine() {
  prune_content
  # Neither the one before nor one that only clears away counts as whole, should this script be killed.
  rm -f "$run_dir"/{sources,engine.key}
  [[ -n $(ls -A "$home/state") ]] || note_size 0
  ! crowded || clear_away
  run_engine "$serving_gc"
  engine_key >"$run_dir/engine.key"
}

# prune_content: every blob that no image needs.
prune_content() {
  local name
  local -a digests=()
  for name in sdk debian debian-stack node {debian,debian-stack,node}-arm64; do
    [[ ! -f $home/images/$name ]] || digests+=("$(<"$home/images/$name")")
  done
  node "$engine_dir/oci.mjs" prune "$content" "${digests[@]}"
}

# last_words: the end of what the engine has said; its name server, which writes to the same log, may speak after it.
last_words() { grep -v 'dnsmasq\[' "$run_dir/engine.log" | tail -5; }

# run_engine GC: starts an engine that clears away by itself what GC says (engine_config).
run_engine() {
  engine_config "$1" >"$run_dir/engine.json"
  rm -f "$engine_socket"
  mkdir -p /var/lib/cni
  [[ ! -f $run_dir/engine.log ]] || mv "$run_dir/engine.log" "$run_dir/engine.log.1"
  # Only what is meant for it: variables of a caller's shell would act on every later call.
  fill_engine_environment
  daemon engine env --ignore-environment "${engine_environment[@]}" \
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    bash "$engine_dir/namespace.sh" >"$run_dir/engine.log" 2>&1
  started_now+=(engine)
  await_engine
}

# fill_engine_environment: NAME=VALUE lines into engine_environment.
fill_engine_environment() {
  local name
  engine_environment=(
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="${HOME:-/root}" LANG=C.UTF-8 DO_NOT_TRACK=1
    STACK_ENGINE_HOME="$home" STACK_ENGINE_NETWORK_NAME="$network_name" STACK_ENGINE_NETWORK="$network"
    STACK_ENGINE_CONTENT="$content"
    STACK_ENGINE_RUNC="$(command -v runc)" STACK_ENGINE_INIT="$home/bin/libexec/init"
    DAGGER_GO_SDK_MANIFEST_DIGEST="$(<"$home/images/sdk")"
    DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST="$(<"$home/images/sdk")"
  )
  for name in {HTTP,HTTPS,NO,ALL}_PROXY {http,https,no,all}_proxy SSL_CERT_FILE SSL_CERT_DIR; do
    [[ -z ${!name-} ]] || engine_environment+=("$name=${!name}")
  done
}

# await_engine: until it answers; ends with its last words when it dies, and with a hint when it takes too long.
await_engine() {
  local deadline=$((SECONDS + 60))
  until [[ -S $engine_socket ]]; do
    alive engine || die "the engine did not come up ($run_dir/engine.log):" "$(last_words)"
    ((SECONDS < deadline)) || die "the engine did not come up within a minute: $run_dir/engine.log"
    sleep 0.1
  done
}

down() {
  [[ -d $run_dir ]] || return 0
  with_lock take_down
}

# take_down: stops both; after a crash it removes what the engine could not.
take_down() {
  local running=0 name
  for name in engine "${registries[@]}"; do
    ! alive "$name" || running=1
    stop_daemon "$name"
  done
  rm -f "$engine_socket" "$run_dir/sources"
  ((EUID != 0)) || { remove_network && end_emulation; }
  ((running == 0)) || progress "engine and registry are stopped; their cache stays in $home"
}

status() {
  local name pid
  for name in engine "${registries[@]}"; do
    if pid=$(pid_of "$name"); then
      printf '%-13s running, pid %s, since %s\n' "$name" "$pid" "$(started_at "$pid")"
    else
      printf '%-13s stopped\n' "$name"
    fi
  done
  printf '%-13s %s\n' version "v$DAGGER_VERSION" address "unix://$engine_socket" \
    publish-to "$bridge_address:$registry_port (user $registry_user, password in $registry_password)" \
    docker.io "127.0.0.1:$mirror_port" \
    state "$home ($(free_gigabytes "$(existing_folder "$home")") GB of the disk free)" \
    cache "$(cache_in_words)"
  alive engine
}

# logs [-f]: the engine's log; with -f as it grows.
logs() {
  [[ -f $run_dir/engine.log ]] || die "no log yet: the engine has not been started"
  if [[ ${1-} == -f ]]; then tail -n 50 -f "$run_dir/engine.log"; else cat "$run_dir/engine.log"; fi
}

# print_environment: what a shell must export to use the engine: eval "$(./stack engine env)".
print_environment() {
  # shellcheck disable=SC2016 # The caller's shell expands PATH.
  printf 'export PATH=%q:"$PATH" _EXPERIMENTAL_DAGGER_RUNNER_HOST=%q DO_NOT_TRACK=1 DAGGER_NO_NAG=1 STACK_REGISTRY=%q\n' \
    "$home/bin" "unix://$engine_socket" "$bridge_address:$registry_port"
  printf 'export STACK_REGISTRY_USERNAME=%q STACK_REGISTRY_PASSWORD_FILE=%q STACK_MIRROR=%q\n' \
    "$registry_user" "$registry_password" "127.0.0.1:$mirror_port"
  local path
  path=$(cat "$run_dir/rstudio-stand-in" 2>/dev/null) || return 0
  printf 'export STACK_RSTUDIO_DEB_URL=%q STACK_RSTUDIO_DEB_SHA256=%q\n' \
    "http://$bridge_address:$mirror_port$path" "${path##*:}"
}

any_alive() {
  local name
  for name in "$@"; do ! alive "$name" || return 0; done
  return 1
}

# all_alive NAME...: whether all of them run.
all_alive() {
  local name
  for name in "$@"; do alive "$name" || return; done
}

case ${1-} in
  up | down | status | disk | prune | scanner) "$1" ;;
  emulate) emulate "${@:2}" ;;
  logs) logs "${2-}" ;;
  env) print_environment ;;
  pid) pid_of engine ;;
  *) die "engine.sh: up, down, status, logs [-f], env, prune, scanner, emulate, pid or disk" ;;
esac
