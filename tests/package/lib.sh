# shellcheck shell=bash
# For the tests of this folder; CMakeLists.txt sets the environment.
set -euo pipefail
: "${SOURCE_DIR:?}" "${BUILD_DIR:?}"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# A directory of this test's own that goes away with it.
WORK="$(mktemp -d)"
server=""
trap '[[ -z "$server" ]] || kill "$server" || true; rm -rf "$WORK"' EXIT
export WORK

# embed_round_trip PROGRAM: the example makes a backup, and a second,
# empty installation of it restores that one at its start.
embed_round_trip() {
  local program="$1" name output
  mkdir "$WORK/old" "$WORK/new"

  output="$(cd "$WORK/old" && "$program")" || fail "$program: $output"
  printf '%s\n' "$output"
  name="$(sed -n 's/^created //p' <<<"$output")"
  [[ "$name" == backup_*_embed.tar.gz ]] || fail "odd name '$name'"
  # The schedule may have made a backup besides.
  [[ "$output" == *[12]" backup(s)"* ]] || fail "the backup is not listed"
  tar tzf "$WORK/old/backups/$name" >"$WORK/listing"
  grep -qx 'event_registry_db/CURRENT' "$WORK/listing" ||
    fail "the archive holds no database"
  (cd "$WORK/old/backups" && sha256sum -c --quiet "$name.sha256") ||
    fail "the sidecar does not fit"

  mkdir "$WORK/new/restore"
  cp "$WORK/old/backups/$name" "$WORK/new/restore/"
  output="$(cd "$WORK/new" && "$program")" || fail "$program: $output"
  printf '%s\n' "$output"
  [[ "$output" == *"restored $name"* ]] || fail "nothing was restored"
  [[ -e "$WORK/new/restore/applied/$name" ]] || fail "it was not moved away"
}

# check_round_trip PROGRAM: the check example checks the database that the
# embedding example left, and refuses a folder without a database.
check_round_trip() {
  local program="$1" output
  output="$("$program" "$WORK/new/storage/event_registry_db" \
    --scratch "$WORK/scratch-of-check")" || fail "$program: $output"
  [[ "$output" == *'"ok":true'*'"orderChecked":true'* ]] ||
    fail "$program says $output"
  mkdir "$WORK/empty"
  if "$program" "$WORK/empty" --scratch "$WORK/scratch" >"$WORK/said"; then
    fail "$program takes an empty folder for a database"
  fi
  grep -q '"code":"corruption"' "$WORK/said" || fail "$(cat "$WORK/said")"
}

# http_round_trip PROGRAM: the example backs up, restores and undoes over HTTP
# while it runs.
http_round_trip() {
  local program="$1" site="$WORK/served" line url
  mkdir "$site"
  mkfifo "$site/said"
  (cd "$site" && exec "$program" >said 2>log) &
  server=$!
  # The pipe is opened only once, so that reading ends when the program ends.
  exec {said}<"$site/said"
  read -r line <&"$said" || fail "$program did not start: $(cat "$site/log")"
  url="${line#listening on }"
  ask() { curl -sS --max-time 60 "$@" >"$site/answer" || fail "no answer: $*"; }
  # answered TEXT: the last answer holds it.
  answered() {
    grep -qF -e "$1" "$site/answer" ||
      fail "not $1: $(cat "$site/answer" "$site/log")"
  }
  ask -X PUT "$url/values/a" -d one
  ask -X POST "$url/api/backup/create"
  answered '"success":true'
  ask -X PUT "$url/values/a" -d two
  ask -X POST "$url/api/backup/restore" -d '{"backupName":"latest"}'
  answered '"applied":true'
  ask "$url/values/a"
  answered one
  ask -X POST "$url/api/backup/undo"
  answered '"success":true'
  ask "$url/values/a"
  answered two
  kill -TERM "$server"
  wait "$server" || fail "it ended with $?: $(cat "$site/log")"
  server=""
  exec {said}<&-
}

# two_databases_round_trip PROGRAM: each start makes a backup of each database.
two_databases_round_trip() {
  local program="$1" site="$WORK/two" name
  mkdir "$site"
  for _ in 1 2; do
    (cd "$site" && "$program" 2>log) || fail "$program: $(cat "$site/log")"
  done
  for name in users orders; do
    [[ "$(find "$site/backups/$name" -name "*_$name.tar.gz" | wc -l)" == 2 ]] ||
      fail "$name was not backed up twice: $(cat "$site/log")"
  done
  grep -q '^- BackupManager: ' "$site/log" || fail "it was told no log"
}
