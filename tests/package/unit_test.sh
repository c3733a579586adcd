#!/usr/bin/env bash
# The systemd unit: accepted by systemd itself, and well sandboxed.
source "$(dirname "$0")/lib.sh"

command -v systemd-analyze >/dev/null ||
  fail "systemd-analyze is missing: run scripts/install-packages.sh test"
# The unit names the final prefix; here the program is elsewhere.
sed "s,^ExecStart=[^ ]*,ExecStart=$PREFIX/bin/levelkeep," \
  "$PREFIX/lib/systemd/system/levelkeep.service" >"$WORK/levelkeep.service"
systemd-analyze verify --man=no "$WORK/levelkeep.service" 2>"$WORK/log" ||
  fail "$(cat "$WORK/log")"
# Complaints about the machine's own units are not ours.
if grep levelkeep "$WORK/log"; then fail "systemd-analyze complains"; fi
# 0.0 (safe) to 10.0; a unit without any sandbox has 9.6.
systemd-analyze security --offline=true --threshold=25 \
  "$WORK/levelkeep.service" >"$WORK/security" ||
  fail "$(tail -1 "$WORK/security")"

# A stop is the server's to pass on: a check of a database that gets the signal
# itself could not be done.
grep -qx 'KillMode=mixed' "$WORK/levelkeep.service" ||
  fail "the unit stops the children of the server, too"

# The account that the unit names.
mkdir "$WORK/etc"
systemd-sysusers --root="$WORK" "$PREFIX/lib/sysusers.d/levelkeep.conf"
grep -q '^levelkeep:' "$WORK/etc/passwd" || fail "the account was not made"
