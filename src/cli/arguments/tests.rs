use super::*;

fn read(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::read(line.split_whitespace().map(OsString::from))
}

fn refusal(line: &str) -> String {
    read(line).unwrap_err().to_string()
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn next_shows_five_fire_times_unless_told() {
    let Command::Next(next) = read("sched next a.b c.d").unwrap().command else {
        panic!("not next");
    };
    assert_eq!(
        (next.jobs.len(), next.count, next.format),
        (2, 5, Format::Text)
    );
}

#[test]
fn arguments_of_a_job_may_be_negative_and_flags_may_follow() {
    let line = "sched run-once a.b 2 -5 --kwarg x=1=2 -- -v --all";
    let Command::RunOnce(run) = read(line).unwrap().command else {
        panic!("not run-once");
    };
    assert_eq!(run.args, ["2", "-5", "-v", "--all"]);
    assert_eq!(run.kwargs, [("x".to_owned(), "1=2".to_owned())]);
}

#[test]
fn a_timeout_is_a_duration_above_zero() {
    let timeout = |text: &str| match read(&format!("sched run-once a.b --timeout {text}")) {
        Ok(Arguments {
            command: Command::RunOnce(run),
            ..
        }) => run.timeout,
        _ => None,
    };
    assert_eq!(timeout("1h30m"), Some(Duration::from_secs(5400)));
    assert_eq!(timeout("90"), Some(Duration::from_secs(90)));
    assert_eq!(timeout("0.5"), Some(Duration::from_millis(500)));
    for text in ["0", "0.0", "-0.5", "soon", "inf", "nan"] {
        assert_eq!(timeout(text), None, "{text}");
    }
}

#[test]
fn a_number_that_is_none_or_out_of_range_is_told_as_one() {
    for (line, expected) in [
        (
            "run-once a.b --timeout 0",
            "'0' for '--timeout <DURATION>': it must be more than 0",
        ),
        ("run-once a.b --timeout 0s", ": it must be more than 0"),
        ("run-once a.b --timeout soon", ": write a number of seconds"),
        (
            "watch --grace x",
            "'x' for '--grace <SECONDS>': write a whole number of seconds from 0 to 31536000",
        ),
        (
            "watch --grace 31536001",
            ": write a whole number of seconds",
        ),
        (
            "watch --grace 99999999999999999999",
            ": write a whole number of seconds",
        ),
        ("next -n 0", ": write a whole number from 1 to"),
        ("next a -n -1", ": write a whole number from 1 to 1000000"),
        (
            "next -n 1000001",
            ": write a whole number from 1 to 1000000",
        ),
        (
            "history -n -1",
            ": write a whole number from 1 to 4294967295",
        ),
        ("run-once a.b --timeout -5", ": write a number of seconds"),
        ("watch --grace -1", ": write a whole number of seconds"),
    ] {
        let told = refusal(&format!("sched {line}"));
        assert!(told.contains(expected), "{line}: {told}");
    }
    assert!(read("sched watch --grace 0").is_ok());
}

#[test]
fn times_may_lie_before_now() {
    let Command::Next(next) = read("sched next --from -3d --until +2h").unwrap().command else {
        panic!("not next");
    };
    assert_eq!(
        (next.from.as_deref(), next.until.as_deref()),
        (Some("-3d"), Some("+2h"))
    );
}

#[test]
fn global_flags_may_stand_on_either_side_of_the_command() {
    let before = read("sched -c a.yml --color never watch").unwrap();
    let after = read("sched watch -c a.yml --color never").unwrap();
    for arguments in [before, after] {
        assert_eq!(arguments.global.config, Some(PathBuf::from("a.yml")));
        assert_eq!(arguments.global.color, Color::Never);
    }
}

#[test]
fn an_empty_path_counts_as_not_given() {
    let words = ["sched", "--config", "", "watch"].map(OsString::from);
    assert_eq!(Arguments::read(words).unwrap().global.config, None);
}

#[test]
fn synonyms_name_the_command_that_is_meant() {
    for (synonym, name) in SYNONYMS {
        let text = refusal(&format!("sched {synonym}"));
        assert!(
            text.contains(&format!("unrecognized subcommand '{synonym}'")),
            "{text}"
        );
        assert!(text.contains(&format!("exists: '{name}'")), "{text}");
    }
}

#[test]
fn a_misspelt_flag_or_command_names_the_near_one() {
    assert!(refusal("sched validat").contains("'validate'"));
    assert!(refusal("sched next --cuont 3").contains("'--count'"));
}

#[test]
fn verbose_and_quiet_exclude_each_other() {
    assert_eq!(read("sched -v -q next").unwrap_err().exit_code(), 2);
}
