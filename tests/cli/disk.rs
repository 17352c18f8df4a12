//! A disk that takes nothing more: jobs go on, and what was not written down is, once it can be.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chrono::DateTime;
use nix::sys::signal::Signal;
use rusqlite::Connection;
use serde_json::Value;

use crate::watch::{SLEEP, TICK, Watch, config_of};

/// No more than this is lost of what was done meanwhile.
const ALL_WRITTEN: &str = " can be written again; nothing is lost";
const TROUBLE: &str = "runs cannot be recorded, jobs go on: ";

/// Whether a command that the test needs does its work here; where not, that is told.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let quiet = command.args(arguments);
    let quiet = quiet.stdout(Stdio::null()).stderr(Stdio::null());
    let works = quiet.status().is_ok_and(|status| status.success());
    if !works {
        eprintln!(
            "skipped: `{program} {}` does not work here",
            arguments.join(" ")
        );
    }
    works
}

/// Every second has its record.
fn has_no_gap(runs: &[Value]) -> bool {
    let times = runs.iter().map(|run| {
        let at = run["scheduled_for"].as_str().unwrap();
        DateTime::parse_from_rfc3339(at).unwrap().timestamp()
    });
    let times: Vec<i64> = times.collect();
    assert!(times.len() > 4, "{times:?}");
    times.windows(2).all(|pair| pair[0] == pair[1] + 1)
}

#[test]
fn files_that_may_not_grow_stop_no_job() {
    if !works("prlimit", &["--version"]) {
        return;
    }
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    let pid = watch.child.id().to_string();
    let limit = |limit: &str| works("prlimit", &["--pid", &pid, &format!("--fsize={limit}:")]);
    assert!(limit("1"));
    watch.expect(TROUBLE);
    for _ in 0..3 {
        watch.expect(" ok     tick");
    }
    assert!(limit("unlimited"));
    watch.expect(ALL_WRITTEN);
    watch.expect(" ok     tick");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let runs = watch.sched("history tick -n 999 --format json").exits(0);
    assert!(has_no_gap(&runs.json()), "{}", runs.stdout);
}

#[test]
fn output_that_a_file_does_not_take_is_told_there_and_in_the_log() {
    if !works("prlimit", &["--version"]) {
        return;
    }
    let talk = "  talk: {type: interval, seconds: 1, command: [echo, hello]}\n";
    let folder = tempfile::tempdir().unwrap();
    let config = config_of(&format!("  log directory: log\n{talk}"));
    fs::write(folder.path().join("config.yml"), config).unwrap();
    let mut command = Command::new("sh");
    let redirected = "exec \"$0\" \"$@\" >out";
    command
        .args(["-c", redirected, env!("CARGO_BIN_EXE_sched")])
        .env_remove("SCHED_LOG_DIR");
    let mut watch = Watch::start_by(command, folder, &[]);
    watch.expect(" ok     talk");
    let pid = watch.child.id().to_string();
    let limit = |limit: &str| works("prlimit", &["--pid", &pid, &format!("--fsize={limit}:")]);
    assert!(limit("3"));
    let told = watch.expect("cannot write stdout: ");
    let in_log = || {
        let log = fs::read_to_string(watch.path("log/scheduler.log")).unwrap_or_default();
        log.contains("stdout can be written again; ")
    };
    assert!(told.contains("is lost until there is room"), "{told}");
    watch.expect(" ok     talk");
    assert!(limit("unlimited"));
    watch.expect("stdout can be written again; ");
    crate::killed::eventually(in_log);
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let out = fs::read_to_string(watch.path("out")).unwrap();
    let is_note = |line: &&str| {
        line.starts_with("sched | ") && line.ends_with(" dropped: there was no room to write it")
    };
    assert_eq!(out.lines().filter(is_note).count(), 1, "{out}");
    assert!(
        out.lines()
            .all(|line| line == "talk | hello" || is_note(&line)),
        "{out}"
    );
}

/// A file system of two megabytes, which only the program sees, for its state.
const SMALL_DISK: &str = "mount -t tmpfs -o size=2m,mode=700 none state && exec \"$0\" \"$@\"";

/// Fills that disk while there is a file `full`, and copies the history while there is `look`.
const KEEPER: &str = "  keeper:
    type: interval
    seconds: 1
    command: if test -e full; then cat /dev/zero >> state/filling; else rm -f state/filling; fi;
      if test -e look; then \"$SCHED\" history tick -n 999 --format json > seen.new;
      mv seen.new seen; fi; true
";

#[test]
fn a_full_disk_stops_no_job_and_is_told_once() {
    let mount = "mount -t tmpfs -o size=64k none /mnt";
    if !works("unshare", &["-rm", "sh", "-c", mount]) {
        return;
    }
    let sched = env!("CARGO_BIN_EXE_sched");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    let config = config_of(&format!("  log directory: log\n{TICK}{KEEPER}"));
    fs::write(folder.path().join("config.yml"), config).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", SMALL_DISK, sched])
        .env("SCHED", sched)
        .env_remove("SCHED_LOG_DIR");
    let mut watch = Watch::start_by(command, folder, &[]);
    watch.expect(" ok     tick");
    fs::write(watch.path("full"), "").unwrap();
    watch.expect(TROUBLE);
    for _ in 0..3 {
        watch.expect(" ok     tick");
    }
    fs::remove_file(watch.path("full")).unwrap();
    watch.expect(ALL_WRITTEN);
    fs::write(watch.path("look"), "").unwrap();
    crate::killed::eventually(|| watch.path("seen").exists());
    let seen = fs::read_to_string(watch.path("seen")).unwrap();
    let runs = seen.lines().map(|line| serde_json::from_str(line).unwrap());
    assert!(has_no_gap(&runs.collect::<Vec<Value>>()), "{seen}");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let log = fs::read_to_string(watch.path("log/scheduler.log")).unwrap();
    assert_eq!(log.matches(TROUBLE).count(), 1, "{log}");
}

#[test]
fn a_start_while_another_process_keeps_the_history_for_itself_forgets_nothing() {
    let mut watch = Watch::start(&format!("{TICK}{SLEEP}"), &[]);
    watch.expect(" start  sleep");
    watch.expect(" ok     tick");
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    let mut files = fs::read_dir(watch.path("state")).unwrap();
    let is_database = |path: &PathBuf| path.extension().is_some_and(|end| end == "db");
    let database = files.find_map(|file| Some(file.unwrap().path()).filter(is_database));
    let other = Connection::open(database.unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut watch = watch.anew();
    watch.expect("database is locked");
    let missed = watch.expect(" missed while sched was down ");
    assert!(missed.contains("tick ("), "{missed}");
    watch.expect(" ok     tick");
    other.execute_batch("ROLLBACK").unwrap();
    watch.expect("sched died while it ran; recorded as interrupted");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let runs = watch
        .sched("history sleep -n 999 --format json")
        .exits(0)
        .json();
    assert_eq!(runs.last().unwrap()["outcome"], "interrupted");
    // Nobody waited for the history, so no fire of the job that is quick met a run of its own.
    let ticks = watch.sched("history tick -n 999 --format json").exits(0);
    assert!(
        ticks.json().iter().all(|run| run["outcome"] != "skipped"),
        "{}",
        ticks.stdout
    );
}
