# shellcheck shell=bash
# Daemons known by pid. A pid file holds the pid and the start time that /proc reports, so that a pid which the kernel
# has given to another process since then is never taken for ours. To be sourced after common.sh.

# start_time PID: clock ticks since boot, field 22 of /proc/PID/stat; nothing when there is no such process.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # The second field, the command in parentheses, may hold spaces.
  stat=${stat##*) }
  # A zombie has ended: its parent only has not asked yet.
  [[ $stat == Z* ]] && return
  local -a fields
  read -ra fields <<<"$stat"
  echo "${fields[19]}"
}

# record NAME PID: from now on `alive NAME` tells about this process.
record() {
  printf '%s %s\n' "$2" "$(start_time "$2")" >"$run_dir/$1.pid.part"
  mv "$run_dir/$1.pid.part" "$run_dir/$1.pid"
}

# daemon NAME COMMAND...: starts a process in a session of its own. It records itself before it becomes COMMAND: however
# this script ends, none is left that nobody knows of.
daemon() {
  local name=$1 pid
  shift
  {
    record "$name" "$BASHPID"
    exec setsid "$@"
  } </dev/null 9>&- &
  pid=$!
  until [[ $(pid_of "$name") == "$pid" ]] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
}

# pid_of NAME: the pid of a recorded process that still runs; else fails.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$run_dir/$1.pid" || return 1
  [[ -n $started && $(start_time "$pid") == "$started" ]] || return 1
  echo "$pid"
}

alive() { pid_of "$1" >/dev/null; }

# started_at PID: when, as text for people.
started_at() { date -d "$(ps -o lstart= -p "$1")" '+%F %T'; }

# stop NAME SECONDS [CHILD]: ends a recorded process: politely, and after SECONDS by force. With CHILD the polite
# signal goes to its only child: `unshare` neither forwards it nor ends by it.
stop() {
  local name=$1 patience=$2 pid target deadline
  pid=$(pid_of "$name") || {
    rm -f "$run_dir/$name.pid"
    return 0
  }
  target=$pid
  [[ ${3-} == child ]] && target=$(pgrep --parent "$pid" || echo "$pid")
  kill "$target" 2>/dev/null || true
  deadline=$((SECONDS + patience))
  while alive "$name" && ((SECONDS < deadline)); do sleep 0.1; done
  if alive "$name"; then
    progress "$name (pid $pid) did not end in $patience s: killed"
    kill -KILL "$pid"
    while alive "$name"; do sleep 0.1; done
  fi
  rm -f "$run_dir/$name.pid"
}
