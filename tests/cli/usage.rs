use crate::folder::{Folder, README, run};

#[test]
fn help_is_an_answer_and_wrong_usage_is_not() {
    let folder = Folder::new();
    for line in ["-h", "--help", "help next", "next --help", "--version"] {
        let answer = folder.sched(line).exits(0).complains("");
        assert!(!answer.stdout.is_empty(), "{line}");
    }
    for line in [
        "",
        "nope",
        "next --nope",
        "run-once",
        "next -n 0",
        "validate --format xml",
    ] {
        let answer = folder.sched(line).exits(2).says("");
        assert!(!answer.stderr.is_empty(), "{line}");
    }
}

#[test]
fn the_version_tells_the_edition_of_the_time_zones() {
    let folder = Folder::new();
    let version = env!("CARGO_PKG_VERSION");
    folder
        .sched("-V")
        .exits(0)
        .says(&format!("sched {version}\n"));
    let zones = sched::trigger::zone::edition();
    let long = format!("sched {version}\ntime zones of the IANA database {zones}\n");
    folder.sched("--version").exits(0).says(&long);
}

#[test]
fn without_a_word_the_short_help_is_told_whatever_the_environment_says() {
    let folder = Folder::new();
    let help = folder.sched("-h").exits(0).stdout;
    folder.sched("").exits(2).complains(&help);
    let mut command = folder.command();
    run(command.env("SCHED_STATE_DIR", "/srv"))
        .exits(2)
        .complains(&help);
}

#[test]
fn wrong_usage_and_help_are_coloured_where_that_is_wanted() {
    let folder = Folder::new();
    let colored = |line: &str| {
        let answer = folder.sched(line);
        (answer.stdout + &answer.stderr).contains('\x1b')
    };
    for line in [
        "next --cuont 3 --color always",
        "--color=always help",
        "next -h --color always",
    ] {
        assert!(colored(line), "{line}");
    }
    for line in [
        "next --cuont 3",
        "next --cuont 3 -- --color always",
        "--color never -h",
    ] {
        assert!(!colored(line), "{line}");
    }
}

#[test]
fn the_long_help_of_each_command_has_three_examples() {
    let folder = Folder::new();
    for command in ["validate", "next", "run-once", "watch", "show"] {
        let help = folder.sched(&format!("help {command}")).exits(0).stdout;
        let examples = help.split_once("Examples:\n").unwrap().1;
        let count = examples
            .lines()
            .take_while(|line| line.starts_with("  sched "))
            .count();
        assert_eq!(count, 3, "{help}");
    }
}

#[test]
fn a_word_that_is_tried_for_a_command_names_it() {
    let answer = Folder::new().sched("check").exits(2);
    assert!(
        answer.stderr.contains("unrecognized subcommand 'check'"),
        "{}",
        answer.stderr
    );
    assert!(answer.stderr.contains("'validate'"), "{}", answer.stderr);
}

#[test]
fn the_usage_that_is_told_does_not_depend_on_the_environment() {
    let folder = Folder::new();
    for (line, usage) in [
        ("run-once", "sched run-once [OPTIONS] <JOB> [ARG]..."),
        ("next --nope", "sched next [OPTIONS] [JOB]..."),
        ("history --stats -n 3", "sched history [OPTIONS] [JOB|RUN]"),
        ("--nope", "sched [OPTIONS] <COMMAND>"),
        ("check", "sched [OPTIONS] <COMMAND>"),
    ] {
        let mut command = folder.command();
        let bare = run(command.args(line.split(' '))).exits(2).stderr;
        assert!(bare.contains(&format!("\nUsage: {usage}\n")), "{bare}");
        for variable in ["CONFIG", "TASKS_DIR", "STATE_DIR", "LOG_DIR"] {
            command.env(format!("SCHED_{variable}"), "/srv");
        }
        run(&mut command).exits(2).complains(&bare);
    }
}

