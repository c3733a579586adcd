#!/usr/bin/env bash
# Builds everything and runs all tests, from nothing, on a Debian-like
# system.
#
#   scripts/test.sh                 what a change must pass
#   scripts/test.sh --slice NAME    one other build (see below), or several
#   scripts/test.sh -- ARGUMENT...  more for ctest, e.g. -- -R archive
#
#   --skip-install   do not look for missing packages
#   --slice release  the release build, all its tests, then the package tests
#                    (installed tree, examples, compose file); the default
#   --slice asan     unit tests and process tests with the address and
#                    undefined sanitizers (clang), but for the process tests
#                    that kill and those that slice tsan runs
#   --slice tsan     unit tests of the modules that have threads, and process
#                    tests about many things at once, with the thread sanitizer
#   --every          in asan and tsan: all modules, both's process tests, and
#                    all of what they take samples of (docs/testing.md)
#
# The last line is "N passed, N failed", of all ctest runs together; before it
# a line "failed: ..." for each failed test and each of its reasons.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$LEVELKEEP_ROOT"

install=1
every=0
slices=()
ctest_arguments=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --skip-install) install=0 ;;
    --every) every=1 ;;
    --slice)
      [[ $# -ge 2 ]] || die "--slice needs a name" "see scripts/test.sh --help"
      case "$2" in
        release | asan | tsan) slices+=("$2") ;;
        *) die "unknown slice '$2'" "use release, asan or tsan" ;;
      esac
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    --)
      shift
      ctest_arguments=("$@")
      break
      ;;
    *) die "unknown argument '$1'" "see scripts/test.sh --help" ;;
  esac
  shift
