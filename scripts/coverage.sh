#!/usr/bin/env bash
# Which lines and branches of the code that must never fail its users are
# run by the unit tests: restore, catalog and archive.
#
#   scripts/coverage.sh [DIR...]      default: src/restore src/catalog
#                                     src/archive
#
# Prints a table per file with the lines that no test ran, and writes
# build/coverage/coverage.html. Needs gcovr (scripts/install-packages.sh
# test).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

command -v gcovr >/dev/null ||
  die "gcovr is missing" "run scripts/install-packages.sh test"

modules=(base dbfiles snapshot archive catalog restore crash manager)
targets=(levelkeep-check levelkeep-other-process)
for module in "${modules[@]}"; do targets+=("${module}_test"); done
pattern="$(IFS='|' && printf '%s' "${modules[*]}")"

folders=("$@")
[[ ${#folders[@]} -gt 0 ]] ||
  folders=(src/restore src/catalog src/archive)
filters=()
for folder in "${folders[@]}"; do filters+=(--filter "$folder/"); done

cmake --preset coverage "$(isal_option)" >/dev/null
stage "build coverage" \
  cmake --build build/coverage --parallel "$(cores)" --target "${targets[@]}"
find build/coverage -name '*.gcda' -delete
status=0
stage "test coverage" ctest --test-dir build/coverage -Q \
  --parallel "$(cores)" -R "^($pattern)\\." || status=$?
[[ $status == 0 ]] || say "some tests failed: the figures are too low"
# What the compiler adds for exceptions has no line of ours.
gcovr --root . --object-directory build/coverage "${filters[@]}" \
  --exclude-throw-branches --exclude-unreachable-branches \
  --gcov-ignore-parse-errors \
  --html-details build/coverage/coverage.html \
  --txt build/coverage/coverage.txt --print-summary
cat build/coverage/coverage.txt
exit "$status"
