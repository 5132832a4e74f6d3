#!/bin/bash
# call.sh FUNCTION OPTION...: `dagger call` of the module that this script lies beside, for the folder that it is called in.
# The log of the step gets what ./stack shows through a pipe: a line an image and step, the result, and the logs in a group
# for each image. The runner's debug mode brings all.
#
# Nothing of it steers the runner. What images, tests and packages print is in it, and the runner takes lines such as
# ::add-mask:: and ##[group] for commands of its own, in both streams.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib/progress.sh
. "$root/lib/progress.sh"
# shellcheck source=lib/github.sh
. "$root/lib/github.sh"

# In its own checkout the CLI finds the module by itself; a workflow that another repository has called names it.
module=()
[[ $root -ef . ]] || module=(-m "$root")

# call ARG...: dagger's own output on stdout, lines on stderr.
call() {
  local log status=0
  if [[ ${RUNNER_DEBUG-} == 1 ]]; then
    dagger call "${module[@]}" "$@"
    return
  fi
  log=$(mktemp)
  { dagger call "${module[@]}" --progress=plain "$@" 2>&1 >&3 | own_lines "$log" result >&2; } 3>&1 || status=$?
  if ((status != 0)); then
    printf '\nThe end of all that dagger has said; the debug mode of the runner shows it all:\n' >&2
    tail -n 100 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

begin_untrusted >&2
status=0
call "$@" || status=$?
# The line before may have no end.
echo >&2
end_untrusted >&2
for word in "$@"; do
  [[ $word != --path=* || ! -d ${word#--path=} ]] || github_groups "${word#--path=}" >&2
done
exit "$status"
