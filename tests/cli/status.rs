//! `sched status`, with and without a watcher.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::folder::{Folder, run};
use crate::killed::eventually;
use crate::watch::{SLEEP, TICK, Watch, config_of};

#[test]
fn without_a_watcher_the_jobs_are_told_all_the_same() {
    let folder = Folder::with_config(
        "scheduler:\n  bad: {type: cron, hour: 4, command: exit 7}\n  rest: {type: cron, hour: 4, \
         command: 'true', enabled: false}\n",
    );
    folder.sched("run-once -q bad").exits(1);
    folder.sched("run-once -q bad").exits(1);
    let answer = folder.sched("status").exits(0);
    let lines: Vec<&str> = answer.stdout.lines().collect();
    assert!(
        lines[0].starts_with("○ config.yml is not watched"),
        "{}",
        answer.stdout
    );
    assert!(
        lines[2].starts_with("  bad   FAILED 7  "),
        "{}",
        answer.stdout
    );
    assert!(lines[2].contains("  2 times in a row"), "{}", answer.stdout);
    assert!(lines[3].starts_with("  rest  -  "), "{}", answer.stdout);
    assert!(lines[3].contains("  disabled  "), "{}", answer.stdout);
    assert_eq!(lines[4], "1 job failing; see `sched history --failed`");
    let answer = folder.sched("status --format json").exits(0);
    let [status] = &answer.json()[..] else {
        panic!("{}", answer.stdout)
    };
    assert_eq!(status["watching"], false);
    assert_eq!(status["pid"], serde_json::Value::Null);
    assert_eq!(status["jobs"][0]["streak"], 2);
    assert_eq!(status["jobs"][0]["last"]["outcome"], "failure");
    assert_eq!(status["jobs"][0]["running"], serde_json::json!([]));
    assert_eq!(status["jobs"][1]["next"], serde_json::Value::Null);
    folder
        .sched("status --check")
        .exits(1)
        .says("sched is not running\n");
    folder
        .sched("status --check --jobs")
        .exits(1)
        .says("sched is not running\nbad: FAILED 7, 2 times in a row\n");
    folder.sched("status --jobs").exits(2);
}

#[test]
fn a_failing_job_is_told_with_when_it_last_went_well() {
    let folder =
        Folder::with_config("scheduler:\n  flaky: {type: cron, hour: 4, command: test -e good}\n")
            .file("good", "");
    folder.sched("run-once -q flaky").exits(0);
    std::fs::remove_file(folder.path("good")).unwrap();
    folder.sched("run-once -q flaky").exits(1);
    let once = folder.sched("status").exits(0).stdout;
    assert!(once.contains("  last ok "), "{once}");
    folder.sched("run-once -q flaky").exits(1);
    let twice = folder.sched("status").exits(0).stdout;
    assert!(twice.contains("  2 times in a row, last ok "), "{twice}");
}

