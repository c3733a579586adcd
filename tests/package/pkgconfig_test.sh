#!/usr/bin/env bash
# examples/embed against the installed package by pkg-config and a compiler,
# with and without --static.
source "$(dirname "$0")/lib.sh"

directory="$(dirname "$(find "$PREFIX" -name levelkeep.pc)")"
export PKG_CONFIG_PATH="$directory"
flags=(--define-prefix)
# pkg-config guesses the prefix from lib/pkgconfig, not from
# lib/<triplet>/pkgconfig.
[[ "$directory" == "$PREFIX/lib/pkgconfig" ]] ||
  flags=("--define-variable=prefix=$PREFIX")

[[ "$(pkg-config --modversion levelkeep)" == "$VERSION" ]] ||
  fail "levelkeep.pc has another version"
for static in "" --static; do
  # Unquoted on purpose: words for the compiler.
  # shellcheck disable=SC2046,SC2086
  "$CXX" -std=c++20 -Wall -Wextra -Werror \
    "$SOURCE_DIR/examples/embed/main.cc" -o "$WORK/embed$static" \
    $(pkg-config "${flags[@]}" $static --cflags --libs levelkeep) ||
    fail "does not link with: pkg-config $static --libs levelkeep"
done
# shellcheck disable=SC2046
"$CXX" -std=c++20 "$SOURCE_DIR/examples/check/main.cc" -o "$WORK/check" \
  $(pkg-config "${flags[@]}" --cflags --libs levelkeep) ||
  fail "the check program does not link"
# shellcheck disable=SC2046
"$CXX" -std=c++20 "$SOURCE_DIR/examples/http/main.cc" -o "$WORK/http" \
  $(pkg-config "${flags[@]}" --cflags --libs levelkeep-http) ||
  fail "does not link with: pkg-config --libs levelkeep-http"

LEVELKEEP_CHECK_PROGRAM="$(pkg-config "${flags[@]}" \
  --variable=check_program levelkeep)"
export LEVELKEEP_CHECK_PROGRAM
[[ -x "$LEVELKEEP_CHECK_PROGRAM" ]] || fail "check_program is not there"
embed_round_trip "$WORK/embed"
check_round_trip "$WORK/check"
http_round_trip "$WORK/http"
