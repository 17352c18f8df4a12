//! What `sched watch` tells on its streams and in `scheduler.log`: for people, programs, a journal.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::folder::{Folder, run};
use crate::watch::{TICK, Watch, config_of};

/// A job that fails each second, with more words than are shown.
const FAIL: &str = "  fail:
    type: interval
    seconds: 1
    command: 'seq 1 7 >&2; test -e mended || exit $(cat code)'
";

fn folder(jobs: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yml"), config_of(jobs)).unwrap();
    std::fs::write(folder.path().join("code"), "3").unwrap();
    folder
}

#[test]
fn the_same_failure_is_shown_in_full_once() {
    let mut watch = Watch::start_in(folder(FAIL), &[]);
    let first = watch.expect("FAILED");
    assert!(first.contains("exit code 3 after "), "{first}");
    for line in ["| 3", "| 4", "| 5", "| 6", "| 7"] {
        assert_eq!(watch.line().trim_start(), line);
    }
    let second = watch.expect("FAILED");
    assert!(second.contains(" fail "), "{second}");
    assert!(second.contains("(same error, 2nd time since "), "{second}");
    watch.expect("(same error, 3rd time since ");
    std::fs::write(watch.path("code"), "4").unwrap();
    watch.expect("exit code 4 after ");
    watch.expect("(same error, 2nd time since ");
    std::fs::write(watch.path("mended"), "").unwrap();
    watch.expect(" ok     fail");
    std::fs::remove_file(watch.path("mended")).unwrap();
    watch.expect("exit code 4 after ");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let log = watch.log();
    assert!(log.matches("'fail' failed: exit code 3 after ").count() >= 3);
    assert!(!log.contains("same error"), "the file has all of it");
}

#[test]
fn programs_get_nothing_but_objects() {
    let jobs = "  talk:\n    type: interval\n    seconds: 1\n    \
                command: 'printf \"out\\n\"; printf \"err\" >&2; exit 1'\n";
    let mut watch = Watch::start_in(folder(jobs), &["--log-format", "json"]);
    let printed = watch.expect("\"event\":\"output\"");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let (stdout, mut stderr) = watch.all();
    stderr.push(printed);
    let objects = |lines: &[String]| -> Vec<Value> {
        let read = lines.iter().map(|line| serde_json::from_str(line));
        read.collect::<Result<_, _>>().unwrap()
    };
    for (stream, text, lines) in [("stdout", "out", stdout), ("stderr", "err", stderr)] {
        let objects = objects(&lines);
        let output = objects.iter().find(|one| one["event"] == "output").unwrap();
        assert_eq!(output["stream"], stream);
        assert_eq!(output["job"], "talk");
        assert_eq!(output["message"], text);
        assert_eq!(output["run_id"].as_str().unwrap().len(), 26);
        assert!(output["time"].as_str().unwrap().contains('T'));
    }
}

#[test]
fn why_there_is_no_start_has_the_time_of_the_machine() {
    let folder = Folder::with_config("");
    let mut command = folder.command();
    command.env("TZ", "Asia/Kolkata");
    command.args(["watch", "--log-format", "json", "-c", "nowhere.yml"]);
    let told = run(&mut command).exits(2).stderr;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["time"].as_str().unwrap().ends_with("+05:30"), "{told}");
}

#[test]
fn programs_are_told_why_there_is_no_start() {
    let start = |config: &str, arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.yml"), config).unwrap();
        let arguments = [&["--log-format", "json"], arguments].concat();
        let mut watch = Watch::start_in(folder, &arguments);
        let line = watch.line();
        assert!(line.contains("start_refused"), "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        (
            watch.end().code(),
            line["message"].as_str().unwrap().to_owned(),
        )
    };
    let (code, why) = start("scheduler: [", &[]);
    assert_eq!(code, Some(1));
    assert!(why.starts_with("config.yml:1:"), "{why}");
    let (code, why) = start(&config_of("  a.b:\n    type: corn\n"), &["--strict"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("unknown trigger type `corn`"), "{why}");
    let (code, why) = start("", &["--config", "nowhere.yml"]);
    assert_eq!(code, Some(2));
    assert!(why.starts_with("cannot read nowhere.yml: "), "{why}");
}

