#!/usr/bin/env bash
# levelkeep::http from the installed package, on a server of the host's own.
source "$(dirname "$0")/lib.sh"

"$CMAKE_COMMAND" -S "$SOURCE_DIR/tests/package/http" -B "$WORK/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/build"
export LEVELKEEP_CHECK_PROGRAM="$PREFIX/libexec/levelkeep/levelkeep-check"
cd "$WORK"
"$WORK/build/mount"
