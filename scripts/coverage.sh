#!/usr/bin/env bash
# Shows which lines and branches of the most critical code the unit tests run:
# restore, catalog, archive and the manager's policy.
#
#   scripts/coverage.sh [--tests REGEX] [--add] [DIR...]
#
#   --tests REGEX  only the tests of these names (ctest -R)
#   --add          adds to the counts of earlier runs
#   DIR            folders, or beginnings of file names; default: the above
#
# Prints a table by file with the lines that no test ran, then one by folder,
# and writes build/coverage/coverage.html. Needs gcovr
# (scripts/install-packages.sh test).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

modules=(format archive catalog restore jobs manager hostile)
pattern='^(format|archive|catalog|restore|jobs|manager|hostile)\.'
# Each takes minutes without optimisation and runs no line that others do not.
skipped='^hostile\.(large|rest)$'
add=false
folders=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --tests)
      [[ $# -gt 1 ]] || die "--tests wants a regular expression"
      pattern="$2"
      shift
      ;;
    --add) add=true ;;
    -*) die "unknown option $1" "see the top of scripts/coverage.sh" ;;
    *) folders+=("${1%/}") ;;
  esac
  shift
done
[[ ${#folders[@]} -gt 0 ]] ||
  folders=(src/restore src/catalog src/archive src/engine)
filters=()
for folder in "${folders[@]}"; do filters+=(--filter "$folder"); done

command -v gcovr >/dev/null ||
  die "gcovr is missing" "run scripts/install-packages.sh test"

targets=(levelkeep-check)
for module in "${modules[@]}"; do targets+=("${module}_test"); done
cmake --preset coverage "$(isal_option)" >/dev/null
stage "build coverage" \
  cmake --build build/coverage --parallel "$(cores)" --target "${targets[@]}"

# If a file was compiled again, its old counts belong to other lines.
while IFS= read -r counts; do
  if [[ $add == false || ${counts%.gcda}.gcno -nt $counts ]]; then
    rm -f "$counts"
  fi
done < <(find build/coverage -name '*.gcda')

say ""
say "=== test coverage"
status=0
ctest --test-dir build/coverage --parallel "$(cores)" --no-tests=error \
  --output-on-failure -R "$pattern" -E "$skipped" || status=$?

# The compiler's code for exceptions belongs to no line of the sources.
gcovr --root . --object-directory build/coverage "${filters[@]}" \
  --exclude-throw-branches --exclude-unreachable-branches \
  --gcov-ignore-parse-errors \
  --html-details build/coverage/coverage.html \
  --json-summary build/coverage/coverage.json \
  --txt build/coverage/coverage.txt
cat build/coverage/coverage.txt
python3 - build/coverage/coverage.json <<'END'
import collections, json, os, sys

KINDS = ("line", "branch", "function")
folders = collections.defaultdict(collections.Counter)
for file in json.load(open(sys.argv[1], encoding="utf-8"))["files"]:
    for kind in KINDS:
        for what in ("covered", "total"):
            key = f"{kind}_{what}"
            folders[os.path.dirname(file["filename"])][key] += file[key]
            folders["all"][key] += file[key]
print(f"{'':16}{'lines':>20}{'branches':>20}{'functions':>20}")
for folder, counts in folders.items():
    cells = ""
    for kind in KINDS:
        covered, total = counts[f"{kind}_covered"], counts[f"{kind}_total"]
        share = 100 * covered / total if total else 100
        cells += f"{f'{covered} of {total} {share:.1f} %':>20}"
    print(f"{folder:16}{cells}")
END
[[ $status == 0 ]] ||
  die "tests failed, so these figures are too low" "see their output above"
