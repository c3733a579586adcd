#!/usr/bin/env bash
# Compares LevelKeep with other ways to back up a LevelDB: makes the data, runs
# each program in turn, writes one table. The table names programs that are not
# installed; scripts/install-packages.sh bench installs all of them.
#
#   bench/compare.sh [--size 100M|1G|10G] [--rounds N] [--dir DIR]
#                    [--out NAME] [--only PEER,...]
#                    [--levelkeep NAME=PATH]...
#
# See bench/compare.sh --help and bench/README.md.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

command -v python3 >/dev/null ||
  die "python3 is missing" "run scripts/install-packages.sh bench"

build="$LEVELKEEP_ROOT/build/bench"
driver=(python3 -B "$LEVELKEEP_ROOT/bench/compare/compare.py"
  --bin "$build/bin" --tree "$LEVELKEEP_ROOT")
for argument in "$@"; do
  case "$argument" in
    -h | --help) exec "${driver[@]}" --help ;;
  esac
done

# In a subshell: the driver keeps the caller's folder, for relative paths.
(
  cd "$LEVELKEEP_ROOT"
  cmake --preset release -B "$build" "$(isal_option)" \
    -DLEVELKEEP_BUILD_TESTS=OFF -DLEVELKEEP_BUILD_BENCH=ON >/dev/null
  cmake --build "$build" --parallel "$(cores)" >&2
)
exec "${driver[@]}" "$@"
