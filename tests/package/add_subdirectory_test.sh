#!/usr/bin/env bash
# LevelKeep's targets in somebody's own build: by add_subdirectory, then by
# FetchContent and without ISA-L, as on processors that ISA-L does not support.
# levelkeep-check is built with them, and is found without a setting.
# Compiler, flags, launcher and depth of the folder are those of this build, so
# that ccache knows nearly every object.
source "$(dirname "$0")/lib.sh"

build="$(dirname "$BUILD_DIR")/add_subdirectory"
rm -rf "$build"

# embedded WAY ISAL
embedded() {
  local way="$1" isal="$2"
  rm -f "$build/CMakeCache.txt"
  "$CMAKE_COMMAND" -S "$SOURCE_DIR/tests/package/add_subdirectory" \
    -B "$build" -G Ninja -DLEVELKEEP_SOURCE="$SOURCE_DIR" -DWAY="$way" \
    -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$CXX_FLAGS" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$CXX_LAUNCHER" \
    -DCMAKE_BUILD_TYPE="$BUILD_TYPE" -DLEVELKEEP_WITH_ISAL="$isal" \
    -DLEVELKEEP_UNITY="$UNITY" -DLEVELKEEP_UNITY_FOLDER="$build/unity" \
    -DCMAKE_INSTALL_PREFIX="$build/prefix" >"$WORK/log" || fail "$(cat "$WORK/log")"
  "$CMAKE_COMMAND" --build "$build" --parallel 2
  mkdir "$WORK/$way"
  WORK="$WORK/$way" embed_round_trip "$build/embed"
  WORK="$WORK/$way" http_round_trip "$build/http"
}

embedded add_subdirectory "$WITH_ISAL"
embedded FetchContent OFF
ldd "$build/embed" >"$WORK/libraries"
if grep libisal "$WORK/libraries"; then fail "it needs ISA-L all the same"; fi

# A program that was moved does not look into the build folder for
# levelkeep-check: it makes backups, restores nothing, and says so.
mkdir -p "$WORK/moved/site/restore"
cp "$build/embed" "$WORK/moved/"
(cd "$WORK/moved/site" && ../embed) >"$WORK/said" || fail "$(cat "$WORK/said")"
grep -q 'warning: levelkeep-check is not at ' "$WORK/said" ||
  fail "it does not say that levelkeep-check is missing: $(cat "$WORK/said")"
mkdir -p "$WORK/moved/new/restore"
cp "$WORK"/moved/site/backups/backup_*_embed.tar.gz "$WORK/moved/new/restore/"
if (cd "$WORK/moved/new" && ../embed) >"$WORK/said" 2>&1; then
  fail "a drop was passed over: $(cat "$WORK/said")"
fi
grep -q 'was not restored: .*levelkeep-check is not at ' "$WORK/said" ||
  fail "$(cat "$WORK/said")"
