
# The names of jobs, where one can be named.
function __fish_sched_jobs
    set -l cmd (commandline -opc)
    set -l given
    argparse -i c/config= -- $cmd[2..-1] 2>/dev/null
    and set -q _flag_config
    and set given --config=$_flag_config
    sched __jobs $given 2>/dev/null
end

complete -c sched -n "__fish_sched_using_subcommand next run-once history show" -f -a "(__fish_sched_jobs)"
