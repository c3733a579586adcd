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
trap 'rm -rf "$WORK"' EXIT
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
  [[ "$output" == *"1 backup(s)"* ]] || fail "the backup is not listed"
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

# check_round_trip PROGRAM: the example checks the database that the embedding
# one left, and refuses what is none.
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
