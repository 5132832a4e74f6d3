# shellcheck shell=bash
# The engine's cache on the disk: its limit, what is cleared away, and how full the disk is. To be sourced after
# processes.sh and network.sh.
#
# The engine's own garbage collector would run beside calls, a second after each one's end, and take from the others what
# they are using: "snapshot ... does not exist", or an export that lacks files (README.md). So it is off, and whatever is
# beyond the limit is cleared away here, while no call is running: by an engine that serves nobody.

# With less than this on the disk of its cache, the engine can neither build nor hand over artifacts.
readonly full_megabytes=200
# What clearing away leaves free on the disk for others, as far as the cache can give it.
readonly spare_megabytes=10240
# "SIZE USED": megabytes of the cache when it was last measured, and what the whole disk held then. Measuring asks the
# engine; comparing the disk with then is next to nothing, and done before each call.
measured=$home/measured

# megabytes SIZE: 40GB or 700MB as a number.
megabytes() {
  [[ $1 =~ ^([1-9][0-9]*)([GM])B$ ]] ||
    die "STACK_ENGINE_CACHE must be a whole number with GB or MB behind it, such as 40GB, not \"$1\""
  local number=${BASH_REMATCH[1]}
  [[ ${BASH_REMATCH[2]} == M ]] || number=$((number * 1024))
  echo "$number"
}

# What the cache may take between calls.
limit_megabytes=$(megabytes "${STACK_ENGINE_CACHE:-40GB}")

disk_megabytes() { disk_space "$1" M "$home/state"; }
free_megabytes() { disk_megabytes avail; }

# note_size MEGABYTES: so much has the cache now.
note_size() { echo "$1 $(disk_megabytes used)" >"$measured"; }

# cache_size: "SIZE GROWTH": megabytes of the cache, as far as the disk tells, and how much of that was added since it was
# measured. What others write to the disk counts as the cache's until then. Fails where it never was measured.
cache_size() {
  local size used grown
  read -r size used 2>/dev/null <"$measured" || return
  grown=$(($(disk_megabytes used) - used))
  echo "$((size + grown > 0 ? size + grown : 0)) $grown"
}

cache_in_words() {
  local size
  if read -r size _ < <(cache_size); then size="about $size MB"; else size="not measured yet"; fi
  echo "$size, limit $limit_megabytes MB"
}

# crowded: whether something is to be cleared away. A small growth never is a reason: where nothing can be cleared away,
# it would be tried for each call.
crowded() {
  local size grown
  read -r size grown < <(cache_size) || return 0
  ((grown > limit_megabytes / 40)) && ((size > limit_megabytes || $(free_megabytes) < spare_megabytes))
}

# clear_away: down to a fifth below the limit, what was not used for longest goes first. Nobody may be using the engine.
clear_away() {
  local started=$SECONDS bytes
  progress "clearing away what the cache has beyond $limit_megabytes MB"
  run_engine "$(collecting_gc)"
  if ask_cache prune --use-default-policy >/dev/null && bytes=$(ask_cache entry-set disk-space-bytes); then
    note_size "$(awk '{ printf "%d", $1 / 1048576 }' <<<"$bytes")"
    progress "the cache has $(cut -d ' ' -f 1 "$measured") MB now ($(seconds_since "$started"))"
  else
    progress "the cache could not be cleared: if its disk is full, ./stack engine prune empties it"
  fi
  stop_daemon engine
}

# collecting_gc: the engine's setting. An eighth of the limit stays, however short the disk is.
collecting_gc() {
  cat <<JSON
{
    "maxUsedSpace": "${limit_megabytes}MB",
    "reservedSpace": "$((limit_megabytes / 8))MB",
    "minFreeSpace": "${spare_megabytes}MB",
    "sweepSize": "20%"
  }
JSON
}

# ask_cache WORD...: what the engine answers about its cache.
ask_cache() (
  eval "$(print_environment)"
  dagger --silent core engine local-cache "$@" </dev/null 9>&-
)

# disk: fails, and says so, where the disk of the cache is full: no message of a build does.
disk() {
  local free
  free=$(free_megabytes)
  ((free >= full_megabytes)) ||
    die "the disk of the engine's cache is full, $free MB are free in $home/state." \
      "Make room there, or empty the cache: ./stack engine prune"
}

# prune: empties the cache from outside: the engine needs room for each call, also for one that would prune it.
prune() {
  [[ -d $home/state ]] || return 0
  with_lock empty_cache
}

empty_cache() {
  local running=0
  ! alive engine || running=1
  started_now=()
  ((running == 0)) || stop_unused || die "a call is using the engine: wait for its end, or end it"
  # The folder itself may be the mount point of a disk.
  find "$home/state" -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system {} +
  note_size 0
  ((running == 0)) || start_engine
  progress "the cache is empty: $(free_megabytes) MB are free"
}
