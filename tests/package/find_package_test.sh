#!/usr/bin/env bash
# examples/embed against the installed package by CMake's find_package.
source "$(dirname "$0")/lib.sh"

"$CMAKE_COMMAND" -S "$SOURCE_DIR/examples/embed" -B "$WORK/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/build"
export LEVELKEEP_CHECK_PROGRAM="$PREFIX/libexec/levelkeep/levelkeep-check"
embed_round_trip "$WORK/build/embed"

# Two databases in one process.
"$CMAKE_COMMAND" -S "$SOURCE_DIR/examples/two_databases" -B "$WORK/both" \
  -G Ninja -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/both"
two_databases_round_trip "$WORK/both/two_databases"

# A check program with a comparator of the application's own.
"$CMAKE_COMMAND" -S "$SOURCE_DIR/examples/check" -B "$WORK/check" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_TYPE="$BUILD_TYPE" >"$WORK/log" || fail "$(cat "$WORK/log")"
"$CMAKE_COMMAND" --build "$WORK/check"
check_round_trip "$WORK/check/check"

# find_package refuses another minor version of 0.x.
sed 's/LevelKeep 0.1/LevelKeep 0.9/' "$SOURCE_DIR/examples/embed/CMakeLists.txt" \
  >"$WORK/CMakeLists.txt"
cp "$SOURCE_DIR/examples/embed/main.cc" "$WORK"
if "$CMAKE_COMMAND" -S "$WORK" -B "$WORK/newer" -G Ninja \
  -DCMAKE_PREFIX_PATH="$PREFIX" >"$WORK/log" 2>&1; then
  fail "version 0.9 was found, but $VERSION is installed"
fi
grep -q 'compatible with requested version' "$WORK/log" ||
  fail "$(cat "$WORK/log")"
