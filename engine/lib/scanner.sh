# shellcheck shell=bash
# The scanner of vulnerabilities: grype as an image of the mirror, made when it is asked for. To be sourced after
# recipes.sh and registries.sh.

# Not in the engine's own content store: that is for what every engine needs.
scanner_content=$home/build/scanner-content

# scanner: prints the reference of the image, with its digest; makes what is missing.
scanner() {
  up
  # A lock of its own: it takes minutes, and calls that scan nothing need not wait for it.
  exec 8>"$home/scanner.lock"
  flock 8
  provide_scanner 8>&- >&2
  exec 8>&-
  printf 'anchore/grype:v%s@%s\n' "$GRYPE_VERSION" "$(<"$home/images/scanner")"
}

provide_scanner() {
  local started_now=()
  step image_scanner "Scanner: grype v$GRYPE_VERSION, compiled from its Go module (minutes when nothing is cached)" \
    "$home/images/scanner" "$engine_dir/grype" "=$GRYPE_VERSION $(go env GOVERSION) $(declare -f compile_scanner)"
  [[ $(cat "$home/mirror/scanner" 2>/dev/null) == "$(<"$home/images/scanner")" ]] || push_scanner
}

# make_image_scanner FILE: like the official image: the program, certificates and a folder for temporary files.
make_image_scanner() {
  local layer=$home/build/scanner.layer source=$home/build/scanner config=$home/build/scanner.json
  rm -rf "$layer" "$source" "$scanner_content"
  cp -r "$engine_dir/grype" "$source"
  mkdir -p "$layer"/{tmp,etc/ssl/certs} "$home/build"
  counted "$home/build/scanner.log" compiled compile_scanner "$layer" "$source"
  cat /usr/share/ca-certificates/mozilla/*.crt >"$layer/etc/ssl/certs/ca-certificates.crt"
  archive "$layer" "$layer.tar" --owner=0 --group=0
  echo '{ "Entrypoint": ["/grype"] }' >"$config"
  node "$engine_dir/oci.mjs" pack "$scanner_content" "$config" --gzip "$layer.tar" >"$1"
  rm -rf "$layer" "$layer.tar" "$source" "$config"
}

# compile_scanner FOLDER SOURCE: FOLDER/grype, for containers of any libc.
compile_scanner() {
  export GOFLAGS="-mod=readonly -buildvcs=false" CGO_ENABLED=0
  cd "$2" || return
  go build -v -trimpath -ldflags "-s -w -X main.version=$GRYPE_VERSION" -o "$1/grype" github.com/anchore/grype/cmd/grype
}

# push_scanner: through a registry of the mirror's folder, which asks for the login that only root knows: the mirror goes
# on serving, and nobody else can write to it.
push_scanner() {
  local port=$((mirror_port + 1)) name=mirror-scanner
  require_port "$port" 127.0.0.1 "the mirror's filling" "Stop what listens there for a moment."
  registry_config "$run_dir/$name.yml" "127.0.0.1:$port" "$home/mirror" "" \
    "auth: { htpasswd: { realm: stack, path: $run_dir/htpasswd } }"
  serve_registry "$name" "127.0.0.1:$port"
  OCI_LOGIN=$registry_user:$(<"$registry_password") node "$engine_dir/oci.mjs" push "$scanner_content" \
    "$(<"$home/images/scanner")" "http://127.0.0.1:$port" docker.io/anchore/grype "v$GRYPE_VERSION" ||
    { stop "$name" 10; die "the scanner could not be put into the mirror"; }
  stop "$name" 10
  cp "$home/images/scanner" "$home/mirror/scanner"
}
