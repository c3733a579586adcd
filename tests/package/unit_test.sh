#!/usr/bin/env bash
# The systemd unit: accepted by systemd itself, and well sandboxed.
source "$(dirname "$0")/lib.sh"

command -v systemd-analyze >/dev/null ||
  fail "systemd-analyze is missing: run scripts/install-packages.sh test"
# The unit names the final prefix; here the program is elsewhere.
sed "s,^\(ExecStart\(Pre\)\?=+\?\)[^ ]*,\1$PREFIX/bin/levelkeep," \
  "$PREFIX/lib/systemd/system/levelkeep.service" >"$WORK/levelkeep.service"
systemd-analyze verify --man=no "$WORK/levelkeep.service" 2>"$WORK/log" ||
  fail "$(cat "$WORK/log")"
# Complaints about the machine's own units are not ours.
if grep levelkeep "$WORK/log"; then fail "systemd-analyze complains"; fi
# 0.0 (safe) to 10.0; a unit without any sandbox has 9.6.
systemd-analyze security --offline=true --threshold=25 \
  "$WORK/levelkeep.service" >"$WORK/security" ||
  fail "$(tail -1 "$WORK/security")"

# At a stop, only the server gets the signal, and ends its children itself: a
# check of a database that got the signal, too, would count as not done.
grep -qx 'KillMode=mixed' "$WORK/levelkeep.service" ||
  fail "the unit stops the children of the server, too"

# systemd waits until the API answers, and hears whether the server lives.
# shellcheck disable=SC2016  # $MAINPID is systemd's
for line in Type=notify WatchdogSec=60 TimeoutStartSec=120 \
  'ExecReload=/bin/kill -HUP $MAINPID'; do
  grep -qxF "$line" "$WORK/levelkeep.service" || fail "the unit lacks $line"
done

# Root gives the service what root copied into restore/.
grep -q '^ExecStartPre=+[^ ]*/levelkeep own --user levelkeep' \
  "$WORK/levelkeep.service" || fail "nobody gives drops to the service"

# A system-wide installation makes the service's settings, unless the file is
# there. Any other installation never makes them.
settings() {
  DESTDIR="$WORK/stage" "$CMAKE_COMMAND" -DCMAKE_INSTALL_PREFIX="$1" \
    -Dlevelkeep_settings="$SOURCE_DIR/packaging/levelkeep.env" \
    -P "$SOURCE_DIR/cmake/InstallSettings.cmake" >"$WORK/log" 2>&1 ||
    fail "$(cat "$WORK/log")"
}
file="$WORK/stage/etc/levelkeep/levelkeep.env"
settings "$PREFIX"
[[ ! -e "$file" ]] || fail "an installation to $PREFIX writes into /etc"
settings /usr/local
cmp "$file" "$SOURCE_DIR/packaging/levelkeep.env" || fail "no settings"
echo 'MAX_BACKUPS=3' >"$file"
settings /usr
[[ "$(cat "$file")" == MAX_BACKUPS=3 ]] || fail "an operator's file is lost"
# The settings are valid, and name the folders that the unit has.
(
  cd "$WORK"
  "$PREFIX/bin/levelkeep" config --config "$SOURCE_DIR/packaging/levelkeep.env"
) >"$WORK/config" || fail "packaging/levelkeep.env is refused"
for name in storage backups restore; do
  grep -q "/var/lib/levelkeep/$name " "$WORK/config" || fail "no $name"
done

# The account that the unit names.
mkdir "$WORK/etc"
systemd-sysusers --root="$WORK" "$PREFIX/lib/sysusers.d/levelkeep.conf"
grep -q '^levelkeep:' "$WORK/etc/passwd" || fail "the account was not made"
