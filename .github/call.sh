#!/bin/bash
# call.sh FUNCTION OPTION...: `dagger call`, whose output does not steer the runner. What images, tests and packages print
# is in it, and the runner takes lines such as ::add-mask:: and ##[group] for commands of its own, in both streams.
set -euo pipefail

token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$token" >&2
status=0
dagger call "$@" || status=$?
# The line before may have no end.
printf '\n::%s::\n' "$token" >&2
exit "$status"
