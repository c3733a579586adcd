#!/usr/bin/env bash
# The installed tree: complete, and free of the build's own paths.
source "$(dirname "$0")/lib.sh"

rm -rf "$PREFIX"
"$CMAKE_COMMAND" --install "$BUILD_DIR" --prefix "$PREFIX" >"$WORK/log" ||
  fail "$(cat "$WORK/log")"

# Every public header, and nothing else.
diff -r "$SOURCE_DIR/include/levelkeep" "$PREFIX/include/levelkeep" ||
  fail "the installed headers differ from include/levelkeep"

for path in bin/levelkeep libexec/levelkeep/levelkeep-check \
  lib/systemd/system/levelkeep.service lib/sysusers.d/levelkeep.conf \
  share/man/man1/levelkeep.1 share/bash-completion/completions/levelkeep; do
  [[ -s "$PREFIX/$path" ]] || fail "$path was not installed"
done
for name in liblevelkeep.a liblevelkeep-http.a LevelKeepConfig.cmake \
  LevelKeepConfigVersion.cmake levelkeep.pc levelkeep-http.pc LICENSE \
  README.md CHANGELOG.md; do
  [[ -n "$(find "$PREFIX" -name "$name" -size +0)" ]] ||
    fail "$name was not installed"
done

# An installed file that names the build or source tree works here only.
if grep -rIl --include='*.cmake' --include='*.pc' \
  -e "$BUILD_DIR/src" -e "$BUILD_DIR/lib" -e "$SOURCE_DIR/" \
  "$PREFIX" | grep .; then
  fail "these installed files name the source or build tree"
fi

printed="$("$PREFIX/bin/levelkeep" --version)"
[[ "$printed" == *"$VERSION"* ]] || fail "--version says '$printed'"
# Every library that the program needs is found.
ldd "$PREFIX/bin/levelkeep" >"$WORK/libraries"
if grep 'not found' "$WORK/libraries"; then fail "libraries are missing"; fi

# The completion, as bash calls it: backups by name, then a file of that name.
mkdir -p "$WORK/site/storage" "$WORK/site/backups"
touch "$WORK/site/local.tar.gz"
complete_line() {
  (
    cd "$WORK/site"
    PATH="$PREFIX/bin:$PATH"
    # shellcheck source=/dev/null
    source "$PREFIX/share/bash-completion/completions/levelkeep"
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _levelkeep
    printf '%s\n' "${COMPREPLY[@]}"
  )
}
[[ "$(complete_line levelkeep res)" == restore ]] ||
  fail "'res' is completed to '$(complete_line levelkeep res)'"
[[ "$(complete_line levelkeep restore --un | xargs)" == "--undo --undo-all" ]] ||
  fail "'--un' is completed to '$(complete_line levelkeep restore --un)'"
[[ "$(complete_line levelkeep restore --dr)" == --dry-run ]] ||
  fail "'--dr' is completed to '$(complete_line levelkeep restore --dr)'"
[[ "$(complete_line levelkeep list --st)" == --storage-dir ]] ||
  fail "'list --st' is completed to '$(complete_line levelkeep list --st)'"
[[ -z "$(complete_line levelkeep list --po)" ]] ||
  fail "'list --po' is completed to '$(complete_line levelkeep list --po)'"
complete_line levelkeep restore l >"$WORK/completed"
for name in latest local.tar.gz; do
  grep -qx "$name" "$WORK/completed" ||
    fail "'restore l' is not completed to $name"
done
