# shellcheck shell=bash
# A call of a function: who follows it, what is shown of it, and what is kept. Sourced by ./stack.
# shellcheck disable=SC2154 # the variables of read_words, and those of ./stack

# call ARG...: `dagger call` on this checkout's module, with its result as the last thing that is said.
call() {
  local status=0 view
  # The runner puts two streams into any order, and its commands have one.
  [[ ${GITHUB_ACTIONS-} != true ]] || exec 2>&1
  read_words "$@"
  [[ -z $function ]] || check_function
  fill_source
  if [[ -z $function ]] || has_option help || has_option h; then
    choose_engine
    show_help
    return
  fi
  take_watch
  choose_engine
  fill_emulation
  fill_local_settings "$function" ${given[@]+"${given[@]}"}
  given=(${local_settings[@]+"${local_settings[@]}"} ${given[@]+"${given[@]}"})
  fill_login
  fill_scanner
  fill_origin
  view=$(view_of "$@")
  interrupted=
  # Ctrl-C reaches the CLI as well, which stops.
  trap 'interrupted=1' INT
  [[ -z $watching ]] || watch "$view"
  run_call "$view" || status=$?
  trap - INT
  [[ -z $interrupted ]] || tell_interrupted
  return "$status"
}

# view_of ARG...: how the call is followed: `terminal` by the CLI's own tree, `lines` by our lines, `raw` as the caller
# wishes. A terminal that can do nothing gets lines.
view_of() {
  local argument
  for argument in "$@"; do
    case $argument in
      --progress | --progress=* | --silent | -s | --quiet | -q | --verbose | -v | -vv | -vvv | --debug | -d)
        echo raw
        return
        ;;
    esac
  done
  if [[ -t 2 && ${TERM-dumb} != dumb ]]; then echo terminal; else echo lines; fi
}

# show_help: the CLI's help of the function, or of all, in this script's words. It is bold wherever it goes.
show_help() {
  local status=0 help
  local -a words=(-e '/failed to parse git remote/d' -e 's/dagger call/.\/stack/g')
  [[ -t 1 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]] || words+=(-e $'s/\e\\[[0-9;]*m//g')
  help=$(dagger_bounded call --silent --mod "$root" ${front[@]+"${front[@]}"} ${function:+"$function"} --help 2>&1) || status=$?
  sed "${words[@]}" <<<"$help" >&"$((status == 0 ? 1 : 2))"
  [[ $function != test-image || $status -ne 0 ]] ||
    printf '\nOF ./stack\n      --watch    Run again what a saved file touches, until Ctrl-C.\n'
  return "$status"
}

# run_call VIEW: the call of read_words' variables.
run_call() {
  [[ $type != Service ]] || fill_token
  case ${#chain[@]}/$type in
    0/StackRun | 0/StackPlan | 0/ActionResult) has_option output || has_option json || { show_result "$1"; return; } ;;
    0/Container) [[ ! -t 0 || ! -t 2 ]] || chain=(terminal) ;;
    0/Service) chain=(up --ports=8888:8888) ;;
    0/Directory) has_option output || { keep_directory "$1"; return; } ;;
  esac
  [[ ${chain[0]-} != up ]] || keep_others_out
  call_chain "$1" result || return
  show_exported
}

# fill_token: what a server asks for: a word that nobody can guess, as it opens what is a shell in a container.
fill_token() {
  local token
  ! has_option token || return 0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  given+=("--token=$token")
  say "the server's token: $token; once it is up, open http://localhost:8888/?token=$token (Ctrl-C ends it)"
}

# call_chain VIEW [result]: dagger, followed as VIEW says. `result`: lines that the function gives are shown too.
call_chain() {
  local -a words=(call --mod "$root")
  local status=0 pipe reader
  [[ $1 != lines && -t 2 || " ${front[*]-} ${given[*]-} ${chain[*]-} " == *' --progress'* ]] || words+=(--progress=plain)
  # What the CLI's tree has shown is not wanted any more behind a result.
  case $1/${chain[0]-} in
    terminal/shown | terminal/for-screen) words+=(--quiet) ;;
  esac
  words+=(${front[@]+"${front[@]}"} "$function" ${given[@]+"${given[@]}"} ${chain[@]+"${chain[@]}"})
  if [[ $1 == terminal ]]; then
    at_terminal "${words[@]}"
    return
  fi
  if [[ $1 == raw ]]; then
    dagger_bounded "${words[@]}"
    return
  fi
  pipe=$(mktemp -d)
  mkfifo "$pipe/lines"
  own_lines "${log-$pipe/log}" "${2-}" <"$pipe/lines" >&2 &
  reader=$!
  dagger_bounded "${words[@]}" 2>"$pipe/lines" || status=$?
  wait "$reader" || true
  rm -rf "$pipe"
  return "$status"
}

# at_terminal ARG...: dagger with its tree on the terminal. It takes Ctrl-C for a key like any other, stops, and ends with
# the status of any failure: nobody could tell one from the other. So the terminal is told to go on making a signal of it.
at_terminal() {
  local settings watcher status=0
  settings=$(stty -g <&2 2>/dev/null) || settings=
  if [[ -n $settings && ${chain[*]-} != *terminal* ]]; then
    keep_signals $$ <&2 &
    watcher=$!
  fi
  dagger_bounded "$@" || status=$?
  [[ -z ${watcher-} ]] || kill "$watcher" 2>/dev/null || true
  [[ -z $settings ]] || stty "$settings" <&2 2>/dev/null || true
  return "$status"
}