#[test]
fn a_journal_gets_priorities_and_no_times() {
    let folder = folder(&format!("{TICK}{FAIL}"));
    let path = folder.path().join("journal");
    let journal = File::create(&path).unwrap();
    let found = journal.metadata().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sched"))
        .arg("watch")
        .current_dir(folder.path())
        .env("SCHED_STATE_DIR", folder.path().join("state"))
        .env("SCHED_LOG_DIR", folder.path().join("log"))
        .env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino()))
        .stdout(Stdio::null())
        .stderr(journal)
        .spawn()
        .unwrap();
    let text = || std::fs::read_to_string(&path).unwrap();
    let is_told = |text: &str| text.contains("<3>FAILED  fail") && text.contains("<6>ok      tick");
    for _ in 0..3_000 {
        if is_told(&text()) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = text();
    assert!(is_told(&text), "{text}");
    assert!(text.contains("<6>start   tick\n"), "{text}");
    assert!(text.contains("\n<3>  | 7\n"), "{text}");
}

#[test]
fn the_log_goes_where_the_config_says_also_after_a_reload() {
    let config = |folder: &str| config_of(&format!("  log directory: {folder}\n{TICK}"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yml"), config("one")).unwrap();
    let mut sched = Command::new(env!("CARGO_BIN_EXE_sched"));
    sched.env_remove("SCHED_LOG_DIR");
    let mut watch = Watch::start_by(sched, folder, &[]);
    watch.expect(" ok     tick");
    watch.rewrite(&config("two"));
    watch.expect("config.yml: ~ log directory   = 1 unchanged");
    watch.expect(" ok     tick");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let log = |folder| std::fs::read_to_string(watch.path(folder).join("scheduler.log")).unwrap();
    let end = "Scheduler has been shut down";
    assert!(log("one").contains("'tick' succeeded") && !log("one").contains(end));
    assert!(log("two").contains("'tick' succeeded") && log("two").contains(end));
}

#[test]
fn jobs_go_on_without_a_log_and_it_goes_on_when_it_can() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    let log = watch.path("state/log");
    std::fs::rename(&log, watch.path("away")).unwrap();
    std::fs::write(&log, "in the way").unwrap();
    watch.expect("warning: cannot write ");
    for _ in 0..2 {
        let line = watch.expect("tick");
        assert!(!line.contains("cannot write"), "said once");
        watch.expect(" ok     tick");
    }
    std::fs::remove_file(&log).unwrap();
    watch.expect("scheduler.log can be written again");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert!(watch.log().contains("Scheduler has been shut down"));
}

#[test]
fn a_hundred_thousand_lines_are_all_there_in_their_order() {
    let tasks = "from docassemble.Scheduler.scheduler_logger import log\n\n\
                 def storm():\n    for n in range(100_000):\n        log(f'line {n}')\n";
    let jobs = "  docassemble context: off\n  t.storm:\n    type: interval\n    hours: 1\n    \
                run_at_start: true\n";
    let folder = folder(jobs);
    std::fs::create_dir(folder.path().join("tasks")).unwrap();
    std::fs::write(folder.path().join("tasks/t.py"), tasks).unwrap();
    let mut watch = Watch::start_in(folder, &["--quiet"]);
    // Reloads of the level lose none either.
    for level in ["info", "debug", "info"] {
        let config = std::fs::read_to_string(watch.path("config.yml")).unwrap();
        let lines = config.lines().map(|line| {
            if line.contains("log level:") {
                format!("  log level: {level}\n")
            } else {
                format!("{line}\n")
            }
        });
        watch.rewrite(&lines.collect::<String>());
        thread::sleep(Duration::from_millis(200));
    }
    for _ in 0..240 {
        if watch.log().contains("line 99999\n") {
            break;
        }
        thread::sleep(Duration::from_millis(500));
    }
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let log = watch.log();
    let place = " INFO t.py->storm(5) line ";
    let lines = log.lines().filter_map(|line| line.split_once(place));
    let numbers: Vec<usize> = lines.map(|(_, number)| number.parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..100_000), "{}", numbers.len());
}
