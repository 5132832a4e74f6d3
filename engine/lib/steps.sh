# shellcheck shell=bash
# Steps that are skipped when their inputs have not changed. To be sourced after common.sh.

# step NAME TITLE OUTPUT INPUT...: calls `make_NAME PART` to make PART, then renames it to OUTPUT, unless OUTPUT was
# made from the same inputs. An interrupted step leaves only PART, which the next run throws away.
# An INPUT is a file, a folder, =TEXT, or @STEP for whatever that step was made from. The recipe is an input as well.
step() {
  local name=$1 title=$2 output=$3
  shift 3
  local stamp=$home/steps/$name part=$output.part key started=$SECONDS
  key=$(step_key "$name" "$@")
  [[ -e $output && -f $stamp && $(<"$stamp") == "$key" ]] && return
  progress "$title"
  mkdir -p "$home/steps" "$(dirname "$output")"
  rm -rf "$stamp" "$part"
  "make_$name" "$part"
  rm -rf "$output"
  mv "$part" "$output"
  printf '%s' "$key" >"$stamp.part"
  mv "$stamp.part" "$stamp"
  progress "$title: done in $(seconds_since "$started")"
}

# counted LOG COUNT COMMAND...: runs a command whose output goes to LOG, and shows how far it is: at a terminal in one line
# that changes, elsewhere in a line every half a minute. COUNT LOG prints that. A command that fails ends it all, with
# the end of its output.
counted() {
  local log=$1 count=$2 watcher status=0
  shift 2
  : >"$log"
  watch_count "$log" "$count" $$ &
  watcher=$!
  # In the foreground: Ctrl-C ends what is counted, not who counts.
  "$@" >"$log" 2>&1 || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  ((status == 0)) || die "this failed with status $status; all of its output is in $log:" "$(tail -8 "$log")"
}

# watch_count LOG COUNT PARENT: shows COUNT as long as PARENT lives.
watch_count() {
  local shown=$SECONDS
  while kill -0 "$3" 2>/dev/null; do
    if [[ -t 2 && ${TERM-dumb} != dumb ]]; then
      printf '\r\033[K          %s' "$("$2" "$1")" >&2
    elif ((SECONDS - shown >= 30)); then
      progress "$("$2" "$1")"
      shown=$SECONDS
    fi
    sleep 0.5
  done
}

# step_key NAME INPUT...: the hash that tells whether a step must run.
step_key() {
  local name=$1 input
  shift
  {
    declare -f "make_$name"
    for input in "$@"; do
      case $input in
        =*) printf '%s\n' "$input" ;;
        @*) printf '%s %s\n' "$input" "$(<"$home/steps/${input#@}")" ;;
        *) hash_files "$input" ;;
      esac
    done
  } | sha256sum | cut -d ' ' -f 1
}

# hash_files PATH: names and contents of a file or of all files below a folder, independent of where it lies.
hash_files() {
  if [[ -d $1 ]]; then
    (cd "$1" && find . -type f -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 sha256sum)
  else
    sha256sum <"$1"
  fi
}

# archive FOLDER TAR [OPTION...]: a tar file that depends on nothing but the content: sorted, with one fixed time.
archive() {
  local folder=$1 tar=$2
  shift 2
  tar --create --file "$tar" --directory "$folder" --format=posix --sort=name --mtime=@1577836800 --numeric-owner \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime "$@" .
}
