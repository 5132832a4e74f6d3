# shellcheck shell=bash
# What a call on the provisioned engine gets without being asked for. Sourced by ./stack.
# shellcheck disable=SC2154 # the variables of read_words, and those of ./stack

# fill_login: the login of the provisioned engine's registry, for a call that names that registry and brings none. No
# other registry hears it: the module gives a login to the one that --registry or --ref names.
fill_login() {
  local word
  # An engine that an older checkout has started has no registry with a login.
  [[ -n ${own_pid-} && -n ${STACK_REGISTRY_PASSWORD_FILE-} && " ${options//!/} " == *' registry-password '* ]] || return 0
  ! has_option registry-password && ! has_option registry-username || return 0
  for word in ${given[@]+"${given[@]}"}; do
    case ${word#--registry=} in
      "$STACK_REGISTRY" | "$STACK_REGISTRY"/* | --ref="$STACK_REGISTRY"/*)
        given+=("--registry-username=$STACK_REGISTRY_USERNAME" "--registry-password=file://$STACK_REGISTRY_PASSWORD_FILE")
        return
        ;;
    esac
  done
}

# fill_scanner: the scanner that the provisioned engine's mirror serves, for a call that scans and names none. It is compiled
# when it is first asked for.
fill_scanner() {
  local reference
  [[ -n ${own_pid-} ]] && ! has_option scanner || return 0
  [[ $function == scan ]] || has_option vulnerability-database || return 0
  reference=$("$engine" scanner)
  given+=("--scanner=$reference")
}
