# shellcheck shell=bash
# A call of the dagger CLI that ends in time, with nothing but bash 3.2 and the tools of POSIX: no Mac has timeout(1).
# Sourced by ./stack.
# shellcheck disable=SC2154 # own_pid and engine are of ./stack

# dagger_bounded ARG...: dagger with a time limit. It is ended early when our engine dies (the CLI would wait without end)
# and when this script is killed: it would go on, and publish, while its caller takes it for ended.
dagger_bounded() {
  local status=0 watcher limit place
  limit=$(seconds_of "${STACK_TIMEOUT:-3h}") ||
    fail "STACK_TIMEOUT must be a whole number with s, m, h or d behind it, such as 90m, not \"${STACK_TIMEOUT-}\""
  place=$(mktemp -d)
  # In the foreground, so that Ctrl-C and the terminal are dagger's; its pid is told by the shell that becomes it.
  # shellcheck disable=SC2016 # for that shell
  local -a bounded=(sh -c 'echo "$$" >"$0/pid" && exec dagger "$@"' "$place")
  # Where the kernel can do it, dagger ends with this script at once, and not within two seconds.
  ! command -v setpriv >/dev/null || bounded=(setpriv --pdeathsig TERM "${bounded[@]}")
  watch_call $$ "$place" "$limit" &
  watcher=$!
  "${bounded[@]}" "$@" || status=$?
  kill "$watcher" 2>/dev/null || true
  [[ ! -f $place/given-up ]] || status=124
  rm -rf "$place"
  ((status == 0)) || explain "$status"
  return "$status"
}

# seconds_of TIME: 45s, 90m, 3h, 1d or a number of seconds.
seconds_of() {
  local number=${1%[smhd]} unit=1
  case $1 in
    *m) unit=60 ;;
    *h) unit=3600 ;;
    *d) unit=86400 ;;
  esac
  case $number in
    "" | *[!0-9]* | ????????*) return 1 ;;
  esac
  echo "$((10#$number * unit))"
}

# watch_call PARENT PLACE SECONDS: ends the call whose pid is in PLACE once its time is over, the engine is gone or PARENT,
# who waits for it, is.
watch_call() {
  local started=$SECONDS
  while ((SECONDS - started < $3)); do
    if ! kill -0 "$1" 2>/dev/null; then
      end_call "$2"
      rm -rf "$2"
      return
    fi
    if [[ -n ${own_pid-} ]] && ! kill -0 "$own_pid" 2>/dev/null; then
      say "the engine has ended during the call; its last words:"
      "$engine" logs | tail -n 5 >&2
      end_call "$2"
      return
    fi
    # Should it outlive this process, it holds none of the caller's pipes open.
    sleep 2 >/dev/null 2>&1
  done
  : >"$2/given-up"
  end_call "$2"
}

# end_call PLACE: asks the call whose pid is there to end, and ends it where it does not.
end_call() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  sleep 8 >/dev/null 2>&1
  kill -9 "$pid" 2>/dev/null || true
}
