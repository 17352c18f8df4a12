# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sched_global_optspecs
    string join \n c/config= tasks-dir= state-dir= log-dir= color= v/verbose q/quiet h/help V/version
end

function __fish_sched_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sched_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sched_using_subcommand
    set -l cmd (__fish_sched_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sched -n "__fish_sched_needs_command" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_needs_command" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_needs_command" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_needs_command" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_needs_command" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_needs_command" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_needs_command" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_needs_command" -s V -l version -d 'Print version'
complete -c sched -n "__fish_sched_needs_command" -f -a "validate" -d 'Check a config and report every fault of it in one go'
complete -c sched -n "__fish_sched_needs_command" -f -a "next" -d 'Show when jobs will run'
complete -c sched -n "__fish_sched_needs_command" -f -a "run-once" -d 'Run one job now, in the foreground'
complete -c sched -n "__fish_sched_needs_command" -f -a "watch" -d 'Run the scheduler in the foreground; reload when a file changes'
complete -c sched -n "__fish_sched_needs_command" -f -a "history" -d 'Show what ran, newest first'
complete -c sched -n "__fish_sched_needs_command" -f -a "status" -d 'Show how the jobs are doing, and whether they are watched'
complete -c sched -n "__fish_sched_needs_command" -f -a "show" -d 'Show the config as understood, every default filled in, secrets masked'
complete -c sched -n "__fish_sched_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sched -n "__fish_sched_using_subcommand validate" -l format -d 'How to write the findings' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand validate" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand validate" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand validate" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand validate" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand validate" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand validate" -l strict -d 'Let warnings make the config invalid'
complete -c sched -n "__fish_sched_using_subcommand validate" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand validate" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand next" -s n -l count -d 'How many fire times of each job at most' -r
complete -c sched -n "__fish_sched_using_subcommand next" -l from -d 'The first instant that counts, itself included [default: now]' -r
complete -c sched -n "__fish_sched_using_subcommand next" -l until -d 'The last instant that counts, itself included [default: no end]' -r
complete -c sched -n "__fish_sched_using_subcommand next" -l format -d 'How to write the fire times' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand next" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand next" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand next" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand next" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand next" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand next" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand next" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand run-once" -l kwarg -d 'A keyword argument to add or to override; may be given several times' -r
complete -c sched -n "__fish_sched_using_subcommand run-once" -l timeout -d 'End the run after so long, such as 90, 90s, 5m or 1h30m [default: the job\'s]' -r
complete -c sched -n "__fish_sched_using_subcommand run-once" -l format -d 'How to write the record of the run, or what would be called' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand run-once" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand run-once" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand run-once" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand run-once" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand run-once" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand run-once" -l dry-run -d 'Say what would be called, and call nothing'
complete -c sched -n "__fish_sched_using_subcommand run-once" -l no-mail -d 'Send no mail if it fails'
complete -c sched -n "__fish_sched_using_subcommand run-once" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand run-once" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand run-once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand watch" -l grace -d 'How many seconds runs that are going on may take when it stops' -r
complete -c sched -n "__fish_sched_using_subcommand watch" -l log-format -d 'How to write log lines to the terminal' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand watch" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand watch" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand watch" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand watch" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand watch" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand watch" -l strict -d 'Refuse to start if the config has any error'
complete -c sched -n "__fish_sched_using_subcommand watch" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand watch" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand history" -s n -l count -d 'How many runs at most' -r
complete -c sched -n "__fish_sched_using_subcommand history" -l since -d 'The first instant that counts, itself included [default: no beginning]' -r
complete -c sched -n "__fish_sched_using_subcommand history" -l until -d 'The last instant that counts, itself included [default: no end]' -r
complete -c sched -n "__fish_sched_using_subcommand history" -l format -d 'How to write the runs' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand history" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand history" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand history" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand history" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand history" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand history" -l failed -d 'Only failures, timeouts and runs that a signal ended'
complete -c sched -n "__fish_sched_using_subcommand history" -l missed -d 'Only fires that were too late to run'
complete -c sched -n "__fish_sched_using_subcommand history" -l running -d 'Only runs that are going on'
complete -c sched -n "__fish_sched_using_subcommand history" -l output -d 'What the runs wrote; of one run that alone'
complete -c sched -n "__fish_sched_using_subcommand history" -l stats -d 'Instead of runs, figures of each job: runs, how many went well, how long they took'
complete -c sched -n "__fish_sched_using_subcommand history" -l no-pager -d 'Use no pager (`$PAGER`, else `less`) for an answer that is longer than the screen'
complete -c sched -n "__fish_sched_using_subcommand history" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand history" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand status" -l format -d 'How to write the answer' -r -f -a "text\t'For people'
json\t'For programs: one JSON object a line'"
complete -c sched -n "__fish_sched_using_subcommand status" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand status" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand status" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand status" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand status" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand status" -l check -d 'Only say whether the watcher is alive; exit with 1 where it is not'
complete -c sched -n "__fish_sched_using_subcommand status" -l jobs -d 'With --check: exit with 1 also where the last run of a job failed, and name these jobs'
complete -c sched -n "__fish_sched_using_subcommand status" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand status" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand show" -s c -l config -d 'The config file [default: config.yml, else config/config.yml, else docassemble\'s]' -r -F
complete -c sched -n "__fish_sched_using_subcommand show" -l tasks-dir -d 'The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand show" -l state-dir -d 'The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand show" -l log-dir -d 'The folder of scheduler.log [default: `log directory` of the config, else docassemble\'s]' -r -f -a "(__fish_complete_directories)"
complete -c sched -n "__fish_sched_using_subcommand show" -l color -d 'When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Also into pipes and files'
never\t'Never'"
complete -c sched -n "__fish_sched_using_subcommand show" -s v -l verbose -d 'Say more: where values come from, what was understood'
complete -c sched -n "__fish_sched_using_subcommand show" -s q -l quiet -d 'Say only the answer and errors'
complete -c sched -n "__fish_sched_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "validate" -d 'Check a config and report every fault of it in one go'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "next" -d 'Show when jobs will run'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "run-once" -d 'Run one job now, in the foreground'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "watch" -d 'Run the scheduler in the foreground; reload when a file changes'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "history" -d 'Show what ran, newest first'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "status" -d 'Show how the jobs are doing, and whether they are watched'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "show" -d 'Show the config as understood, every default filled in, secrets masked'
complete -c sched -n "__fish_sched_using_subcommand help; and not __fish_seen_subcommand_from validate next run-once watch history status show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

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
