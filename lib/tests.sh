# shellcheck shell=bash
# Tests and benchmarks of this code, on the engine that `./stack` provisions itself: Debian, root. Sourced by ./stack.
# shellcheck disable=SC2154 # root is of ./stack

# install_packages: the npm dependencies of the checkout and of the module, unless they are those of the lock files:
# npm writes its own copy of the lock file when it has done everything.
install_packages() {
  local folder
  for folder in "$root" "$root/dagger"; do
    [[ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] && continue
    say "npm ci in $folder"
    npm ci --prefix "$folder" --no-audit --no-fund >&2
  done
}

# install_test_programs: what the tests need of Debian beside what the engine needs: a real sshd, pytest, skopeo, a terminal, Docker.
install_test_programs() {
  local -a missing=()
  local package
  command -v dpkg-query >/dev/null || return 0
  for package in busybox-static dash docker-registry libfaketime openssh-client openssh-server openssl procps python3 python3-pytest python3-pytest-subtests python3-venv skopeo tmux; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  # Another package of Docker than Debian's would have to make way for it.
  command -v dockerd >/dev/null || missing+=(docker.io)
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    say "some tests are left out: ${missing[*]} are not installed, and only root can install them"
    return
  fi
  say "installing ${missing[*]}"
  apt-get update -qq >&2
  # No daemon is to be started: the tests have their own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# run_tests [pure|unit|e2e] [ARG...]: vitest, then one line with its counts.
run_tests() {
  local -a select=()
  local report status=0
  case ${1-} in
    pure)
      select=(--project pure)
      shift
      ;;
    unit)
      select=(--project pure --project unit)
      shift
      ;;
    e2e)
      select=(--project beside --project e2e)
      shift
      ;;
  esac
  install_packages
  install_test_programs
  [[ ${select[1]-} == pure ]] || own_engine
  report=$(mktemp)
  (cd "$root" && npx vitest run ${select[@]+"${select[@]}"} --reporter=default --reporter=json --outputFile.json="$report" "$@") ||
    status=$?
  node "$root/tests/summary.mjs" "$report"
  rm -f "$report"
  return "$status"
}

# run_bench [--repeats=N] [PART...]: bench/main.ts, with what it compares the module with.
run_bench() {
  install_packages
  install_test_programs
  "$root/dagger/node_modules/.bin/tsx" "$root/bench/main.ts" "$@"
}
