#!/bin/sh
# The image's first process. As root, it gives the mounted folders and people's
# drops in them to the service's user, and starts the program as that user. A
# container that is started as another user (--user, runAsUser) goes on as that
# user. Standard output is the program's.
set -eu
if [ "$(id -u)" = 0 ]; then
  levelkeep own --user levelkeep >&2
fi
exec levelkeep "$@"
