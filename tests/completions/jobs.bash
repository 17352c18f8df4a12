
# The names of jobs, where one can be named.
_sched_jobs() {
    _sched "$@"
    local i word want="" command="" named=0 given=() jobs=() name quoted
    local words=() last=-1 rest="$2" whole="$2"
    [[ $2 == -* ]] && return
    # bash parts words at colons, and completes what follows the last one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        if ((i > 1)) && [[ -n $word && ($word == :* || ${words[last]} == *:) ]]; then
            words[last]+="$word"
        else
            words[++last]="$word"
        fi
    done
    [[ $rest == ":" ]] && rest=""
    [[ ${words[last]} == *"$rest" ]] && whole="${words[last]}"
    for ((i = 1; i < last; i++)); do
        word="${words[i]}"
        if [[ -n $want ]]; then
            # `--config=FILE` comes as three words.
            [[ $word == "=" ]] && continue
            [[ $want == -c || $want == --config ]] && given=(--config "${word/#\~/$HOME}")
            want=""
            continue
        fi
        case "$word" in
            VALUE_FLAGS) want="$word" ;;
            -*) ;;
            *) if [[ -z $command ]]; then command="$word"; else ((named++)); fi ;;
        esac
    done
    case "$command" in
        next) ;;
        run-once | history | show) ((named)) && return ;;
        *) return ;;
    esac
    [[ -n $want ]] && return
    while IFS= read -r name; do
        printf -v quoted %q "$name"
        [[ $name == "$whole"* || $quoted == "$whole"* ]] || continue
        jobs+=("${quoted#"${whole%"$rest"}"}")
    done < <("$1" __jobs "${given[@]}" 2>/dev/null)
    [[ ${#jobs[@]} -gt 0 ]] && COMPREPLY=("${jobs[@]}")
}

complete -F _sched_jobs -o bashdefault -o default sched
