#!/bin/sh
# The image's first process. As root it gives the mounted folders and what
# people dropped there to the service's user, becomes that user, for good, and
# starts the program. A container that is started as another user (--user,
# runAsUser) goes on as that one.
set -eu
if [ "$(id -u)" = 0 ]; then
  levelkeep own --user levelkeep
  exec setpriv --reuid=levelkeep --regid=levelkeep --clear-groups \
    --inh-caps=-all --bounding-set=-all --no-new-privs levelkeep "$@"
fi
exec levelkeep "$@"
