# The names of jobs.
(( $+functions[_sched_jobs] )) ||
_sched_jobs() {
    local -a typed given jobs expl
    local i
    typed=(${(z)BUFFER})
    for ((i = 1; i <= $#typed; i++)); do
        case $typed[i] in
            -c|--config) given=(--config ${${(Q)typed[i+1]}/#\~/$HOME}) ;;
            --config=*) given=(${(Q)typed[i]}) ;;
        esac
    done
    # zsh has a builtin of that name.
    jobs=(${(f)"$(command sched __jobs $given 2>/dev/null)"})
    _wanted jobs expl job compadd -a jobs
}

