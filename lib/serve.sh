# shellcheck shell=bash
# What `up` publishes is for this machine alone. The CLI listens on all its addresses and has no option for another: the
# firewall keeps others out for as long as the call lasts. Sourced by ./stack.
# shellcheck disable=SC2154 # the variables of read_words

# keep_others_out: closes the ports of the call's `up` to everybody but this machine, or says who can reach them.
keep_others_out() {
  local port open=
  local -a ports=()
  read_ports
  ((EUID != 0)) || remove_rules stale
  # What ends this script may be said twice, and is not to end this as well.
  trap 'trap "" HUP INT PIPE TERM; remove_rules own' EXIT
  for port in ${ports[@]+"${ports[@]}"}; do
    if ((EUID != 0)) || ! close_port iptables "$port" || ! close_port ip6tables "$port"; then open+=" $port"; fi
  done
  ((${#ports[@]} > 0)) || open=" of its choice"
  [[ -z $open ]] ||
    say "port$open: reached from every machine that reaches this one, as only root can close it to them, and only where --ports names it; the server's own token or login is all that keeps others out"
}

# read_ports: into ports, those of this machine that `up` takes: PORT:CONTAINER, several with commas; 0 is any.
read_ports() {
  local word pair take=''
  local -a pairs
  for word in ${chain[@]+"${chain[@]}"}; do
    case $take$word in
      --ports) take=, ; continue ;;
      --ports=*) IFS=, read -ra pairs <<<"${word#*=}" ;;
      ,*) IFS=, read -ra pairs <<<"$word" ;;
      *) continue ;;
    esac
    take=
    for pair in ${pairs[@]+"${pairs[@]}"}; do
      if [[ ${pair%%:*} =~ ^[1-9][0-9]*$ ]]; then ports+=("${pair%%:*}"); fi
    done
  done
}

# close_port PROGRAM PORT: a rule that names this process, so that a later call finds it where this one was killed.
close_port() {
  "$1" --wait --insert INPUT ! --in-interface lo --protocol tcp --dport "$2" \
    --match comment --comment "stack-serve-$$" --jump REJECT --reject-with tcp-reset 2>/dev/null
}

# remove_rules own|stale: the rules of this process, or those of processes that are gone.
remove_rules() {
  local program rule pid
  local -a words
  for program in iptables ip6tables; do
    command -v "$program" >/dev/null || continue
    while read -r rule; do
      pid=${rule##*stack-serve-}
      pid=${pid%%[!0-9]*}
      if [[ $1 == own ]]; then [[ $pid == "$$" ]] || continue; else ! kill -0 "$pid" 2>/dev/null || continue; fi
      read -ra words <<<"${rule/#-A/--delete}"
      "$program" --wait "${words[@]}" 2>/dev/null || true
    done < <("$program" --wait --list-rules INPUT 2>/dev/null | grep -F 'stack-serve-')
  done
}