#[test]
fn a_fire_that_was_missed_mends_no_failing_job() {
    let job = "  bad: {type: interval, seconds: 3, command: exit 7}\n";
    let mut watch = Watch::start(job, &[]);
    watch.expect("FAILED");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    std::thread::sleep(std::time::Duration::from_millis(3_500));
    let mut watch = watch.anew();
    watch.expect("missed while sched was down");
    let check = watch.sched("status --check --jobs").exits(1);
    assert!(check.stdout.contains("\nbad: FAILED 7"), "{}", check.stdout);
    let status = watch.sched("status --format json").exits(0).json();
    let (last, streak) = (
        &status[0]["jobs"][0]["last"],
        &status[0]["jobs"][0]["streak"],
    );
    assert_eq!(*streak == 0, last["outcome"] == "missed", "{status:?}");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn a_fault_of_the_config_is_a_part_of_the_answer() {
    let folder = Folder::with_config(
        "scheduler:\n  fine: {type: cron, hour: 4, command: 'true'}\n  bad: {type: corn}\n",
    );
    let answer = folder.sched("status").exits(0).complains("");
    let second = answer.stdout.lines().nth(1).unwrap();
    assert!(second.starts_with("  ! config.yml has "), "{second}");
    assert!(
        second.ends_with(" now (bad, line 3): `sched validate`"),
        "{second}"
    );
    let json = folder.sched("status --format json").exits(0);
    assert!(
        json.stderr.starts_with("warning: config.yml has "),
        "{}",
        json.stderr
    );
    assert_eq!(json.json()[0]["jobs"][1]["job"], "bad");
}

/// A job that fails each second.
const FAILING: &str = "  bad: {type: interval, seconds: 1, command: exit 3}\n";

#[test]
fn a_job_that_fails_in_its_earlier_form_is_not_lost_to_a_bad_save() {
    let watch = Watch::start(FAILING, &[]);
    watch.expect(" FAILED bad");
    watch.rewrite(&config_of(&FAILING.replace("seconds: 1", "seconds: 1x")));
    watch.expect("! bad (faulty, keeps its earlier form)");
    let status = watch.sched("status").exits(0).stdout;
    let lines: Vec<&str> = status.lines().collect();
    assert!(lines[0].starts_with("● watching "), "{status}");
    assert!(lines[1].starts_with("  ! config.yml has "), "{status}");
    assert!(lines[3].starts_with("  bad  FAILED 3  "), "{status}");
    assert!(lines[3].ends_with("  faulty"), "{status}");
    let check = watch.sched("status --check --jobs").exits(1).stdout;
    assert!(check.contains("\nbad: FAILED 3"), "{check}");
    let json = watch.sched("status --check --jobs --format json").exits(1);
    let [check] = &json.json()[..] else {
        panic!("{}", json.stdout)
    };
    let pid = watch.child.id();
    let expected = serde_json::json!({"alive": true, "pid": pid, "failing": ["bad"]});
    assert_eq!(*check, expected);
}

#[test]
fn a_watcher_is_told_of_also_where_its_config_is_broken_or_gone() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    std::fs::write(watch.path("config.yml"), "scheduler:\n\ttick: {}\n").unwrap();
    watch.expect("the config that was read before stays in force");
    let told = |trouble: &str| {
        let status = watch.sched("-c config.yml status").exits(0).stdout;
        let lines: Vec<&str> = status.lines().collect();
        assert!(lines[0].starts_with("● watching config.yml "), "{status}");
        assert!(lines[1].starts_with(trouble), "{status}");
        assert!(lines[3].starts_with("  tick  ok  "), "{status}");
        assert!(lines[3].ends_with("  unknown"), "{status}");
        watch.sched("-c config.yml status --check --jobs").exits(0);
        let json = watch
            .sched("-c config.yml status --format json")
            .exits(0)
            .json();
        assert_eq!(json[0]["jobs"][0]["last"]["outcome"], "success");
    };
    told("  ! config.yml has 1 error now (line 2): `");
    std::fs::remove_file(watch.path("config.yml")).unwrap();
    told("  ! cannot read config.yml: no such file");
    let runs = watch
        .sched("-c config.yml history -n 1 --format json")
        .exits(0);
    assert_eq!(runs.json()[0]["job"], "tick");
    assert!(
        runs.stderr.contains("warning: cannot read config.yml"),
        "{}",
        runs.stderr
    );
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let status = watch.sched("-c config.yml status").exits(0).stdout;
    assert!(
        status.starts_with("○ config.yml is not watched (last "),
        "{status}"
    );
}

#[test]
fn a_file_that_is_not_there_and_never_was_watched_is_an_error() {
    let folder = Folder::new();
    for command in ["status", "history"] {
        let answer = folder
            .sched(&format!("-c confg.yml {command}"))
            .exits(2)
            .says("");
        let expected = "error: cannot read confg.yml: no such file\n";
        assert_eq!(answer.stderr, expected, "{command}");
    }
    let check = folder
        .sched("-c confg.yml status --check --format json")
        .exits(1);
    check.says("{\"alive\":false,\"pid\":null}\n");
    let empty = Folder::with_config("scheduler: {}\n")
        .sched("status")
        .exits(0);
    assert!(empty.stdout.ends_with("\n  no jobs\n"), "{}", empty.stdout);
}

