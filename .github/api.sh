# shellcheck shell=bash
# GitHub's API for the scripts beside this one. To be sourced.
#
# Environment: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN.

# api METHOD PATH [OPTION...]: a request about this repository; the token is in no argument.
api() {
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --retry 3 --max-time 60 --request "$method" \
    --header @<(printf 'Authorization: Bearer %s\n' "$GITHUB_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    "$@" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/$path"
}
