#!/usr/bin/env bash
# Builds LevelKeep and starts `levelkeep serve` with its defaults: the
# folders storage/, backups/ and restore/ of this checkout, and
# http://127.0.0.1:5050. Arguments go to `serve`, e.g. --port 8080.
#
#   scripts/run.sh [ARGUMENT...]
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

scripts/install-packages.sh build

# Standard output belongs to the program.
cmake -S . -B build/run -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DLEVELKEEP_BUILD_TESTS=OFF -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
  -DLEVELKEEP_UNITY=all \
  "$(isal_option)" >&2
cmake --build build/run --parallel "$(cores)" \
  --target levelkeep-program levelkeep-check >&2

# With exec, signals reach the program, and its exit status is the script's.
exec build/run/bin/levelkeep serve "$@"
