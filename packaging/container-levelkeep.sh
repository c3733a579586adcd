#!/bin/sh
# The image's `levelkeep`, also for `docker-compose exec app levelkeep create`,
# which begins as root: it becomes the service's user, for good, and runs the
# program. Only `levelkeep own`, which gives files to that user, needs root.
set -eu
program=/usr/local/bin/levelkeep
if [ "$(id -u)" = 0 ] && [ "${1-}" != own ]; then
  exec setpriv --reuid=levelkeep --regid=levelkeep --clear-groups \
    --inh-caps=-all --bounding-set=-all --no-new-privs "$program" "$@"
fi
exec "$program" "$@"
