#!/bin/bash
# start.sh COMMAND...: prepares whoever the container runs as, then becomes COMMAND. The image's entrypoint.
# Hubs start containers as the student's uid and gid, with homes that may be read-only, full or missing.
set -euo pipefail

# As root (docker run --user root -e NB_UID=...): become that user.
if [[ $(id -u) == 0 ]]; then
  exec setpriv --reuid "$NB_UID" --regid "$NB_GID" --clear-groups --inh-caps=-all -- "$0" "$@"
fi

[[ -z ${NB_UMASK-} ]] || umask "$NB_UMASK"

# A uid without an entry in /etc/passwd: ssh, git and R ask for its name, so a preloaded library answers.
if ! getent passwd "$(id -u)" >/dev/null && [[ -z ${NSS_WRAPPER_PASSWD-} ]]; then
  names=$(mktemp -d "${TMPDIR:-/tmp}/names-XXXXXX")
  # The image's own entry makes way: a name belongs to one uid.
  sed "/^$NB_USER:/d" /etc/passwd >"$names/passwd"
  echo "$NB_USER:x:$(id -u):$(id -g)::$HOME:$SHELL" >>"$names/passwd"
  cp /etc/group "$names/group"
  getent group "$(id -g)" >/dev/null || echo "$NB_USER:x:$(id -g):" >>"$names/group"
  export LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD="$names/passwd" NSS_WRAPPER_GROUP="$names/group"
fi

# Files of the user's are shown where they are; what programs must write goes to a scratch home. (A write is tried:
# permissions say nothing about a read-only mount.)
if ! probe=$(mktemp "$HOME/.start-XXXXXX" 2>/dev/null); then
  echo "start.sh: $HOME cannot be written: settings and packages of this session will be lost at its end" >&2
  HOME=$(mktemp -d "${TMPDIR:-/tmp}/home-XXXXXX")
  export HOME
else
  rm -f "$probe"
fi

# Programs that `pip install --user` brings; behind the image's, so that none of them takes the server's place.
export PATH="$PATH:$HOME/.local/bin"
exec "$@"
