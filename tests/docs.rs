//! The examples of the README and the guides, run as they stand there.
//!
//! A block marked `console` is a list of commands after `$ `, each followed by what it prints.
//! What depends on the moment and the machine may differ: relative times, durations. A guide's
//! examples run in a folder of their own, with the files that it shows: a block after a line such
//! as "`config.yml`:" is the text of that file.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// One command of a block, and what the README says it prints.
struct Example {
    command: String,
    output: String,
}

#[test]
fn the_examples_of_the_readme_print_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    holds("README.md", root);
}

#[test]
fn the_examples_of_the_guides_print_what_they_say() {
    for guide in ["docs/docassemble.md", "docs/cron.md", "docs/containers.md"] {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files(&read(guide)) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        holds(guide, folder.path());
    }
}

/// Runs the examples of a document in `folder`.
fn holds(document: &str, folder: &Path) {
    let state = tempfile::tempdir().unwrap();
    let text = read(document);
    let examples: Vec<Example> = blocks(&text).flat_map(examples).collect();
    assert!(examples.len() >= 3, "{document} has examples");
    for example in &examples {
        let output = run(&example.command, folder, state.path());
        for text in [&output, &example.output] {
            let never = lengths(text).find(|(number, unit)| !is_written(number, unit));
            assert_eq!(never, None, "{document}: `sched` writes no such time");
        }
        assert_eq!(
            steady(&output),
            steady(&example.output),
            "{document}: `{}` printed:\n{output}",
            example.command
        );
    }
}

fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// The files that a guide shows, and their texts.
fn files(guide: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    for (before, rest) in guide
        .match_indices("`:\n\n```")
        .map(|(at, _)| guide.split_at(at))
    {
        let (_, name) = before.rsplit_once('`').expect("a name is quoted");
        let (_, text) = rest[5..].split_once('\n').expect("a block has lines");
        let (text, _) = text.split_once("\n```").expect("a block has an end");
        files.push((name, text));
    }
    assert!(!files.is_empty(), "the guide shows a file");
    files
}

/// The texts of the blocks marked `console`.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("```console\n").skip(1).map(|rest| {
        let (block, _) = rest.split_once("\n```").expect("a block has an end");
        block
    })
}

/// The commands of a block that this program is to run, in their order.
fn examples(block: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            examples.push(Example {
                command: command.to_owned(),
                output: String::new(),
            });
        } else {
            let last = examples.last_mut().expect("output follows a command");
            last.output.push_str(line);
            last.output.push('\n');
        }
    }
    examples
}

/// What the command prints, stderr after stdout.
fn run(command: &str, root: &Path, state: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_sched"))
        .parent()
        .expect("a program lies in a folder");
    let path = std::env::var("PATH").expect("PATH is set");
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(root)
        .env("PATH", format!("{}:{path}", program.display()))
        .env("TZ", "America/New_York")
        .env("XDG_STATE_HOME", state)
        .env("SCHED_LOG_DIR", state.join("sched/log"))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "120")
        .output()
        .expect("there is a shell");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The measures of time in a text, such as `50 ms`.
fn lengths(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = text.split_whitespace().zip(text.split_whitespace().skip(1));
    pairs.filter(|(number, unit)| number.parse::<f64>().is_ok() && ["ms", "s"].contains(unit))
}

/// Whether `sched` ever writes a time like that, however fast the machine is.
fn is_written(number: &str, unit: &str) -> bool {
    let value: f64 = number.parse().unwrap();
    let decimals = number.split_once('.').map_or(0, |(_, digits)| digits.len());
    match (unit, decimals) {
        ("ms", 1) => value <= 10.0,
        ("ms", 0) => (10.0..=100.0).contains(&value),
        ("s", 2) => (0.1..=10.0).contains(&value),
        ("s", 1) => (10.0..=60.0).contains(&value),
        ("s", 0) => value < 60.0,
        _ => false,
    }
}

#[test]
fn a_time_that_is_never_written_is_found() {
    let found = |text: &str| lengths(text).all(|(number, unit)| is_written(number, unit));
    for text in [
        "ok a in 50 ms",
        "ok a in 0.12 s",
        "3.4 ms 12.1 s",
        "in 5 s",
        "2 jobs",
    ] {
        assert!(found(text), "{text}");
    }
    for text in ["ok a in 0.05 s", "ok a in 5 ms", "250 ms", "12.34 s"] {
        assert!(!found(text), "{text}");
    }
}

/// The text without what differs from moment to moment and from machine to machine, and with
/// single spaces.
fn steady(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut words: Vec<&str> = Vec::new();
        for word in line.split_whitespace() {
            // The unit of a measure is as variable as the measure.
            let is_unit = words.last() == Some(&"…") && ["ms", "s"].contains(&word);
            let word = if is_measure(word) || is_unit {
                "…"
            } else {
                word
            };
            // Whether that is `in 6d` or `6d ago` depends on the day.
            if word == "…" && words.last() == Some(&"in") {
                words.pop();
            }
            let is_said = words.last() == Some(&"…") && ["…", "ago"].contains(&word);
            if !is_said {
                words.push(word);
            }
        }
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// A relative time such as `6d`, a number such as `0.07` or `41` that stands by itself, a time of
/// day, the name of a run.
fn is_measure(word: &str) -> bool {
    let number = word.trim_end_matches(['d', 'h', 'm', 's', ',']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = number.split('.').count() == 2 && number.parse::<f64>().is_ok();
    let is_time = word.split(':').count() == 3 && word.split(':').all(digits);
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_run = word.len() >= 8 && word.starts_with("01") && word.bytes().all(is_capital);
    digits(number) || is_decimal || is_time || is_run
}
