#!/usr/bin/env bash
# Checks form, changes nothing: clang-format on all C++ sources, shellcheck
# on all shell scripts, clang-tidy on src/ (by the compile commands of
# build/release, which scripts/test.sh makes).
#
#   scripts/lint.sh [format] [shell] [tidy]      default: all three
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

for tool in clang-format clang-tidy run-clang-tidy shellcheck; do
  command -v "$tool" >/dev/null ||
    die "$tool is missing" "run scripts/install-packages.sh test"
done

# What git tracks, so that a stray file of one's own does no harm. Works in a
# checkout that belongs to somebody else, too (containers).
tracked() {
  git -c safe.directory="$LEVELKEEP_ROOT" ls-files -z -- "$@"
}

format() {
  tracked '*.cc' '*.h' |
    xargs -0 --no-run-if-empty clang-format --dry-run -Werror
}

shell() {
  tracked 'scripts/*.sh' 'tests/*.sh' 'bench/*.sh' 'fuzz/*.sh' .ci/run |
    xargs -0 --no-run-if-empty shellcheck -x -P SCRIPTDIR -P .
}

tidy() {
  [[ -f build/release/compile_commands.json ]] ||
    cmake --preset release "$(isal_option)" >/dev/null
  local log
  log="$(mktemp)"
  # Quiet where all is well: it prints every command line otherwise.
  if ! run-clang-tidy -quiet -p build/release -j "$(cores)" \
    "^$LEVELKEEP_ROOT/src/" >"$log" 2>&1; then
    grep -E '(warning|error|note):' -A 3 "$log" >&2 || cat "$log" >&2
    rm -f "$log"
    die "clang-tidy complains" "the lines above say where"
  fi
  rm -f "$log"
}

if [[ $# == 0 ]]; then set -- format shell tidy; fi
for check in "$@"; do
  case "$check" in
    format | shell | tidy) stage "lint $check" "$check" ;;
    *) die "unknown check '$check'" "use format, shell or tidy" ;;
  esac
done
