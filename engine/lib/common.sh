# shellcheck shell=bash
# Paths, messages, the lock, and small helpers of every other script. To be sourced.

engine_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=versions.env
source "$engine_dir/versions.env"

# Everything the engine needs or leaves behind lies here; several checkouts may share it.
home=${STACK_ENGINE_HOME:-/var/lib/stack-engine}
engine_socket=$home/run/engine.sock
run_dir=$home/run

# The engine's network of containers: the bridge is <name>0 and has the first address. Two engines on one machine need
# two names, two networks, two homes and two ports of the registry.
network_name=${STACK_ENGINE_NETWORK_NAME:-dagger}
network=${STACK_ENGINE_NETWORK:-10.87.0.0/16}
bridge_address=${network%.*}.1
# shellcheck disable=SC2034 # for those who source this
registry_port=${STACK_REGISTRY_PORT:-5000}

# progress TEXT: one line with the time of day, on stderr: stdout belongs to results.
progress() { printf '%(%T)T  %s\n' -1 "$*" >&2; }

# die TEXT...: an error of one or more lines, then the end.
die() {
  printf 'stack: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# seconds_since START: how long since $START (a value of SECONDS), as text.
seconds_since() {
  local seconds=$((SECONDS - $1))
  if ((seconds < 60)); then
    printf '%d s' "$seconds"
  else
    printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
  fi
}

# with_lock COMMAND...: runs it while no other checkout builds, starts or stops the engine.
# What it starts in the background must close descriptor 9, or the lock outlives it.
with_lock() {
  mkdir -p "$home"
  exec 9>"$home/lock"
  if ! flock --nonblock 9; then
    progress "waiting for another ./stack that builds, starts or stops the engine in $home"
    flock 9
  fi
  "$@"
  exec 9>&-
}

# existing_folder FOLDER: itself, or the nearest folder above it that exists.
existing_folder() {
  local folder=$1
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  echo "$folder"
}

# disk_space COLUMN UNIT FOLDER: a column of df (avail, used) as a whole number of K, M or G.
disk_space() { df --output="$1" --block-size="1$2" "$3" | tail -1 | tr -dc '0-9'; }

free_gigabytes() { disk_space avail G "$1"; }

# at_least WANTED ACTUAL: whether version ACTUAL is not older.
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort --version-sort | head -1) == "$1" ]]; }
