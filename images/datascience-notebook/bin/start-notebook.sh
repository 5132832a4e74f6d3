#!/bin/bash
# start-notebook.sh OPTION...: runs the notebook server, under a hub as its single-user server.
# DOCKER_STACKS_JUPYTER_CMD chooses another interface without a hub: lab (default), notebook, nbclassic, server.
set -euo pipefail
if [[ -n ${JUPYTERHUB_API_TOKEN-} ]]; then exec start-singleuser.sh "$@"; fi
exec jupyter "${DOCKER_STACKS_JUPYTER_CMD:-lab}" "$@"
