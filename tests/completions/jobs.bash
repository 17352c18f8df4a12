
# A word as the program gets it, without its quotes and backslashes, in REPLY.
_sched_unquoted() {
    case "$1" in
        \'*) REPLY="${1#\'}" REPLY="${REPLY%\'}" ;;
        \"*) REPLY="${1#\"}" REPLY="${REPLY%\"}" ;;
        # Without -r it takes backslashes away.
        *) IFS= read REPLY <<<"${1/#\~/$HOME}" ;;
    esac
}

# The names of jobs, where one can be named.
_sched_jobs() {
    _sched "$@"
    local i word flags want="" command="" named=0 given=() jobs=() name quoted quote="" REPLY
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
    # Within a quote that is still open a name is written as it is.
    [[ $whole == [\'\"]* ]] && quote="${whole:0:1}" whole="${whole:1}"
    for ((i = 1; i < last; i++)); do
        word="${words[i]}"
        # `-vcFILE` is `-v -c FILE`.
        flags=""
        [[ -z $want && $word == -[!-]?* ]] && flags="${word:1}"
        while [[ -n $flags ]]; do
            word="-${flags:0:1}" flags="${flags:1}"
            case "$word" in
                VALUE_FLAGS) [[ -n $flags ]] && want="$word" word="$flags" flags="" ;;
            esac
        done
        if [[ -n $want ]]; then
            # `--config=FILE` comes as three words.
            [[ $word == "=" ]] && continue
            _sched_unquoted "$word"
            [[ $want == -c || $want == --config ]] && given=(--config "$REPLY")
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
        case "$quote" in
            \') [[ $name == *\'* ]] && continue ;;
            \") [[ $name == *[\"\\\$\`!]* ]] && continue ;;
        esac
        [[ -n $quote ]] && quoted="$name"
        [[ $name == "$whole"* || $quoted == "$whole"* ]] || continue
        jobs+=("${quoted#"${whole%"$rest"}"}")
    done < <("$1" __jobs "${given[@]}" 2>/dev/null)
    [[ ${#jobs[@]} -gt 0 ]] && COMPREPLY=("${jobs[@]}")
}

complete -F _sched_jobs -o bashdefault -o default sched
