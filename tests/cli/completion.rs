//! The completion of job names in shells.

use std::process::Command;

use crate::folder::{Answer, Folder};

const CONFIG: &str = "scheduler:
  t.report: {type: interval, hours: 1}
  't.report of $HOME': {type: interval, hours: 1}
  \"two\\nlines\": {type: interval, hours: 1, command: 'true'}
  backup: {type: interval, hours: 1, command: 'true'}
";

fn folder() -> Folder {
    let other = "scheduler:\n  other: {type: interval, hours: 1, command: 'true'}\n";
    Folder::with_config(CONFIG).file("other.yml", other)
}

#[test]
fn the_names_of_jobs_are_told_to_shells() {
    let names = "t.report\nt.report of $HOME\nbackup\n";
    folder().sched("__jobs").exits(0).says(names).complains("");
    let other = folder().sched("__jobs --config other.yml").exits(0);
    other.says("other\n").complains("");
}

#[test]
fn nothing_is_said_where_anything_is_wrong() {
    let folder = Folder::with_config("scheduler: [");
    for line in [
        "__jobs",
        "__jobs -c none.yml",
        "__jobs -c -",
        "__jobs --what",
    ] {
        folder.sched(line).exits(0).says("").complains("");
    }
    Folder::new()
        .sched("__jobs")
        .exits(0)
        .says("")
        .complains("");
}

#[test]
fn bash_offers_the_rest_of_a_name_that_has_a_colon() {
    let folder = Folder::with_config(
        "scheduler:\n  'a:one': {type: interval, hours: 1, command: 'true'}\n  \
         'a:two b:c': {type: interval, hours: 1, command: 'true'}\n",
    );
    // Bash parts the words like this.
    for (words, expected) in [
        (&["next", "a"][..], &["a:one", r"a:two\ b:c"][..]),
        (&["next", "a", ":"], &["one", r"two\ b:c"]),
        (&["next", "a", ":", "o"], &["one"]),
        (&["next", "a", ":", r"two\ b", ":"], &["c"]),
        (&["next", "a", ":", "one", "a", ":", "t"], &[r"two\ b:c"]),
        (
            &["history", "--since", "10", ":", "00", "a"],
            &["a:one", r"a:two\ b:c"],
        ),
    ] {
        assert_eq!(offered(&folder, words), expected, "{words:?}");
    }
}

#[test]
fn bash_finds_the_config_however_it_is_named() {
    let folder = folder().file(
        "my jobs.yml",
        "scheduler:\n  mine: {type: interval, hours: 1, command: 'true'}\n",
    );
    for (words, expected) in [
        (&["-c", r"my\ jobs.yml", "next", ""][..], "mine"),
        (&["-c", "'my jobs.yml'", "next", ""], "mine"),
        (&["--config", "=", "\"my jobs.yml\"", "next", ""], "mine"),
        (&["next", "-cother.yml", ""], "other"),
        (&["next", "-vc", "other.yml", ""], "other"),
        (&["next", "-n5", "-qcother.yml", ""], "other"),
        (&["next", "-vn", "5", "-c", "other.yml", ""], "other"),
    ] {
        assert_eq!(offered(&folder, words), [expected], "{words:?}");
    }
}

#[test]
fn bash_writes_a_name_as_it_is_where_a_quote_is_open() {
    let folder = folder();
    let of = |word: &str, rest: &str| {
        let offered = offered_for(&folder, &["next", word], rest);
        let names = offered.into_iter().filter(|name| !name.is_empty());
        names.collect::<Vec<_>>()
    };
    assert_eq!(of("'t.report o", "t.report o"), ["t.report of $HOME"]);
    assert_eq!(of("'", ""), ["t.report", "t.report of $HOME", "backup"]);
    // There a dollar would be read as one.
    assert_eq!(of("\"t", "t"), ["t.report"]);
}

/// What bash offers for the last of the words.
fn offered(folder: &Folder, words: &[&str]) -> Vec<String> {
    offered_for(folder, words, words.last().unwrap())
}

/// The same where what is to be completed is a part of that word, such as that behind a quote.
fn offered_for(folder: &Folder, words: &[&str], rest: &str) -> Vec<String> {
    let script = r#"
        source "$COMPLETION"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _sched_jobs "$1" "$REST" "${@: -2:1}" 2>/dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let sched = env!("CARGO_BIN_EXE_sched");
    let completion = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/sched.bash");
    let output = Command::new("bash")
        .args(["-c", script, "bash", sched])
        .args(words)
        .env("COMPLETION", completion)
        .env("REST", rest)
        .env_remove("SCHED_CONFIG")
        .current_dir(folder.root())
        .output();
    let answer = Answer::from(output.unwrap()).exits(0).complains("");
    answer.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_jobs_where_one_can_be_named() {
    let folder = folder();
    let all = ["t.report", r"t.report\ of\ \$HOME", "backup"];
    for command in ["next", "run-once", "show", "history"] {
        assert_eq!(offered(&folder, &[command, ""]), all);
        assert_eq!(offered(&folder, &[command, "b"]), ["backup"]);
    }
    assert_eq!(
        offered(&folder, &["-c", "other.yml", "show", ""]),
        ["other"]
    );
    let words = ["show", "--config", "=", "other.yml", ""];
    assert_eq!(offered(&folder, &words), ["other"]);
    assert_eq!(
        offered(&folder, &["next", "backup", r"t.report\ "]),
        all[1..2]
    );
    // A value, a flag, an argument of a job and another command are no jobs.
    assert_eq!(
        offered(&folder, &["next", "--format", ""]),
        ["text", "json"]
    );
    assert_eq!(offered(&folder, &["next", "--cou"]), ["--count"]);
    for words in [&["run-once", "backup", ""][..], &["validate", ""]] {
        let offered = offered(&folder, words);
        assert!(!offered.contains(&"backup".to_owned()), "{offered:?}");
    }
}