#[test]
fn who_watched_last_and_why_it_ended_is_told() {
    for (signal, word) in [
        (Some(Signal::SIGTERM), "SIGTERM"),
        (Some(Signal::SIGINT), "SIGINT"),
        (None, "ended without a word"),
    ] {
        let mut watch = Watch::start(TICK, &[]);
        watch.expect(" ok     tick");
        if let Some(signal) = signal {
            watch.signal(signal);
            assert!(watch.end().success());
        } else {
            watch.child.kill().unwrap();
            watch.child.wait().unwrap();
        }
        eventually(|| {
            let answer = watch.sched("status").exits(0).stdout;
            let head = answer.lines().next().unwrap();
            head.starts_with("○ config.yml is not watched (last watched ") && head.contains(word)
        });
    }
}

#[test]
fn a_watcher_answers_as_long_as_its_loop_goes_round() {
    let mut watch = Watch::start(&format!("{TICK}{SLEEP}"), &["--grace", "0"]);
    watch.expect(" start  sleep");
    watch.expect(" ok     tick");
    let pid = watch.child.id();
    let alive = format!("sched is alive (pid {pid})\n");
    watch.sched("status --check").exits(0).says(&alive);
    let status = watch
        .sched("status --format json")
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(
        (&status["watching"], &status["pid"]),
        (&true.into(), &pid.into())
    );
    assert_eq!(status["jobs"][0]["last"]["outcome"], "success");
    assert_eq!(
        status["jobs"][1]["running"][0]["outcome"],
        serde_json::Value::Null
    );
    let answer = watch.sched("status").exits(0);
    assert!(
        answer.stdout.contains("\n  sleep  running  "),
        "{}",
        answer.stdout
    );
    let running = watch.sched("history --running --format json").exits(0);
    assert_eq!(running.json().len(), 1, "{}", running.stdout);
    assert_eq!(running.json()[0]["job"], "sleep");
    watch.signal(Signal::SIGSTOP);
    let deaf = format!("sched (pid {pid}) does not answer\n");
    watch.sched("status --check").exits(1).says(&deaf);
    watch.signal(Signal::SIGCONT);
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    watch
        .sched("status --check")
        .exits(1)
        .says("sched is not running\n");
}

#[test]
fn what_a_killed_watcher_left_is_not_taken_for_running() {
    let mut watch = Watch::start(SLEEP, &[]);
    watch.expect(" start  sleep");
    let next = watch.sched("next -q -n 1 --format json").json().remove(0);
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    // A child that was just being started holds the lock until it becomes its program.
    let deadline = 3_000;
    for turn in 0..=deadline {
        let answer = watch.sched("status").exits(0);
        if answer.stdout.contains("\n  sleep  interrupted  ") {
            break;
        }
        assert!(turn < deadline, "{}", answer.stdout);
        thread::sleep(Duration::from_millis(10));
    }
    watch.sched("history --running").exits(0).says("no runs\n");
    let runs = watch.sched("history --format json").exits(0).json();
    let first = runs.last().unwrap();
    assert_eq!(first["outcome"], "interrupted");
    assert_eq!(first["finished"], serde_json::Value::Null);
    assert!(next["fires"][0].is_string());
    let watch = watch.again();
    watch.expect("sched died while it ran; recorded as interrupted");
}

#[test]
fn a_state_folder_that_is_emptied_is_begun_anew() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    fs::remove_dir_all(watch.path("state")).unwrap();
    let told = [(); 2].map(|()| watch.expect(" was taken away; "));
    for word in ["it is begun anew", "a new one is begun"] {
        assert!(told.iter().any(|line| line.ends_with(word)), "{told:?}");
    }
    watch.expect(" ok     tick");
    let pid = watch.child.id();
    let second = watch.sched("watch").exits(2);
    let refused = format!("already watched by process {pid} ");
    assert!(second.stderr.contains(&refused), "{}", second.stderr);
    watch.sched("status --check").exits(0);
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let runs = watch.sched("history --format json").exits(0).json();
    assert!(!runs.is_empty());
    assert!(
        runs.iter().all(|run| run["outcome"] == "success"),
        "{runs:?}"
    );
    watch.anew().expect(" ok     tick");
}

