#!/bin/bash
# job-summary.sh [LIMIT]: puts out/report.md on the page of the run. GitHub refuses more than 1 MiB: a longer report is cut
# between two paragraphs that stand in no code block and in nothing folded, and says that it goes on.
set -euo pipefail

limit=${1:-1000000}
lines=$(LC_ALL=C awk -v limit="$limit" '
  { size += length($0) + 1 }
  size > limit { exit }
  fence == "" && match($0, /^ *(```+|~~~+)/) {
    fence = substr($0, RSTART, RLENGTH)
    sub(/^ */, "", fence)
    next
  }
  fence != "" {
    mark = $0
    gsub(/^ *| *$/, "", mark)
    sign = substr(fence, 1, 1)
    if (length(mark) >= length(fence) && mark ~ (sign == "~" ? "^~+$" : "^`+$")) fence = ""
    next
  }
  { folded += gsub(/<details/, "&") - gsub(/<\/details>/, "&") }
  /^ *$/ && folded <= 0 { cut = NR }
  END { if (size > limit) print cut + 0; else print "all" }
' out/report.md)

if [[ $lines == all ]]; then
  cat out/report.md >>"$GITHUB_STEP_SUMMARY"
else
  {
    head --lines="$lines" out/report.md
    printf '\n_This goes on: all of it is report.md in the artifacts of the run._\n'
  } >>"$GITHUB_STEP_SUMMARY"
fi