# keep_signals PARENT: as long as it lives, whatever the CLI sets.
keep_signals() {
  trap - INT
  while kill -0 "$1" 2>/dev/null; do
    stty isig 2>/dev/null || return
    sleep 0.3
  done
}

# show_result VIEW: the function's result is exported, kept and shown; its verdict is the exit status.
show_result() {
  local folder fresh log columns=0 colour=plain status=0
  read_screen
  folder=$(kept_folder)
  fresh=$(fresh_folder "$folder")
  if [[ $type == ActionResult ]]; then
    chain=(for-screen --kept="$folder" --columns="$columns")
    [[ $colour == plain ]] || chain+=(--colour)
  else
    given+=("--screen=$columns,$colour,$folder")
    chain=(shown)
  fi
  chain+=(export --path="$fresh")
  log=$fresh/dagger.log
  begin_untrusted
  call_chain "$1" >/dev/null || status=$?
  if ((status != 0)) || [[ ! -f $fresh/.screen/text ]]; then
    rm -rf "$fresh"
    end_untrusted
    return "$((status == 0 ? 1 : status))"
  fi
  keep "$fresh" "$folder"
}

# keep FRESH FOLDER: puts what was exported where the last run of the function is kept, and shows it.
keep() {
  local status screen
  status=$(cat "$1/.screen/status")
  screen=$(cat "$1/.screen/text")
  rm -rf "$1/.screen" "$2"
  mv "$1" "$2"
  end_untrusted
  if [[ ${GITHUB_ACTIONS-} == true ]]; then
    github_groups "$2"
    [[ ! -f $2/annotations.txt ]] || cat "$2/annotations.txt"
  fi
  begin_untrusted
  printf '%s\n' "$screen"
  end_untrusted
  return "$status"
}

# keep_directory VIEW: a function that gives files only: they are exported and named.
keep_directory() {
  local folder fresh file
  folder=$(kept_folder)
  fresh=$(fresh_folder "$folder")
  chain=(export --path="$fresh")
  call_chain "$1" >/dev/null || { rm -rf "$fresh"; return 1; }
  rm -rf "$folder"
  mv "$fresh" "$folder"
  find "$folder" -type f | sort | while read -r file; do printf '%s\n' "$file"; done
}

# show_exported: what `artifacts export` has just written is shown where the CLI shows nothing of it.
show_exported() {
  local folder=${chain[2]-}
  [[ ${chain[0]-}/${chain[1]-} == artifacts/export && -t 2 ]] || return 0
  [[ $folder != --path ]] || folder=--path=${chain[3]-}
  folder=${folder#--path=}
  [[ ! -f $folder/summary.txt ]] || cat "$folder/summary.txt"
}

# kept_folder: where the last run of this function for this stack is kept; outside of the source, which is uploaded.
kept_folder() {
  local source name
  source=$(source_folder)
  name=$(basename -- "$source")
  printf '%s/stack/%s-%s/%s\n' "${XDG_STATE_HOME:-${HOME:-/tmp}/.local/state}" \
    "${name//[^A-Za-z0-9._-]/-}" "$(printf '%s' "$source" | cksum | cut -d' ' -f1)" "$function"
}

# show_last [FUNCTION] [--source=FOLDER]: the report that the last run of a function left here, of any function where none
# is named; nothing is run. The exit status is that of the run.
show_last() {
  local folder text ok
  given=()
  function=
  while (($# > 0)); do
    case $1 in
      --source=?*) given+=("$1") ;;
      -*) fail "last: there is no option \"$1\": ./stack last [FUNCTION] [--source=FOLDER]" ;;
      *) function=$1 ;;
    esac
    shift
  done
  if [[ ${#given[@]} -eq 0 && ( -f spec.yml || -f images/spec.yml ) ]]; then given=(--source=.); fi
  folder=$(kept_folder)
  # Without a function this is the folder of all of them.
  folder=$(newest_report "${folder%/}")
  [[ -n $folder ]] || fail "no report of an earlier run${function:+ of $function} is kept for $(source_folder)"
  say "this is the report of $(date -r "$folder/report.json" '+%F %T') ($(basename "$folder")), shown again: nothing was run"
  text=$folder/summary.txt
  [[ -f $text ]] || text=$folder/report.md
  begin_untrusted
  cat "$text"
  end_untrusted
  say "report and logs: $folder"
  ok=$(sed -n 's/^  "ok": \(true\|false\),\{0,1\}$/\1/p;3q' "$folder/report.json")
  [[ $ok == true ]]
}

# newest_report FOLDER: the folder with the newest report.json, of FOLDER and those in it; or nothing.
newest_report() {
  local file newest=
  for file in "$1"/report.json "$1"/*/report.json; do
    # What is being written has a dot in its name.
    [[ -f $file && $(basename "$(dirname "$file")") != *.* ]] || continue
    [[ -n $newest && ! $file -nt $newest ]] || newest=$file
  done
  [[ -z $newest ]] || dirname "$newest"
}

# fresh_folder FOLDER: a folder beside it, for its owner alone: logs may hold what is nobody's business.
fresh_folder() {
  (umask 077 && mkdir -p "$(dirname "$1")" && mktemp -d "$1.XXXXXX")
}

# read_screen: into columns and colour, what the result is shown on; a file has neither.
read_screen() {
  local size
  [[ -t 1 ]] || return 0
  size=$(stty size <&2 2>/dev/null) || size=
  columns=${size#* }
  columns=${columns:-0}
  [[ -n ${NO_COLOR-} || ${TERM-dumb} == dumb ]] || colour=colour
}

# tell_interrupted: one line, and the status of a program that was interrupted.
tell_interrupted() {
  say "stopped; what is built and pushed stays, and the same call takes it up"
  exit 130
}
