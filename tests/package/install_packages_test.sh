#!/usr/bin/env bash
# scripts/install-packages.sh: clear errors instead of half an installation.
source "$(dirname "$0")/lib.sh"

script="$SOURCE_DIR/scripts/install-packages.sh"
cd "$WORK"

if "$script" nonsense 2>"$WORK/log"; then fail "took an unknown group"; fi
grep -q "unknown group 'nonsense'" "$WORK/log" || fail "$(cat "$WORK/log")"

# A system without apt: only the few tools that the script itself uses.
mkdir bin
for tool in bash dirname uname cat; do
  ln -s "$(command -v "$tool")" "bin/$tool"
done
if PATH="$WORK/bin" bash "$script" build 2>"$WORK/log"; then
  fail "went on without apt-get"
fi
grep -q 'not a Debian-like system' "$WORK/log" || fail "$(cat "$WORK/log")"

# All packages are installed: nothing to do, no root needed, no apt-get called.
cat >bin/apt-get <<'FAKE'
#!/bin/bash
echo "apt-get was called: $*" >&2
exit 1
FAKE
cat >bin/dpkg-query <<'FAKE'
#!/bin/bash
printf installed
FAKE
chmod +x bin/apt-get bin/dpkg-query
PATH="$WORK/bin:$PATH" bash "$script" build 2>"$WORK/log" ||
  fail "$(cat "$WORK/log")"
grep -q 'are installed' "$WORK/log" || fail "$(cat "$WORK/log")"
if grep -q 'apt-get was called' "$WORK/log"; then fail "apt-get was called"; fi
