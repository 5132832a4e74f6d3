# shellcheck shell=bash
# What a machine must have before anything is built; every lack is reported at once. To be sourced after common.sh.

readonly needed_gigabytes=12
readonly oldest_go=1.21 # fetches the toolchain that go.mod asks for by itself
readonly oldest_node=20.19.0

readonly debian_packages=(
  runc containernetworking-plugins dnsmasq-base iptables iproute2 docker-registry
  debootstrap debian-archive-keyring openssl ca-certificates
)

# check_prerequisites: ends with the list of what is missing and how to get it.
check_prerequisites() {
  local -a missing=()
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    missing+=("Linux on x86_64: this is $(uname -sm). Elsewhere use Docker and the dagger CLI.")
  ((EUID == 0)) || missing+=("root: the engine runs containers. Try: sudo -E ./stack ...")
  command -v apt-get >/dev/null || missing+=("apt-get: the engine's parts come from Debian packages")
  check_tool git "" ""
  check_tool node "$oldest_node" "$(node --version 2>/dev/null | tr -d v)"
  check_tool npm "" ""
  check_tool go "$oldest_go" "$(go env GOVERSION 2>/dev/null | sed 's/^go//')"
  check_disk
  ((${#missing[@]} == 0)) && return
  die "the engine cannot be built here; missing:" "${missing[@]/#/- }" \
    "With Docker and the dagger CLI installed, or _EXPERIMENTAL_DAGGER_RUNNER_HOST set, none of this is needed."
}

# check_tool NAME OLDEST FOUND: adds to `missing` what is wrong with a tool; OLDEST may be empty.
check_tool() {
  local name=$1 oldest=$2 found=$3
  if ! command -v "$name" >/dev/null; then
    missing+=("$name${oldest:+ $oldest or newer}: not in PATH ($PATH)")
  elif [[ -n $oldest ]] && ! at_least "$oldest" "$found"; then
    missing+=("$name $oldest or newer: $(command -v "$name") is $found")
  fi
}

check_disk() {
  local free
  free=$(free_gigabytes "$(existing_folder "$home")")
  # An engine that is already built has its share of the disk.
  [[ -d $home/steps ]] && return
  ((free >= needed_gigabytes)) ||
    missing+=("disk: $needed_gigabytes GB free for $home, there are $free GB. STACK_ENGINE_HOME names another place.")
}

# install_debian_packages: those of the list that are not there yet.
install_debian_packages() {
  local -a absent=()
  local package
  for package in "${debian_packages[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      absent+=("$package")
  done
  ((${#absent[@]} == 0)) && return
  progress "Debian packages: ${absent[*]}"
  apt-get update -qq >&2
  # Their services are not wanted: what the engine needs of them it starts itself.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${absent[@]}" \
    >"$home/apt.log" 2>&1 || die "apt-get install failed:" "$(tail -5 "$home/apt.log")"
}
