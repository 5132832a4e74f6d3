# shellcheck shell=bash
# Another platform than this machine's, on the provisioned engine: emulated where a call is about it, and not before.
# Sourced by ./stack.
# shellcheck disable=SC2154 # the variables of read_words, and those of ./stack

# The platform that the provisioned engine has to emulate.
readonly other_platform=linux/arm64

# fill_emulation: has the engine emulate what the call names, or else the spec of its source.
fill_emulation() {
  local source=.
  [[ -n ${own_pid-} && " $building " == *" $function "* && ${STACK_EMULATION-} != off ]] || return 0
  needs_emulation || return 0
  # shellcheck disable=SC2046 # words
  "$engine" emulate $(debian_images)
}

# debian_images: those that Dockerfiles of the source name, a word each.
debian_images() {
  grep -rhoE --include='*Dockerfile*' --exclude-dir=node_modules --exclude-dir=.git 'debian:[a-z]+-slim' "$source" | sort -u || true
}

# needs_emulation: whether the call is about the other platform; into source, where its stack is.
needs_emulation() {
  local word spec take='' named=''
  for word in ${given[@]+"${given[@]}"}; do
    case $take in
      source) source=$word ;;
      platform) named+=" $word" ;;
    esac
    take=''
    case $word in
      --source | --platform) take=${word#--} ;;
      --source=*) source=${word#*=} ;;
      --platform=*) named+=" ${word#*=}" ;;
    esac
  done
  if [[ -n $named ]]; then
    [[ $named == *"$other_platform"* ]]
  else
    # A comment names nothing; one of the two places has no spec.
    spec=$(sed '/^[[:space:]]*#/d' "$source/spec.yml" "$source/images/spec.yml" 2>/dev/null || true)
    [[ $spec == *"$other_platform"* ]]
  fi
}
