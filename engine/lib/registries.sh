# shellcheck shell=bash
# The two registries. The mirror has what everything trusted starts from: nobody writes to it while it serves. The
# other one is for tests and publishing, and asks for a login. To be sourced after common.sh and processes.sh.

mirror_port=$((registry_port + 10))
readonly registry_user=stack
registry_password=$home/registry-password

# registry_config FILE ADDRESS STORAGE EXTRA: of docker-registry. Nothing can be deleted in any of them.
registry_config() {
  cat >"$1" <<YAML
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $3 }, delete: { enabled: false }${4-} }
http: { addr: "$2" }
${5-}
YAML
}

readonly read_only=', maintenance: { readonly: { enabled: true } }'

# start_registries: each that does not run. The bridge must be there: a registry binds to its address.
start_registries() {
  make_bridge
  make_login
  fill_mirror
  alive mirror || start_mirror mirror "127.0.0.1:$mirror_port"
  # Builds get the stand-in package from here.
  alive mirror-bridge || start_mirror mirror-bridge "$bridge_address:$mirror_port"
  alive registry || start_registry
}

start_mirror() {
  registry_config "$run_dir/$1.yml" "$2" "$home/mirror" "$read_only"
  serve_registry "$1" "$2"
}

start_registry() {
  registry_config "$run_dir/registry.yml" "$bridge_address:$registry_port" "$home/registry" "" \
    "auth: { htpasswd: { realm: stack, path: $run_dir/htpasswd } }"
  serve_registry registry "$bridge_address:$registry_port"
}

# make_login: a password of this installation's own. The registry takes bcrypt only, which Perl has from the C library;
# its cost is the least that there is, because the registry computes it for every request, and nobody guesses 128 bits.
make_login() {
  local salt
  [[ -s $registry_password ]] ||
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$registry_password.part" &&
      mv "$registry_password.part" "$registry_password")
  # shellcheck disable=SC2016 # as crypt(3) writes it
  salt='$2b$04$'$(od -An -N11 -tx1 /dev/urandom | tr -d ' \n')
  # shellcheck disable=SC2016 # Perl's variables
  (umask 077 && printf '%s:%s\n' "$registry_user" \
    "$(perl -e 'chomp(my $word = <STDIN>); print crypt($word, $ARGV[0])' "$salt" <"$registry_password")" \
    >"$run_dir/htpasswd")
}

# serve_registry NAME ADDRESS: starts it with run/NAME.yml, and waits until it answers.
serve_registry() {
  local deadline=$((SECONDS + 20))
  daemon "$1" docker-registry serve "$run_dir/$1.yml" >>"$run_dir/$1.log" 2>&1
  started_now+=("$1")
  until (: <"/dev/tcp/${2%:*}/${2#*:}") 2>/dev/null; do
    if ! alive "$1" || ((SECONDS > deadline)); then
      die "the $1 did not come up ($run_dir/$1.log):" "$(tail -5 "$run_dir/$1.log")"
    fi
    sleep 0.1
  done
}

# mirror_key: what the mirror must hold.
mirror_key() {
  cat "$home"/images/{debian,debian-stack,node} <(sha256sum "$home"/build/rstudio-stand-in/*.deb | cut -c 1-64)
  cat "$home"/images/{debian,debian-stack,node}-arm64 2>/dev/null || true
}

mirror_is_filled() { [[ $(cat "$home/mirror/filled" 2>/dev/null) == "$(mirror_key)" ]]; }

# fill_mirror: the images of Docker Hub that the module and the stack start from, and the package that stands in for
# RStudio Server. For that the mirror is writable for a moment, to this machine alone and while it serves nobody.
fill_mirror() {
  local address=127.0.0.1:$mirror_port
  ! mirror_is_filled || return 0
  stop mirror 10
  mkdir -p "$home/mirror"
  registry_config "$run_dir/mirror-filling.yml" "$address" "$home/mirror"
  serve_registry mirror-filling "$address"
  push_image debian library/debian "$DEBIAN_SUITE-slim"
  push_image debian-stack library/debian "$STACK_DEBIAN_SUITE-slim"
  push_image node library/node "${NODE_VERSION%%.*}-$DEBIAN_SUITE-slim"
  node "$engine_dir/oci.mjs" push-file "$home"/build/rstudio-stand-in/*.deb "http://$address" \
    stand-ins/rstudio-server >"$run_dir/rstudio-stand-in"
  stop mirror-filling 10
  mirror_key >"$home/mirror/filled"
}

# push_image NAME REPOSITORY TAG: for both platforms where the other one was ever needed (lib/emulation.sh), else as it is.
push_image() {
  local address=http://127.0.0.1:$mirror_port other=$home/images/$1-arm64
  if [[ -f $other ]]; then
    node "$engine_dir/oci.mjs" push-index "$content" "$address" "docker.io/$2" "$3" "$(<"$home/images/$1")" "$(<"$other")"
  else
    node "$engine_dir/oci.mjs" push "$content" "$(<"$home/images/$1")" "$address" "docker.io/$2" "$3"
  fi
}
