#!/bin/bash
# review-comment.sh FOLDER: one comment on the pull request of a run, kept up to date, with what FOLDER/review.json tells. The
# file is data of whoever opened the pull request: review-comment.jq takes it apart, and nothing of it is run.
#
# Environment: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN (pull-requests: write), and of the run that made the file
# HEAD_OWNER, HEAD_BRANCH, HEAD_SHA and RUN_URL, as GitHub tells them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/api.sh
. "$here/api.sh"
review=$1/review.json
marker='<!-- stack-review -->'

if [[ ! -f $review || -L $review ]]; then
  echo 'The run has told nothing of its images: no comment.'
  exit 0
fi
if (($(stat --format=%s "$review") > 8000000)); then
  echo '::error title=Review::review.json is longer than 8 MB'
  exit 1
fi

# The number is nothing that the artifact could tell: GitHub knows which pull request has this very commit.
head=$(jq --null-input --raw-output --arg head "$HEAD_OWNER:$HEAD_BRANCH" '$head | @uri')
number=$(api GET "pulls?state=open&per_page=100&head=$head" |
  jq --raw-output --arg sha "$HEAD_SHA" '[.[] | select(.head.sha == $sha) | .number] | first // ""')
if [[ ! $number =~ ^[0-9]+$ ]]; then
  echo 'No open pull request has this commit any more: no comment.'
  exit 0
fi

body=$(jq --raw-output --arg run "$RUN_URL" --arg commit "${HEAD_SHA:0:12}" --from-file "$here/review-comment.jq" "$review")

# own_comment: id of the comment that an earlier run has left.
own_comment() {
  local page found
  for ((page = 1; page <= 20; page++)); do
    found=$(api GET "issues/$number/comments?per_page=100&page=$page")
    jq --raw-output --arg marker "$marker" \
      '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith($marker))) | .id' <<<"$found"
    (($(jq length <<<"$found") == 100)) || return 0
  done
}

id=$(own_comment | head --lines=1)
document=$(jq --null-input --arg body "$body" '{body: $body}')
if [[ $id =~ ^[0-9]+$ ]]; then
  api PATCH "issues/comments/$id" --data @- <<<"$document" >/dev/null
  echo "The comment of pull request $number is up to date."
else
  api POST "issues/$number/comments" --data @- <<<"$document" >/dev/null
  echo "Pull request $number has a comment now."
fi