#[test]
fn a_config_that_cannot_be_read_names_a_near_one() {
    Folder::with_config(README)
        .sched("next -c confg.yml")
        .exits(2)
        .says("")
        .complains(
            "error: cannot read confg.yml: no such file\n\
         help: a file with a similar name exists: config.yml\n",
        );
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_stdout_does_not_take_is_a_fault_and_a_reader_that_left_is_none() {
    let folder = Folder::with_config(
        "scheduler:\n  a: {type: cron, hour: 4, command: [echo, hi]}\n  \
         b: {type: cron, hour: 4, command: echo hi; exit 7}\n",
    );
    let into = |end: &str, line: &str| {
        let mut shell = folder.command_of("/bin/sh".as_ref());
        let line = format!("\"$0\" {line} {end}");
        run(shell.args(["-c", &line, env!("CARGO_BIN_EXE_sched")]))
    };
    let lost = "error: cannot write to stdout: No space left on device\n";
    for (line, code) in [
        ("--help", 2),
        ("validate", 2),
        ("next", 2),
        ("next --format json", 2),
        ("show", 2),
        ("history", 2),
        ("status --check", 2),
        ("run-once a -q", 2),
        ("run-once a -q --format json", 2),
        ("run-once a --dry-run", 2),
        ("run-once b", 1),
    ] {
        let stderr = into(">/dev/full", line).exits(code).stderr;
        assert!(stderr.ends_with(lost), "{line}: {stderr}");
        let stderr = into("| true", line).stderr;
        assert!(!stderr.contains("stdout"), "{line}: {stderr}");
    }
}

#[test]
fn a_reader_that_leaves_early_makes_nothing_good() {
    let folder = Folder::with_config("scheduler:\n  a: {type: corn}\n");
    // The reader is gone before the first line.
    let script = "{ sleep 0.2; \"$0\" \"$@\"; echo $? >&2; } | true";
    let unread = |line: &str| {
        let mut shell = folder.command_of("/bin/sh".as_ref());
        let words = ["-c", script, env!("CARGO_BIN_EXE_sched")];
        run(shell.args(words).args(line.split(' ')))
    };
    for line in [
        "validate",
        "validate --format json",
        "status --check",
        "status --check --format json",
    ] {
        folder.sched(line).exits(1);
        unread(line).complains("1\n");
    }
    folder.write(
        "config.yml",
        "scheduler:\n  a: {type: cron, hour: 4, command: 'true'}\n",
    );
    for line in ["validate", "next", "status"] {
        unread(line).complains("0\n");
    }
}

#[test]
fn tables_fit_the_screen() {
    let folder = Folder::with_config(
        "scheduler:\n  test.heartbeat: {type: interval, minutes: 1, command: [echo, hi]}\n  \
         backup: {type: cron, expression: '30 2 1-7 * mon-fri', command: sleep 1 && true}\n",
    );
    folder.sched("run-once test.heartbeat").exits(0);
    let on_screen = |columns: &str, line: &str| {
        let mut command = folder.command();
        run(command.env("COLUMNS", columns).args(line.split(' ')))
            .exits(0)
            .stdout
    };
    for line in [
        "status",
        "history",
        "history --stats",
        "next test.heartbeat",
        "validate -v",
    ] {
        let shown = on_screen("60", line);
        // What is a sentence may take two lines.
        let lines = shown.lines().filter(|line| !line.contains(['○', '·']));
        for row in lines {
            assert!(row.chars().count() <= 60, "{line}: {shown}");
        }
    }
    let whole = folder.sched("validate -v").exits(0).stdout;
    assert!(whole.contains("to Friday  sleep 1 && true\n"), "{whole}");
    let shown = on_screen("94", "validate -v");
    assert!(shown.contains("to Friday  sleep"), "{shown}");
    assert!(!shown.contains("true"), "{shown}");
}

#[test]
fn the_config_may_come_from_the_environment() {
    let folder = Folder::new().file("elsewhere.yml", README);
    let mut command = folder.command();
    command
        .args(["show", "-q"])
        .env("SCHED_CONFIG", "elsewhere.yml");
    run(&mut command).exits(0);
    run(command.env("SCHED_CONFIG", "")).exits(2);
}

#[test]
fn a_file_in_the_place_of_the_state_folder_is_told_as_one() {
    let answer = Folder::with_config(README)
        .sched("--state-dir config.yml watch")
        .exits(2);
    let expected = "error: cannot use config.yml: not a directory\n";
    assert!(answer.stderr.ends_with(expected), "{}", answer.stderr);
}

#[test]
fn nothing_of_a_config_moves_the_cursor() {
    let text = r#"
scheduler:
  "a.b \e[2J\u202e": {type: cron, hour: 4, description: "\e]0;title\a", args: ["\e[1m"]}
  "a.c \e[2J": {type: "\e[3mcron", "\e[4mhour": 4}
  a.d: {type: cron, hour: 99, command: "\u009b2J"}
"#;
    let folder = Folder::with_config(text);
    let lines = [
        "validate",
        "validate -v",
        "next",
        "show",
        "next \x1b[2J",
        "show a.b\u{9b}",
    ];
    for line in lines {
        let answer = folder.sched(line);
        let shown = answer.stdout + &answer.stderr;
        let is_safe =
            |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(shown.chars().all(is_safe), "{line}: {shown:?}");
    }
}
