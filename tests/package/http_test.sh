#!/usr/bin/env bash
# examples/http, with levelkeep::http from the installed package.
source "$(dirname "$0")/lib.sh"

"$CMAKE_COMMAND" -S "$SOURCE_DIR/examples/http" -B "$WORK/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/build"
export LEVELKEEP_CHECK_PROGRAM="$PREFIX/libexec/levelkeep/levelkeep-check"
http_round_trip "$WORK/build/http"
