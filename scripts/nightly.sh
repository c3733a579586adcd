#!/usr/bin/env bash
# Runs in full what .ci/run takes samples of: some hours of two cores.
#
#   scripts/nightly.sh [PART...]      default: all parts, in this order
#
#   release  .ci/run's first part: the release build and all its tests
#   crash    every state of the simulated disk
#   kill     every system call goes wrong once, and twenty times as many kills
#            at random moments
#   power    power cuts at every moment, on all four file systems
#   containers  the compose file and the unit, under a real Docker engine
#   mounts   each of the three folders on all ten file systems that people use
#   asan     all modules and process tests with the address and undefined
#            sanitizers
#   tsan     all modules and process tests with the thread sanitizer
#   single   each source compiled by itself, without ISA-L, and its tests
#   tidy     clang-tidy file by file
#   fuzz     each fuzzer for ten minutes
#   soak     half an hour of writers, backups, restores and kills
#
# It goes on after a failed part. The last lines say how long each part took and
# which parts failed; docs/reliability.md has the counts of the last run.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] ||
  parts=(release crash kill power mounts containers asan tsan single tidy fuzz
    soak)

build_release() {
  scripts/install-packages.sh build test
  cmake --preset release "$(isal_option)" >/dev/null
  cmake --build build/release --parallel "$(cores)"
}

# process NAME=ROUNDS...: process tests of the release build by pytest, which
# has no time limit; as many at the same time as there are cores.
process() {
  build_release
  # shellcheck disable=SC2016  # the inner shell expands it
  LEVELKEEP_BIN="$LEVELKEEP_ROOT/build/release/bin/levelkeep" \
    LEVELKEEP_HOSTILE_ARCHIVES="$LEVELKEEP_ROOT/build/release/bin/levelkeep-hostile-archives" \
    xargs -n 1 -P "$(cores)" bash -c '
      LEVELKEEP_PROCESS_ROUNDS="${0#*=}" /usr/bin/python3 -B -m pytest -q -rfE \
        -p no:cacheprovider --tb=short "tests/process/test_${0%=*}.py"' \
    < <(printf '%s\n' "$@")
}

release() { scripts/test.sh; }
crash() {
  build_release
  ctest --test-dir build/release -C Exhaustive -L exhaustive \
    --parallel "$(cores)" --output-on-failure
}
kill_all() {
  process each_call=1000 kill_restore=20 kill_create=20
}
power() { process power_loss=1000; }
mounts() {
  scripts/install-packages.sh mounts
  process file_systems=1000
}
containers() {
  scripts/install-packages.sh containers
  /usr/bin/python3 -B -m pytest -q -rfE -p no:cacheprovider --tb=short \
    tests/containers
}
asan() { scripts/test.sh --slice asan --every; }
tsan() { scripts/test.sh --slice tsan --every; }
single() {
  scripts/install-packages.sh build test
  cmake --preset dev -DLEVELKEEP_WITH_ISAL=OFF >/dev/null
  cmake --build build/dev --parallel "$(cores)"
  ctest --test-dir build/dev --parallel "$(cores)" --output-on-failure \
    -LE 'process|package'
}
tidy() {
  scripts/install-packages.sh build test fuzz
  scripts/lint.sh tidy_each
}
fuzz() { fuzz/run.sh --seconds 600; }
soak() {
  build_release
  LEVELKEEP_BIN="$LEVELKEEP_ROOT/build/release/bin/levelkeep" \
    /usr/bin/python3 -B tests/soak/soak.py --minutes 30
}

results=()
broken=0
for part in "${parts[@]}"; do
  case "$part" in
    release | crash | power | mounts | containers | asan | tsan | single | tidy | \
      fuzz | soak)
      command=("$part")
      ;;
    kill) command=(kill_all) ;;
    *) die "unknown part '$part'" "see the top of scripts/nightly.sh" ;;
  esac
  started=$SECONDS
  verdict=passed
  # In a process of its own, where `set -e` holds.
  if ! bash -c 'set -euo pipefail; eval "$1"; "${@:2}"' _ \
    "$(declare -f)" "${command[@]}"; then
    verdict=FAILED
    broken=$((broken + 1))
  fi
  results+=("$(printf '%-8s %s, %6d s' "$part" "$verdict" \
    $((SECONDS - started)))")
done

printf '\n##### nightly, %s\n' "$(date -u +%F)"
printf '%s\n' "${results[@]}"
[[ $broken == 0 ]]
