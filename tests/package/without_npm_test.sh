#!/usr/bin/env bash
# Where npm can't be reached, scripts/test.sh runs all other tests, says what it
# left out, and ends with an error.
source "$(dirname "$0")/lib.sh"

tree="$WORK/tree"
mkdir -p "$tree/tests/process/node" "$WORK/bin"
cp -r "$SOURCE_DIR/scripts" "$tree/"
cp "$SOURCE_DIR/tests/process/node/package-lock.json" "$tree/tests/process/node/"
# Fake programs that print what the real ones would; `sleep` does not wait.
printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/npm"
printf '#!/bin/sh\nexit 0\n' >"$WORK/bin/sleep"
printf '#!/bin/sh\nexit 0\n' >"$WORK/bin/cmake"
cat >"$WORK/bin/ctest" <<'FAKE'
#!/bin/sh
echo "1/2 Test #1: process.predecessor, without node: $LEVELKEEP_WITHOUT_NODE"
echo "100% tests passed, 0 tests failed out of 2"
FAKE
chmod +x "$WORK"/bin/*

status=0
PATH="$WORK/bin:$PATH" "$tree/scripts/test.sh" --skip-install >"$WORK/said" 2>&1 ||
  status=$?
[[ $status == 1 ]] || fail "it ended with $status: $(cat "$WORK/said")"
grep -q 'without node: 1$' "$WORK/said" || fail "$(cat "$WORK/said")"
grep -q '^left out: .*process.predecessor' "$WORK/said" ||
  fail "it does not say what it left out: $(cat "$WORK/said")"
# Two passed tests of the release slice, and two of the package tests.
[[ "$(tail -n 1 "$WORK/said")" == "4 passed, 0 failed" ]] ||
  fail "$(cat "$WORK/said")"
