#!/usr/bin/env bash
# Builds the fuzzers, replays what they found before, and runs them.
#
#   fuzz/run.sh [--seconds N] [NAME...]
#
#   --seconds N      for each fuzzer; default 60; 0: only replay
#   --skip-install   do not look for missing packages
#   NAME             of a fuzzer, e.g. http_request; default: all
#
# As many run at the same time as there are cores. The corpus stays in
# build/asan/corpus/NAME and grows from run to run; what was found lies in
# build/asan/findings/NAME. The last lines tell executions, inputs in the
# corpus, seconds and most memory of each fuzzer; the exit status is 1 after
# a finding.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
cd "$LEVELKEEP_ROOT"

build=build/asan
seconds=60
install=1
names=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --seconds)
      [[ "${2:-}" =~ ^[0-9]+$ ]] || die "--seconds needs a number"
      seconds="$2"
      shift
      ;;
    --skip-install) install=0 ;;
    -h | --help)
      sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) die "unknown argument '$1'" "see fuzz/run.sh --help" ;;
    *)
      [[ -f "fuzz/$1_fuzz.cc" ]] || die "there is no fuzzer '$1'" \
        "fuzz/NAME_fuzz.cc are all that there are"
      names+=("$1")
      ;;
  esac
  shift
done
if [[ ${#names[@]} == 0 ]]; then
  for file in fuzz/*_fuzz.cc; do
    name="${file##*/}"
    names+=("${name%_fuzz.cc}")
  done
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# Scratch folders of the fuzzers, in memory where that is possible.
if [[ -w /dev/shm ]]; then
  memory="$(mktemp -d /dev/shm/levelkeep-fuzz-run-XXXXXX)"
  trap 'rm -rf "$scratch" "$memory"' EXIT
else
  memory="$scratch"
fi

build_fuzzers() {
  cmake --preset asan "$(isal_option)" >"$scratch/log" || {
    cat "$scratch/log" >&2
    die "cmake could not configure the preset asan" \
      "a missing package? scripts/install-packages.sh build fuzz"
  }
  cmake --build "$build" --parallel "$(cores)" \
    --target levelkeep-fuzz-seeds "${names[@]/%/_fuzz}"
}

make_seeds() {
  rm -rf "$build/seeds"
  TMPDIR="$memory" "$build/fuzz/levelkeep-fuzz-seeds" "$build/seeds"
  /usr/bin/python3 -B fuzz/http_seeds.py "$build/seeds/http_request"
}

# limits NAME: the limits of one execution.
limits() {
  local name="$1" dictionary="fuzz/dictionaries/$1.dict"
  case "$name" in
    # Blocks of logs, heads of requests and their limits have 32 KiB.
    leveldb_log | http_request) printf '%s\n' -max_len=70000 ;;
    own_index | foreign_archive | restore) printf '%s\n' -max_len=20000 ;;
    environment) printf '%s\n' -max_len=2000 ;;
    *) printf '%s\n' -max_len=8000 ;;
  esac
  # LevelDB may compute for a minute before levelkeep-check ends it.
  if [[ $name == store ]]; then
    printf '%s\n' -timeout=150
  else
    printf '%s\n' -timeout=60
  fi
  printf '%s\n' -rss_limit_mb=1024
  # Weighing the thousands of features of a restore takes longer than a restore.
  [[ $name != restore ]] || printf '%s\n' -entropic=0
  [[ ! -f $dictionary ]] || printf '%s\n' "-dict=$dictionary"
}

# run_one NAME ARGUMENT...: runs a fuzzer; its log gets the output.
run_one() {
  local name="$1" arguments
  mapfile -t arguments < <(limits "$name")
  shift
  mkdir -p "$build/findings/$name" "$build/corpus/$name"
  # Each input allocates much and soon frees it: a long quarantine and deep
  # stacks would be most of the work.
  ASAN_OPTIONS="quarantine_size_mb=16:malloc_context_size=8:${ASAN_OPTIONS:-}" \
    TMPDIR="$memory" "$build/fuzz/${name}_fuzz" "${arguments[@]}" \
    -artifact_prefix="$build/findings/$name/" "$@" >>"$scratch/$name.log" 2>&1
}

# Replays each input that was ever a finding, one after the other.
replay() {
  local name file
  for name in "${names[@]}"; do
    for file in "fuzz/regressions/$name"/*; do
      [[ -f $file ]] || continue
      run_one "$name" "$file" || found "$name"
    done
  done
}

failed=()
found() {
  local name="$1" input
  failed+=("$name")
  say ""
  say "FOUND by $name:"
  # Shows the report of the failure, without the fuzzer's progress.
  awk '/^(#[0-9]+|INFO:|Running|Executed)/ { next }
    /REQUIRED|ERROR|runtime error|ALARM|Assert/ { found = 1 }
    found && ++lines <= 26
    END { exit !found }' "$scratch/$name.log" >&2 ||
    tail -n 30 "$scratch/$name.log" >&2
  input="$(sed -n 's/.*Test unit written to //p' "$scratch/$name.log" |
    tail -n 1)"
  if [[ -n $input ]]; then
    say "input:  $input"
    say "replay: $build/fuzz/${name}_fuzz $input"
  fi
}

# fuzz_all: starts the next fuzzer when one has ended.
fuzz_all() {
  local name pid next=0 running=0
  declare -A name_of=()
  while [[ $next -lt ${#names[@]} || $running -gt 0 ]]; do
    if [[ $next -lt ${#names[@]} && $running -lt $(cores) ]]; then
      name="${names[$next]}"
      next=$((next + 1))
      run_one "$name" -max_total_time="$seconds" -print_final_stats=1 \
        "$build/corpus/$name" "$build/seeds/$name" &
      name_of[$!]="$name"
      running=$((running + 1))
      continue
    fi
    if wait -n -p pid; then :; else found "${name_of[$pid]}"; fi
    running=$((running - 1))
  done
}

# figure NAME STATISTIC: a figure that libFuzzer printed at its end.
figure() {
  sed -n "s/^stat::$2: *//p" "$scratch/$1.log" | tail -n 1
}

summary() {
  local name
  for name in "${names[@]}"; do
    printf '%-16s %8s executions, %5s inputs, %4s s, %4s MiB\n' "$name" \
      "$(figure "$name" number_of_executed_units)" \
      "$(find "$build/corpus/$name" -type f | wc -l)" "$seconds" \
      "$(figure "$name" peak_rss_mb)"
  done
}

if [[ $install == 1 ]]; then
  stage "packages" scripts/install-packages.sh build fuzz
fi
stage "build fuzzers" build_fuzzers
stage "seeds" make_seeds
stage "replay" replay
if [[ $seconds -gt 0 ]]; then
  stage "fuzz" fuzz_all
  summary
fi
[[ ${#failed[@]} == 0 ]] || die "found by: ${failed[*]}"
