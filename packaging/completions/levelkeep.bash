# bash completion for levelkeep; `cmake --install` puts it where bash looks.

_levelkeep_backups() {
  levelkeep list --quiet 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_levelkeep() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local verbs="serve worker create list inspect verify restore \
    accept-loss rotate pin unpin delete own config health"
  local global="--json --quiet --verbose --config --version --help"
  local settings="--storage-dir --db-name --backup-dir --restore-dir \
    --auto-backup-enabled --auto-restore-enabled --auto-backup-interval \
    --max-backups --backup-history-days --backup-undo-hours \
    --allow-new-database --backup-compression --backup-compression-level \
    --backup-reuse --backup-checksum --backup-threads --backup-rate-limit \
    --backup-priority --backup-reserve --backup-verify --restart-command \
    --levelkeep-check-program --host --port --api-allow-anonymous \
    --api-allowed-hosts --storage-sync --backup-worker-enabled \
    --backup-worker-poll-ms --log-level --log-format --log-dir"
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
    local own=""
    case $verb in
      worker) own="--once" ;;
      own) own="--user" ;;
      create) own="--label" ;;
      list) own="--limit" ;;
      verify) own="--all --depth" ;;
      restore) own="--to --undo --undo-all --list --forget-undo --other-database \
        --dry-run --yes" ;;
      accept-loss) own="--dry-run --yes" ;;
      rotate) own="--dry-run" ;;
      delete) own="--force --other-database --yes" ;;
      config) own="--check" ;;
      health) own="--live --url --timeout" ;;
    esac
    COMPREPLY=($(compgen -W "$own $global $settings" -- "$current"))
  elif [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$current"))
  elif [[ $verb == inspect || $verb == verify || $verb == restore ]]; then
    COMPREPLY=($(compgen -W "latest $(_levelkeep_backups)" -- "$current")
               $(compgen -f -- "$current"))
  elif [[ $verb == pin || $verb == unpin || $verb == delete ]]; then
    COMPREPLY=($(compgen -W "latest $(_levelkeep_backups)" -- "$current"))
  fi
}
complete -F _levelkeep levelkeep
