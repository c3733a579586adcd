#!/usr/bin/env bash
# The same targets from add_subdirectory, with no tests and no tools in the
# way; then the same again without ISA-L, as on processors that it is not made
# for. Compiler, flags, launcher and depth of the folder are ours, so that
# ccache knows every object.
source "$(dirname "$0")/lib.sh"

build="$(dirname "$BUILD_DIR")/add_subdirectory"
rm -rf "$build"

ways=("$WITH_ISAL")
[[ "$WITH_ISAL" == OFF ]] || ways+=(OFF)
for with_isal in "${ways[@]}"; do
  "$CMAKE_COMMAND" -S "$SOURCE_DIR/tests/package/add_subdirectory" \
    -B "$build" -G Ninja -DLEVELKEEP_SOURCE="$SOURCE_DIR" \
    -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$CXX_FLAGS" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$CXX_LAUNCHER" \
    -DCMAKE_BUILD_TYPE="$BUILD_TYPE" -DLEVELKEEP_WITH_ISAL="$with_isal" \
    -DLEVELKEEP_UNITY="$UNITY" -DLEVELKEEP_UNITY_FOLDER="$build/unity" \
    >"$WORK/log" || fail "$(cat "$WORK/log")"
  "$CMAKE_COMMAND" --build "$build" --parallel 2
  LEVELKEEP_CHECK_PROGRAM="$(find "$build" -name levelkeep-check -type f)"
  export LEVELKEEP_CHECK_PROGRAM
  mkdir "$WORK/$with_isal"
  WORK="$WORK/$with_isal" embed_round_trip "$build/embed"
  (mkdir "$WORK/$with_isal/served" && cd "$WORK/$with_isal/served" &&
    "$build/mount")
done
ldd "$build/embed" >"$WORK/libraries"
if grep libisal "$WORK/libraries"; then fail "it needs ISA-L all the same"; fi
