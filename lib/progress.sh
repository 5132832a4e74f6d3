# shellcheck shell=bash
# What a pipe gets of a call: dagger's plain progress has thousands of lines, of which those count that the called
# function itself has printed. Sourced by ./stack.

# A line of plain progress: `12  : [4.5s] | text` for what span 12 printed, `12  : Name.function(` for its begin.
readonly printed_line='^([0-9]+) *: (┆ )*\[([0-9.hms]+)\] \| ?(.*)$'
readonly call_line='^([0-9]+) *: [A-Z][A-Za-z]*\.[a-z]'
readonly numbered_line='^[0-9]+ *: '
# Behind it stands what the function gives: calls/screenFiles.ts.
readonly result_line='----- result -----'
# Of more lines of one call than these ever fewer are shown: a long run must not fill the log of who called it.
readonly most_lines=200

# own_lines LOG [result]: plain progress on stdin, the call's own lines on stdout, all lines in LOG. `result` keeps what stands behind
# result_line, for calls whose result is not printed otherwise. What an image prints belongs to other spans: it cannot
# be taken for a line of the function.
own_lines() {
  local line calls=' ' in_result='' loading='' said=0 next=$most_lines
  while IFS= read -r line || [[ -n $line ]]; do
    printf '%s\n' "$line" >&3
    if [[ $line =~ $printed_line ]]; then
      [[ $calls == *" ${BASH_REMATCH[1]} "* ]] || continue
      own_line "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}" "${2-}"
    elif [[ $line =~ $call_line ]]; then
      calls+="${BASH_REMATCH[1]} "
    elif [[ ! $line =~ $numbered_line ]]; then
      closing_line "$line"
    elif [[ $line == *': load module: '* && -z $loading ]]; then
      loading=1
      printf 'stack: loading the module\n'
    fi
  done 3>"$1"
  failed_steps <"$1"
}

# failed_steps: of plain progress on stdin, the end of what each failed step of a build has printed: the module is told
# that it failed, and not more.
failed_steps() {
  awk '
    { line[NR] = $0; id[NR] = $1 }
    / RUN .* ERROR \[/ { failed[$1] = $0 }
    END {
      for (each in failed) {
        count = 0
        for (i = 1; i <= NR; i++)
          if (id[i] == each && line[i] ~ /\[[0-9.hms]+\] \| /) {
            text = line[i]
            sub(/^[^|]*\| /, "", text)
            said[++count] = text
          }
        title = failed[each]
        sub(/^[^[]*/, "", title)
        sub(/ ERROR .*/, "", title)
        printf "\n%s\n", title
        for (i = count > 15 ? count - 14 : 1; i <= count; i++) printf "    | %s\n", said[i]
      }
    }'
}

# own_line TIME TEXT result: a line that the function printed. Uses in_result of own_lines.
own_line() {
  local time=$1
  if [[ $2 == "$result_line" ]]; then
    in_result=1
  elif [[ -n $in_result ]]; then
    [[ -z $3 ]] || printf '%s\n' "$2"
  else
    time=${time//h/ h }
    time=${time//m/ min }
    say_line "[${time//s/ s}] $2"
  fi
}

# say_line TEXT: a line of a run that goes on. Behind most_lines each pause is a tenth longer: 300 lines are shown of two
# million. Uses said and next of own_lines.
say_line() {
  said=$((said + 1))
  ((said < most_lines || said == next)) || return 0
  printf '%s\n' "$1"
  ((said >= most_lines)) || return 0
  ((said > most_lines)) || printf 'stack: from here on some of the lines only; -v shows all\n'
  next=$((said * 11 / 10))
}

# closing_line LINE: what the CLI says at the end, mistakes and refusals, without what only it can use.
closing_line() {
  local line=$1
  [[ -n $line ]] || return 0
  case $line in
    *'Full trace at '* | *'dagger.cloud/traces/'* | *'set up tracing'* | *'unable to parse git remote'* | Canceled.) return 0 ;;
    "Run 'dagger call "*) line="Run './stack ${line#"Run 'dagger call "}" ;;
  esac
  while [[ $line =~ ^(.*)\ ?\[traceparent:[0-9a-f-]+\](.*)$ ]]; do line=${BASH_REMATCH[1]% }${BASH_REMATCH[2]}; done
  printf '%s\n' "$line"
}
