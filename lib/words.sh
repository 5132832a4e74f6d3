# shellcheck shell=bash
# The words of a call: which function, which options, what is chained to it, and what was meant where a word is none of
# them. Sourced by ./stack. lib/functions.txt has the functions: a line each, `name type option... flag!...`, written by
# `npm run docs`.
# shellcheck disable=SC2034,SC2154 # what read_words sets is for lib/call.sh; root is of ./stack

# Options of the CLI that take a value, and those that every call may have.
readonly cli_values=' --progress --output -o --mod -m '
readonly cli_flags='help silent quiet verbose debug json interactive progress output mod'

# functions_line NAME: the function's line, or nothing.
functions_line() {
  local name rest
  # Another module's checkout has no such list: then nothing is known of its functions.
  [[ -f $root/lib/functions.txt ]] || return 0
  while read -r name rest; do
    [[ $name != "$1" ]] || printf '%s %s\n' "$name" "$rest"
  done <"$root/lib/functions.txt"
}

# read_words ARG...: into front (options before the function), function, type, given (its options) and chain.
read_words() {
  local line option
  front=() given=() chain=() function='' type=''
  while [[ ${1-} == -* ]]; do
    front+=("$1")
    if [[ $cli_values == *" $1 "* && $# -gt 1 ]]; then
      front+=("$2")
      shift
    fi
    shift
  done
  (($# > 0)) || return 0
  function=$1
  shift
  line=$(functions_line "$function")
  read -r _ type options <<<"$line"
  # The CLI does not know it: lib/watch.sh.
  [[ $function != test-image ]] || options+=' watch!'
  while [[ ${1-} == -* ]]; do
    given+=("$1")
    option=${1%%=*}
    check_option "$option"
    if [[ $1 != *=* && $# -gt 1 ]] && takes_value "$option"; then
      given+=("$2")
      shift
    fi
    shift
  done
  chain=("$@")
}

# takes_value OPTION: whether the next word belongs to it.
takes_value() {
  [[ $cli_values == *" $1 "* || " $options " == *" ${1#--} "* ]]
}

# has_option NAME: whether an option was given.
has_option() {
  local word
  for word in ${given[@]+"${given[@]}"}; do
    [[ $word != "--$1" && $word != "--$1="* ]] || return 0
  done
  return 1
}

# check_function: a function that is none is told at once, with the nearest.
check_function() {
  local near names
  # Another module has other functions.
  [[ " ${front[*]-} " != *[[:space:]]--mod[[:space:]=]* && " ${front[*]-} " != *[[:space:]]-m[[:space:]=]* ]] || return 0
  [[ -z $type && -s $root/lib/functions.txt ]] || return 0
  names=$(cut -d' ' -f1 "$root/lib/functions.txt")
  # shellcheck disable=SC2086 # names are words
  near=$(nearest "$function" $names functions test bench last reproduce packages engine)
  fail "there is no function \"$function\"${near:+: did you mean \"$near\"?} (./stack functions lists them)"
}

# check_option OPTION: one that nobody knows and that is near to a known one is a slip; others are left to the CLI.
check_option() {
  local near name=${1#--}
  [[ $1 == --* && -n $type && " ${options//!/} $cli_flags " != *" $name "* ]] || return 0
  # shellcheck disable=SC2086 # options are words
  near=$(nearest "$name" ${options//!/} $cli_flags)
  [[ -z $near ]] || fail "$function has no option \"$1\": did you mean \"--$near\"? (./stack $function --help lists them)"
}

# nearest WORD CANDIDATE...: the candidate that WORD is probably a slip of, or nothing.
nearest() {
  local word=$1 candidate best='' distance least tolerated
  shift
  least=99
  for candidate in "$@"; do
    tolerated=$(((${#word} > ${#candidate} ? ${#word} : ${#candidate}) / 3))
    distance=$(edits "$word" "$candidate")
    if ((distance <= (tolerated > 1 ? tolerated : 1) && distance < least && distance < ${#candidate})); then
      best=$candidate
      least=$distance
    fi
  done
  printf '%s' "$best"
}

# edits A B: insertions, deletions, replacements and swaps of neighbours between two words.
edits() {
  local a=$1 b=$2 row column best
  local -a before last current
  ((${#a} < 60 && ${#b} < 60)) || { echo 99; return; }
  for ((column = 0; column <= ${#b}; column++)); do last[column]=$column; done
  for ((row = 1; row <= ${#a}; row++)); do
    current=("$row")
    for ((column = 1; column <= ${#b}; column++)); do
      best=$((last[column - 1] + 1))
      [[ ${a:row-1:1} != "${b:column-1:1}" ]] || best=${last[column - 1]}
      ((last[column] + 1 >= best)) || best=$((last[column] + 1))
      ((current[column - 1] + 1 >= best)) || best=$((current[column - 1] + 1))
      if ((row > 1 && column > 1)) && [[ ${a:row-1:1}${a:row-2:1} == "${b:column-2:1}${b:column-1:1}" ]]; then
        ((before[column - 2] + 1 >= best)) || best=$((before[column - 2] + 1))
      fi
      current[column]=$best
    done
    before=("${last[@]}")
    last=("${current[@]}")
  done
  echo "${last[${#b}]}"
}

# fill_source: the folder that the user is in, where that is a stack. In the module's own checkout the CLI knows it;
# elsewhere it would take the module's images for the user's.
fill_source() {
  [[ " $options " == *' source '* ]] && ! has_option source && ! has_option help || return 0
  if [[ -f spec.yml || -f images/spec.yml || $function == adopt ]]; then
    given+=(--source=.)
  elif [[ $PWD/ != "$root/"* ]]; then
    fail "this folder is no stack: it has neither spec.yml nor images/spec.yml; go to one, or name it: --source=FOLDER"
  fi
}

# source_folder: what --source names, as a path from the root where it is a folder.
source_folder() {
  local word next='' source=$root
  for word in ${given[@]+"${given[@]}"}; do
    [[ -z $next ]] || source=$word
    next=
    case $word in
      --source) next=1 ;;
      --source=*) source=${word#*=} ;;
    esac
  done
  if [[ -d $source ]]; then (cd -- "$source" && pwd); else printf '%s\n' "$source"; fi
}

# fill_origin: address of the source's repository. Git keeps it in a file that is not uploaded, as logins may stand in it;
# one in the address itself is left out, as options stand in the list of processes.
fill_origin() {
  local address
  [[ " $options " == *' origin '* ]] && ! has_option origin || return 0
  address=$(git -C "$(source_folder)" config --get remote.origin.url 2>/dev/null |
    sed -e 's,^\([A-Za-z][A-Za-z0-9+.-]*://\)[^/]*@,\1,' -e 's,[?#].*,,') || return 0
  [[ -z $address ]] || given+=("--origin=$address")
}
