#!/usr/bin/env bash
# Counts the context switches of an idle `levelkeep serve` in 60 seconds: a
# backup manager that wakes up for nothing costs a laptop its battery and a
# host its sleep. The goal is 5 at most.
#
#   bench/idle.sh [PROGRAM]      default: build/release/bin/levelkeep
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

program="$(realpath "${1:-$LEVELKEEP_ROOT/build/release/bin/levelkeep}")"
seconds=60
folder="$(mktemp -d)"
(cd "$folder" && API_PORT=0 exec "$program" serve >"$folder/log" 2>&1) &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT

switches() {
  awk '/ctxt_switches/ { sum += $2 } END { print sum }' \
    /proc/"$server"/task/*/status
}

sleep 10 # the start, and the work that follows it
[ -d "/proc/$server" ] || die "the server ended" "$(cat "$folder/log")"
before="$(switches)"
sleep "$seconds"
after="$(switches)"
echo "$((after - before)) context switches in $seconds idle seconds"
