# bash completion for levelkeep; `cmake --install` puts it where bash looks.

_levelkeep_backups() {
  levelkeep list --quiet 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# The options and the flags of settings that the help of the verb lists.
_levelkeep_options() {
  levelkeep "$@" --help 2>/dev/null |
    sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p'
}

_levelkeep() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local verbs="serve worker create list inspect verify drill restore \
    accept-loss rotate pin unpin delete own jobs job schedule config health"
  local global="--json --quiet --verbose --config --version --help"
  local verb="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ " $verbs " == *" $word "* ]] && { verb=$word; break; }
  done
  COMPREPLY=()
  case $previous in
    --depth)
      COMPREPLY=($(compgen -W "structure checksums full" -- "$current"))
      return ;;
    --config|--levelkeep-check-program)
      COMPREPLY=($(compgen -f -- "$current")); return ;;
    --backup-priority)
      COMPREPLY=($(compgen -W "low idle" -- "$current")); return ;;
    --to|--storage-dir|--backup-dir|--restore-dir|--log-dir)
      COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_levelkeep_options $verb) $global" -- "$current"))
  elif [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$current"))
  elif [[ $verb == inspect || $verb == verify || $verb == restore ]]; then
    COMPREPLY=($(compgen -W "latest $(_levelkeep_backups)" -- "$current")
               $(compgen -f -- "$current"))
  elif [[ $verb == drill || $verb == pin || $verb == unpin || $verb == delete ]]; then
    COMPREPLY=($(compgen -W "latest $(_levelkeep_backups)" -- "$current"))
  fi
}
complete -F _levelkeep levelkeep
