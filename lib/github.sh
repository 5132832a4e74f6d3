# shellcheck shell=bash
# What GitHub's runner is told beside lines. Sourced by ./stack and .github/call.sh.

# GitHub's runner reads commands out of what it is shown. Between these two it takes none but the word that ends it,
# which is fresh and which no image knows.
begin_untrusted() {
  [[ ${GITHUB_ACTIONS-} == true ]] || return 0
  untrusted=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$untrusted"
}

end_untrusted() {
  [[ -z ${untrusted-} ]] || printf '::%s::\n' "$untrusted"
  untrusted=
}

# github_groups FOLDER: the logs of a run, a group for each image; text of images is shown as text.
github_groups() {
  local yaml image log
  for yaml in "$1"/artifacts/*.yaml; do
    [[ -f $yaml ]] || continue
    image=$(basename "$yaml" .yaml)
    printf '::group::%s\n' "$image"
    begin_untrusted
    for log in '' .basic-tests .integration-tests .server; do
      [[ ! -f $1/logs/$image$log.log ]] || tail -n 200 "$1/logs/$image$log.log"
      # A line may have no end, and the word that ends this must begin one.
      echo
    done
    end_untrusted
    printf '::endgroup::\n'
  done
}
