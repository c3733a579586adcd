# shellcheck shell=bash
# Shared by the scripts in this folder: where the tree is, error messages, how
# long a stage took. To be sourced after `set -euo pipefail`.

LEVELKEEP_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
export LEVELKEEP_ROOT

# Another clone finds in ccache what this clone compiled.
export CCACHE_BASEDIR="$LEVELKEEP_ROOT" CCACHE_NOHASHDIR=1

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $1"
  [[ $# -lt 2 ]] || say "hint: $2"
  exit 1
}

# ISA-L is assembly for x86-64 and arm64; other processors use zlib instead.
isal_available() {
  case "$(uname -m)" in
    x86_64 | aarch64) return 0 ;;
    *) return 1 ;;
  esac
}

# The matching cache variable for the cmake command line.
isal_option() {
  if isal_available; then
    printf '%s\n' -DLEVELKEEP_WITH_ISAL=ON
  else
    printf '%s\n' -DLEVELKEEP_WITH_ISAL=OFF
  fi
}

cores() { nproc 2>/dev/null || echo 2; }

# stage TITLE COMMAND...: runs the command and says how long it took. Do not
# use it in a condition: `set -e` would then be off inside.
stage() {
  local title="$1" started=$SECONDS
  shift
  say ""
  say "=== $title"
  "$@"
  say "=== $title: done in $((SECONDS - started)) s"
}
