#!/bin/bash
# engine.sh up | down | status | logs [-f] | env | prune | pid | disk: the engine and its registry, provisioned from package registries.
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

bridge_address=${network%.*}.1
registry_port=${STACK_REGISTRY_PORT:-5000}
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
  [[ $(cat "$run_dir/sources" 2>/dev/null) == "$(sources_key)" ]] && alive engine && alive registry || return
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
  install_debian_packages
  check_ports
  build_engine
  # Only a start that fails takes down again what it has started itself.
  trap 'take_down_started' EXIT
  started_now=()
  alive registry || start_registry
  fill_registry
  stop_if_changed
  stop_if_crowded
  alive engine || start_engine
  trap - EXIT
  [[ $(cat "$run_dir/engine.key") != "$(engine_key)" ]] || sources_key >"$run_dir/sources"
  ((${#started_now[@]} == 0)) || progress "engine v$DAGGER_VERSION and registry are up ($(seconds_since "$started"))"
}

# check_ports: before minutes of building, not after them.
check_ports() {
  alive registry ||
    require_port "$registry_port" "*" "the local registry" "Stop it, or set STACK_REGISTRY_PORT to a free port."
  alive engine ||
    require_port 53 "$bridge_address" "the engine's name server" "On all addresses it leaves no room for ours: stop it."
}

take_down_started() {
  local name
  for name in "${started_now[@]}"; do stop_daemon "$name"; done
}

stop_daemon() {
  case $1 in
    engine) stop engine 60 child ;;
    registry) stop registry 10 ;;
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

start_registry() {
  cat >"$run_dir/registry.yml" <<YAML
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $home/registry }, delete: { enabled: true } }
http: { addr: "0.0.0.0:$registry_port" }
YAML
  daemon registry docker-registry serve "$run_dir/registry.yml" >>"$run_dir/registry.log" 2>&1
  started_now+=(registry)
  local deadline=$((SECONDS + 20))
  until (: <"/dev/tcp/127.0.0.1/$registry_port") 2>/dev/null; do
    if ! alive registry || ((SECONDS > deadline)); then
      die "the registry did not come up ($run_dir/registry.log):" "$(tail -5 "$run_dir/registry.log")"
    fi
    sleep 0.1
  done
}

# fill_registry: the two images of Docker Hub that the module and the stack start from, and the package that stands in
# for RStudio Server.
fill_registry() {
  push_image debian library/debian "$DEBIAN_SUITE-slim"
  push_image node library/node "${NODE_VERSION%%.*}-$DEBIAN_SUITE-slim"
  node "$engine_dir/oci.mjs" push-file "$home"/build/rstudio-stand-in/*.deb "http://127.0.0.1:$registry_port" \
    stand-ins/rstudio-server >"$run_dir/rstudio-stand-in"
}

push_image() {
  node "$engine_dir/oci.mjs" push "$content" "$(<"$home/images/$1")" "http://127.0.0.1:$registry_port" "docker.io/$2" "$3"
}

# engine_config GC: docker.io comes from our registry, and the local addresses speak plain HTTP. Containers reach the
# registry at the bridge's address. GC is what the engine itself clears away, beside the calls that it serves.
engine_config() {
  local port address entries=
  for port in "$registry_port" "${test_ports[@]}"; do
    for address in 127.0.0.1 localhost "$bridge_address"; do entries+=", \"$address:$port\": { \"http\": true }"; done
  done
  cat <<JSON
{
  "logLevel": "${STACK_ENGINE_LOG_LEVEL:-info}",
  "gc": $1,
  "registries": { "docker.io": { "mirrors": ["127.0.0.1:$registry_port/docker.io"] }$entries }
}
JSON
}

start_engine() {
  node "$engine_dir/oci.mjs" prune "$content" "$(<"$home/images/sdk")" "$(<"$home/images/debian")" "$(<"$home/images/node")"
  # Neither the one before nor one that only clears away counts as whole, should this script be killed.
  rm -f "$run_dir"/{sources,engine.key}
  [[ -n $(ls -A "$home/state") ]] || note_size 0
  ! crowded || clear_away
  run_engine "$serving_gc"
  engine_key >"$run_dir/engine.key"
}

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
    alive engine || die "the engine did not come up ($run_dir/engine.log):" "$(tail -5 "$run_dir/engine.log")"
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
  local running=0
  { alive engine || alive registry; } && running=1
  stop_daemon engine
  stop_daemon registry
  rm -f "$engine_socket" "$run_dir/sources"
  ((EUID != 0)) || clean_network
  ((running == 0)) || progress "engine and registry are stopped; their cache stays in $home"
}

status() {
  local name pid
  for name in engine registry; do
    if pid=$(pid_of "$name"); then
      printf '%-9s running, pid %s, since %s\n' "$name" "$pid" "$(started_at "$pid")"
    else
      printf '%-9s stopped\n' "$name"
    fi
  done
  printf '%-9s %s\n' version "v$DAGGER_VERSION" address "unix://$engine_socket" mirror "127.0.0.1:$registry_port" \
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
    "$home/bin" "unix://$engine_socket" "127.0.0.1:$registry_port"
  local path
  path=$(cat "$run_dir/rstudio-stand-in" 2>/dev/null) || return 0
  printf 'export STACK_RSTUDIO_DEB_URL=%q STACK_RSTUDIO_DEB_SHA256=%q\n' \
    "http://$bridge_address:$registry_port$path" "${path##*:}"
}

case ${1-} in
  up | down | status | disk | prune) "$1" ;;
  logs) logs "${2-}" ;;
  env) print_environment ;;
  pid) pid_of engine ;;
  *) die "engine.sh: up, down, status, logs [-f], env, prune, pid or disk" ;;
esac
