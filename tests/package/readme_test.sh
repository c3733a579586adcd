#!/usr/bin/env bash
# The snippets of README.md, as they stand, against the installed package: built,
# run, and run with settings that are wrong.
source "$(dirname "$0")/lib.sh"

# snippet LANGUAGE: the first block of that language.
snippet() {
  local text
  text="$(sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{/^\`\`\`/d;p}" "$SOURCE_DIR/README.md")"
  [[ -n "$text" ]] || fail "README.md has no block of $1"
  printf '%s\n' "$text"
}

mkdir "$WORK/app" "$WORK/site"
snippet cpp >"$WORK/app/main.cc"
snippet cmake >"$WORK/app/CMakeLists.txt"
"$CMAKE_COMMAND" -S "$WORK/app" -B "$WORK/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/build"
export LEVELKEEP_CHECK_PROGRAM="$PREFIX/libexec/levelkeep/levelkeep-check"
app="$WORK/build/app"
cd "$WORK/site"

# Where there is no backup yet, the schedule makes one at once, and the backup
# of the snippet has to wait.
for _ in 1 2 3 4 5; do
  rm -f backups/backup_*
  "$app" >said 2>log || fail "$(cat log)"
  [[ -s "$(sed -n 's/^created //p' said)" ]] || fail "no backup: $(cat said)"
done

# refused MESSAGE VARIABLE=VALUE: the program ends with 1 and prints MESSAGE.
refused() {
  local status=0
  env "$2" "$app" >said 2>log || status=$?
  [[ $status == 1 ]] || fail "with $2 it ended with $status: $(cat log)"
  grep -qF "$1" log || fail "with $2 it said: $(cat log)"
}
refused 'MAX_BACKUPS is "many" (environment MAX_BACKUPS): allowed is' \
  MAX_BACKUPS=many
refused 'STORAGE_DIR and BACKUP_DIR are both' STORAGE_DIR=./backups
LEVELKEEP_CHECK_PROGRAM=/nowhere "$app" >said 2>log || fail "$(cat log)"
grep -q 'levelkeep-check is not at /nowhere' log || fail "it said: $(cat log)"