done
[[ ${#slices[@]} -gt 0 ]] || slices=(release)

# --- results ---

passed=0
failed=0
left_out=
finished=0
tally() {
  local status=$?
  # Shown again at the end, where people look first in a long log.
  cat "$failures"
  rm -f "$output" "$failures"
  [[ -z "$left_out" ]] || printf 'left out: %s\n' "$left_out"
  [[ $finished == 1 ]] ||
    say "error: stopped before all tests had run (exit status $status)"
  printf '%s passed, %s failed\n' "$passed" "$failed"
}
output="$(mktemp)"
failures="$(mktemp)"
trap tally EXIT

# Notes what the log in $output says of failed tests: their names, and where
# and why GoogleTest and pytest say that they failed.
note_failures() {
  sed -nE \
    -e 's/^.*[0-9]+ - (.*) \((Failed|Timeout|Not Run|[A-Z]+)\)$/\1: \2/p' \
    -e '/^FAILED |^ERROR |^E  |: Failure$/p' \
    "$output" | sed -n '1,40s/^/failed: /p' >>"$failures"
}

# run_ctest PRESET ARGUMENT...: runs and counts tests. It goes on after a
# failure, so that one run shows everything that is broken.
run_ctest() {
  local preset="$1" status=0 summary bad total
  shift
  ctest --test-dir "build/$preset" --output-on-failure \
    "$@" "${ctest_arguments[@]}" 2>&1 | tee "$output" || status=$?
  # With a selection after `--`, a run may have no tests.
  if [[ ${#ctest_arguments[@]} -gt 0 ]] &&
    grep -q 'No tests were found' "$output"; then
    return 0
  fi
  summary="$(sed -nE \
    's/^.*tests passed, ([0-9]+) tests? failed out of ([0-9]+).*$/\1 \2/p' \
    "$output")"
  if [[ -z "$summary" ]]; then
    die "ctest did not run in build/$preset (exit status $status)"
  fi
  read -r bad total <<<"$summary"
  [[ $bad == 0 ]] || note_failures
  passed=$((passed + total - bad))
  failed=$((failed + bad))
}

# --- stages ---

configure() {
  cmake --preset "$1" "${@:2}" >"$output" || {
    cat "$output" >&2
    die "cmake could not configure the preset $1" \
      "a missing package? scripts/install-packages.sh installs them"
  }
}

build() {
  cmake --build "build/$1" --parallel "$(cores)" "${@:2}"
}

# The process tests write a database with Node's own LevelDB binding. Without
# this binding, all other tests run.
install_node_modules() {
  local folder=tests/process/node
  [[ -f $folder/package-lock.json ]] || return 0
  if [[ -f $folder/node_modules/.package-lock.json &&
    ! $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]]
  then
    say "npm: node_modules is up to date"
    return 0
  fi
  local try
  for try in 1 2 3; do
    if (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts >&2); then
      return 0
    fi
    say "npm ci failed (attempt $try of 3)"
    [[ $try == 3 ]] || sleep 5
  done
  left_out="process.predecessor, which writes with Node's LevelDB: npm could not install the packages of $folder; check the network, or npm's registry setting"
  export LEVELKEEP_WITHOUT_NODE=1
}

# How many tests run at the same time: they wait a third of their time.
at_once() { echo $((2 * $(cores))); }

release_slice() {
  stage "node modules" install_node_modules
  stage "configure release" configure release "$(isal_option)"
  stage "build release" build release
  # Each public header compiles by itself.
  stage "build public headers" \
    build release --target all_verify_interface_header_sets
  stage "test release" run_ctest release --parallel "$(at_once)" -LE package
  # The most telling tests are in a folder of their own, and must have run.
  if [[ ${#ctest_arguments[@]} == 0 ]] && ! grep -q ' process\.' "$output"
  then
    die "the process tests did not run" "see tests/process/CMakeLists.txt"
  fi
  # One test for each core, because these tests compile.
  stage "test package" run_ctest release --parallel "$(cores)" -L package
}

# Modules in which nothing runs in a thread of its own: the thread sanitizer
# sees them by night only.
single_threaded='^(config|crash|dbfiles|format|hostile)$'

# sanitizer_slice PRESET: the tests of all modules, or of those that have
# threads, and the process tests that belong to this sanitizer.
sanitizer_slice() {
  local preset="$1" file module pattern selection=()
  local targets=(levelkeep-check levelkeep-program levelkeep-hostile-archives)
  local modules=()
  for file in tests/*/*_test.cc; do
    module="$(basename "$(dirname "$file")")"
    [[ $module == tidy || " ${modules[*]} " == *" $module "* ]] && continue
    [[ $preset == tsan && $every == 0 && $module =~ $single_threaded ]] &&
      continue
    modules+=("$module")
    targets+=("${module}_test")
  done
  if [[ $every == 0 ]]; then
    selection=(-LE other-sanitizer)
    # A sanitizer takes ten times as long for each round, and fewer rounds show
    # it the same. The number of shards has no factor in common with the steps
    # of the crash tests' slices.
    export LEVELKEEP_TORTURE_ROUNDS="${LEVELKEEP_TORTURE_ROUNDS:-6}"
    export LEVELKEEP_CRASH_SHARD="${LEVELKEEP_CRASH_SHARD:-0/11}"
    # A full disk is handled like a failing disk; the release slice tries both.
    # It also tries archives with both libraries, and with each library reading
    # the other's archives. Times under a sanitizer are no measure.
    GTEST_FILTER="-Faults/*/NoSpace*:JsonBodyTest.TimeGrowsWithTheSizeOnly"
    [[ "$(isal_option)" != *=ON ]] ||
      GTEST_FILTER+=":Codecs/*/zlib:Codecs/*/*_read_by_*"
    export GTEST_FILTER
    # For each allocation, the address sanitizer remembers the last eight calls,
    # not thirty, which takes a tenth of the time.
    export ASAN_OPTIONS="malloc_context_size=8:${ASAN_OPTIONS:-}"
  else
    export LEVELKEEP_PROCESS_ROUNDS="${LEVELKEEP_PROCESS_ROUNDS:-4}"
  fi
  stage "node modules" install_node_modules
  stage "configure $preset" configure "$preset" "$(isal_option)"
  stage "build $preset" build "$preset" --target "${targets[@]}"
  pattern="$(IFS='|' && printf '%s' "${modules[*]}")|process"
  stage "test $preset" run_ctest "$preset" --parallel "$(at_once)" \
    -R "^($pattern)\\." "${selection[@]}"
}

started=$SECONDS
if [[ $install == 1 ]]; then
  groups=(build test)
  # clang makes the builds of the sanitizers and of the fuzzers, in three
  # quarters of GCC's time.
  [[ "${slices[*]}" == release ]] || groups+=(fuzz)
  stage "packages" scripts/install-packages.sh "${groups[@]}"
fi
for slice in "${slices[@]}"; do
  case "$slice" in
    release) release_slice ;;
    asan) sanitizer_slice asan ;;
    tsan)
      # The distribution's LevelDB is not built with the sanitizer, which sees
      # LevelDB's memcpy and memcmp, but not the atomics that order them.
      export TSAN_OPTIONS=ignore_noninstrumented_modules=1
      sanitizer_slice tsan
      ;;
  esac
done
say ""
say "slices: ${slices[*]}, $((SECONDS - started)) s in all"
finished=1
[[ $failed == 0 && -z "$left_out" ]]
