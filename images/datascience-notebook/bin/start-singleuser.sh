#!/bin/bash
# start-singleuser.sh OPTION...: runs the server that JupyterHub starts for one user; the hub's environment says how.
set -euo pipefail
exec jupyterhub-singleuser "$@"
