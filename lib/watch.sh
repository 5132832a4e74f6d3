# shellcheck shell=bash
# `test-image --watch`: again and again, as files are saved. What tells of saves differs from system to system, so files
# are looked at, with find and ls of POSIX. Sourced by ./stack.
# shellcheck disable=SC2154 # the variables of read_words, and those of ./stack

# Seconds between two looks. What is saved at once is still between two of them.
readonly look_again=0.5
# Looks that wait for files to be still: something may write without an end.
readonly most_looks=10

# take_watch: into watching, whether --watch is among the options, which lose it: the CLI has no such option.
take_watch() {
  local word
  local -a others=()
  watching=
  for word in ${given[@]+"${given[@]}"}; do
    case $word in
      --watch) watching=1 ;;
      --watch=*) fail "--watch takes no value" ;;
      *) others+=("$word") ;;
    esac
  done
  [[ -n $watching ]] || return 0
  [[ $function == test-image ]] || fail "--watch goes with test-image: $function is called once"
  [[ ${#chain[@]} -eq 0 ]] || fail "--watch shows the result of each run: nothing can be chained to it, such as \"${chain[*]}\""
  given=(${others[@]+"${others[@]}"})
  watched=$(source_folder)
  [[ -d $watched ]] || fail "--watch looks at the files of a folder, and --source names none: $watched"
}

# watch VIEW: the call of read_words' variables, and again after each save, until Ctrl-C.
watch() {
  local runs=0 saved='' earlier='' status=0 remembered=0
  watch_place=$(mktemp -d)
  trap 'rm -rf "$watch_place"' EXIT
  # What a save does not touch is not to run again.
  has_option remembered || given+=(--remembered)
  while [[ -z $interrupted ]]; do
    runs=$((runs + 1))
    watched_run "$1"
    [[ -z $interrupted ]] || break
    earlier=$status
    wait_for_save || break
    saved=$(saved_files)
  done
  say "watching has ended; ./stack last test-image shows the last result again"
  exit 130
}

# watched_run VIEW: one run, and a line on it. Sets status of watch; uses its runs, saved and earlier.
watched_run() {
  local began=$SECONDS
  # What the CLI has left on the terminal, and the result of before.
  [[ ! -t 1 || ! -t 2 || ${TERM-dumb} == dumb ]] || printf '\033[H\033[2J' >&2
  [[ -z $saved ]] || say "saved: $saved"
  # The engine may have been stopped since.
  [[ -z ${own_pid-} ]] || kill -0 "$own_pid" 2>/dev/null || choose_engine
  remember_files
  chain=()
  status=0
  run_call "$1" || status=$?
  [[ -z $interrupted ]] || return 0
  say "run $runs, $(date '+%T'), took $((SECONDS - began)) s: $(compared "$earlier" "$status")"
  [[ -z $saved ]] || say "saved before it: $saved"
  say "waiting for the next save below images/ or of spec.yml; Ctrl-C ends"
}

# compared BEFORE NOW: the verdict of a status beside that of the run before, where there was one.
compared() {
  case ${1:+$((10#$1 == 0))}/$(($2 == 0)) in
    /1) echo "good" ;;
    /0) echo "not good" ;;
    1/1) echo "still good" ;;
    0/0) echo "still not good" ;;
    0/1) echo "good again" ;;
    *) echo "not good any more" ;;
  esac
}

# watched_files [TEST...]: find on what a run reads, without what editors and Python leave beside it.
watched_files() {
  (cd -- "$watched" && find -H images spec.yml \
    \( -name .git -o -name node_modules -o -name .venv -o -name __pycache__ -o -name '.*_cache' -o -name .ipynb_checkpoints \) -prune -o \
    ! -type d ! -name '*~' ! -name '.*.sw?' ! -name '.#*' ! -name '#*#' ! -name 4913 ! -name .DS_Store ! -name '*.pyc' \
    ! -name '*___jb_*___' ! -name '.goutputstream-*' ! -name '.*.kate-swp' "$@") 2>/dev/null || true
}

# list_files: each file with its inode, mode and size: what is renamed over another may be older than that was. The fields
# of ls are as wide as the widest, whichever file it has.
list_files() {
  # Nine fields: inode, mode, links, user, group, size, and three of the time.
  # shellcheck disable=SC2016 # for awk
  watched_files -exec ls -dlin {} + | awk '{
    name = $0
    for (i = 0; i < 9; i++) sub(/^ *[^ ]+/, "", name)
    sub(/ -> .*/, "", name)
    print $1, $2, $6, substr(name, 2)
  }' | LC_ALL=C sort
}

# list_sums: each file with what it holds. Some find, and some file systems, know no parts of a second: what is saved in
# the one in which a run began is told by this alone.
list_sums() {
  watched_files -exec cksum {} + | LC_ALL=C sort
}

# differing FIELDS ONE OTHER: names that stand behind so many fields in lines that only one of two sorted lists has.
differing() {
  LC_ALL=C sort "$2" "$3" | uniq -u | sed "s/^\([^ ]* \)\{$1\}//"
}

# remember_files: what the next looks are compared with. Sets remembered of watch.
remember_files() {
  remembered=$SECONDS
  rm -f "$watch_place"/*
  : >"$watch_place/stamp"
  list_files >"$watch_place/known"
  list_sums >"$watch_place/known.sums"
}

# wait_for_save: until files differ from what was remembered, and are still. Fails where it is interrupted.
wait_for_save() {
  local looks=0
  # The second in which the run began must be over before the sums are taken: see list_sums.
  until ((SECONDS - remembered > 1)) || [[ -n $interrupted ]]; do sleep "$look_again" || true; done
  list_sums >"$watch_place/sums"
  differing 2 "$watch_place/known.sums" "$watch_place/sums" >"$watch_place/early"
  while [[ -z $interrupted ]]; do
    find_saved >"$watch_place/saved"
    if [[ -s $watch_place/saved ]]; then
      looks=$((looks + 1))
      if cmp -s "$watch_place/listed" "$watch_place/listed.before" || ((looks > most_looks)); then break; fi
    else
      looks=0
    fi
    mv "$watch_place/listed" "$watch_place/listed.before"
    sleep "$look_again" || true
  done
  [[ -z $interrupted ]]
}

# find_saved: the files that were saved, made, renamed or deleted, a line each, without those that git ignores.
find_saved() {
  list_files >"$watch_place/listed"
  {
    cat "$watch_place/early"
    differing 3 "$watch_place/known" "$watch_place/listed"
    watched_files -newer "$watch_place/stamp" -print
  } | LC_ALL=C sort -u >"$watch_place/changed"
  [[ -s $watch_place/changed ]] || return 0
  git -C "$watched" -c core.quotePath=false check-ignore --stdin <"$watch_place/changed" >"$watch_place/ignored" 2>/dev/null || true
  LC_ALL=C sort "$watch_place/changed" "$watch_place/ignored" | uniq -u
}

# saved_files: their names for a line.
saved_files() {
  local first count
  IFS= read -r first <"$watch_place/saved"
  count=$(wc -l <"$watch_place/saved")
  printf '%s' "$first"
  ((count < 2)) || printf ' and %s more' "$((count - 1))"
}
