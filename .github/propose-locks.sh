#!/bin/bash
# propose-locks.sh FOLDER: a pull request with the lock files that `update-locks` has left in FOLDER/files, kept up to date on
# the branch update-locks; FOLDER/report.md becomes its text.
#
# Environment: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN (contents and pull-requests: write),
# and BASE, the branch that it is for.
set -euo pipefail

# shellcheck source=.github/api.sh
. "$(dirname "${BASH_SOURCE[0]}")/api.sh"

folder=$1
branch=update-locks

if [[ ! -d $folder/files ]]; then
  echo 'Every lock file is what it would be made now: nothing to propose.'
  exit 0
fi

while IFS= read -r -d '' path; do
  if [[ $path != images/* || -L $folder/files/$path ]] || ! git ls-files --error-unmatch -- "$path" >/dev/null 2>&1; then
    echo "::error title=Locks::${path//[^A-Za-z0-9._\/-]/?} is no file of images/ that git has"
    exit 1
  fi
  cp -- "$folder/files/$path" "$path"
done < <(cd "$folder/files" && find . ! -type d -printf '%P\0')

if git diff --quiet; then
  echo 'Every lock file is as it is here: nothing to propose.'
  exit 0
fi

# Tokens are in no argument and in no configuration that stays.
git switch --quiet --force-create "$branch"
git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit --quiet --all --message='Lock files made anew'
# shellcheck disable=SC2016 # the helper's shell is to read the token
git -c credential.helper= \
  -c credential.helper='!f() { echo username=x-access-token; echo "password=$GITHUB_TOKEN"; }; f' \
  push --quiet --force origin "HEAD:refs/heads/$branch"

# GitHub takes 65,536 characters: what is behind the last whole line of 60,000 is in the files.
body=$(head --bytes=60000 "$folder/report.md" | iconv --from-code=UTF-8 --to-code=UTF-8 -c)
document=$(jq --null-input --arg body "$body" --arg head "$branch" --arg base "$BASE" \
  '{title: "Lock files made anew", body: $body, head: $head, base: $base}')
number=$(api GET "pulls?state=open&head=${GITHUB_REPOSITORY%%/*}:$branch" | jq --raw-output '.[0].number // ""')
if [[ $number =~ ^[0-9]+$ ]]; then
  api PATCH "pulls/$number" --data @- <<<"$(jq '{title, body}' <<<"$document")" >/dev/null
  echo "Pull request $number is up to date."
else
  api POST pulls --data @- <<<"$document" >/dev/null
  echo 'There is a pull request now.'
fi
