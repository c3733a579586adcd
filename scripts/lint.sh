#!/usr/bin/env bash
# Checks the form and changes nothing: all C++ sources by clang-format, all
# shell scripts by shellcheck, src/ by clang-tidy. That gets ten sources in one
# piece, which takes a quarter of the time.
#
#   scripts/lint.sh [format] [shell] [tidy]      default: all three
#   scripts/lint.sh tidy_each                    clang-tidy file by file
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

for tool in clang++ clang-format clang-tidy run-clang-tidy shellcheck; do
  command -v "$tool" >/dev/null ||
    die "$tool is missing" "run scripts/install-packages.sh test fuzz"
done

# The files that git tracks, so that a stray file does no harm. It also works in
# a checkout that belongs to another user (containers).
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

# run_tidy FOLDER UNITY: configures a build of the product in FOLDER and checks
# all sources of this build.
run_tidy() {
  local log
  cmake --preset tidy -B "build/$1" "-DLEVELKEEP_UNITY=$2" "$(isal_option)" \
    >/dev/null
  log="$(mktemp)"
  # The output is shown after a failure only: it has every command line.
  if ! run-clang-tidy -quiet -p "build/$1" -j "$(cores)" \
    >"$log" 2>&1; then
    grep -E '(warning|error|note):' -A 3 "$log" >&2 || cat "$log" >&2
    rm -f "$log"
    die "clang-tidy complains" "the lines above say where"
  fi
  rm -f "$log"
}

tidy() { run_tidy tidy all; }
tidy_each() { run_tidy tidy_each ""; }

if [[ $# == 0 ]]; then set -- format shell tidy; fi
for check in "$@"; do
  case "$check" in
    format | shell | tidy | tidy_each) stage "lint $check" "$check" ;;
    *) die "unknown check '$check'" "use format, shell, tidy or tidy_each" ;;
  esac
done