#[test]
fn a_watcher_whose_place_another_one_has_taken_stops_and_leaves_it_the_socket() {
    let slow = TICK.replace("seconds: 1", "seconds: 5");
    let mut first = Watch::start(&slow, &[]);
    first.expect(" ok     tick");
    fs::remove_dir_all(first.path("state")).unwrap();
    let sched = env!("CARGO_BIN_EXE_sched");
    let mut second = std::process::Command::new(sched)
        .args(["watch", "-q"])
        .current_dir(first.path(""))
        .env("SCHED_STATE_DIR", first.path("state"))
        .env("SCHED_LOG_DIR", first.path("state/log"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = second.id();
    first.expect(&format!("is already watched by process {pid} "));
    assert!(first.end().success());
    let alive = format!("sched is alive (pid {pid})\n");
    first.sched("status --check").exits(0).says(&alive);
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn a_config_that_is_away_for_a_moment_hides_no_watcher() {
    let watch = Watch::start(TICK, &[]);
    watch.expect(" ok      tick");
    fs::rename(watch.path("config.yml"), watch.path("away.yml")).unwrap();
    let pid = watch.child.id();
    watch
        .sched("status --check")
        .exits(0)
        .says(&format!("sched is alive (pid {pid})\n"));
    let status = watch.sched("status").exits(0).stdout;
    assert!(
        status.starts_with("● watching config.yml since "),
        "{status}"
    );
    let history = watch.sched("history -n 1").exits(0);
    assert!(history.stdout.contains("  tick  ok "), "{}", history.stdout);
    let missing = "warning: cannot read config.yml: no such file\n";
    assert_eq!(history.stderr, missing);
    let elsewhere = watch.sched("status --state-dir elsewhere").exits(2);
    assert!(elsewhere.stderr.starts_with("error: no config.yml here "));
}

#[test]
fn a_fire_time_in_another_zone_says_so() {
    let folder = Folder::with_config(
        "scheduler:\n  home: {type: cron, hour: 9, command: 'true'}\n  tokyo: {type: cron, hour: 9, \
         command: 'true', timezone: Asia/Tokyo}\n",
    );
    let status = folder.sched("status").exits(0).stdout;
    let lines: Vec<&str> = status.lines().collect();
    assert!(
        lines[0].ends_with("; times in America/New_York"),
        "{status}"
    );
    assert!(lines[2].contains("09:00:00  in "), "{status}");
    assert!(lines[3].contains("09:00:00 JST  in "), "{status}");
}

#[test]
fn what_is_said_to_be_typed_is_about_the_same_state() {
    let config = "scheduler:\n  a: {type: cron, hour: 4, command: 'true'}\n";
    let folder = Folder::with_config(config);
    let head = |command: &mut assert_cmd::Command| {
        let answer = run(command).exits(0).stdout;
        answer.lines().next().unwrap().to_owned()
    };
    let mut command = folder.command();
    let told = head(command.args(["status", "--state-dir", "my state", "--tasks-dir", "jobs"]));
    let expected = "`sched --state-dir 'my state' --tasks-dir jobs watch`";
    assert!(told.contains(expected), "{told}");
    let mut command = folder.command();
    let told = head(command.arg("status").env("SCHED_STATE_DIR", "other"));
    assert!(told.contains("`sched watch`"), "{told}");
    let mut command = folder.command();
    let told = head(command.args(["-c", "-", "status"]).write_stdin(config));
    assert!(
        told.starts_with("○ <stdin> is not watched: only a file can be;"),
        "{told}"
    );
}
