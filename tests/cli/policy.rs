//! Each key of a job's policy, by what `sched watch` does and says.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::killed::eventually;
use crate::watch::{SLEEP, TICK, Watch, config_of};

fn stop(mut watch: Watch) -> Watch {
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    watch
}

/// The records of a job, the oldest first.
fn records(watch: &Watch, job: &str) -> Vec<Value> {
    let line = format!("history {job} -n 99999 --format json");
    let mut records = watch.sched(&line).exits(0).json();
    records.reverse();
    records
}

/// How many records have that value.
fn count(records: &[Value], key: &str, value: &str) -> usize {
    let counted = records.iter().filter(|record| record[key] == value);
    counted.count()
}

#[test]
fn as_many_runs_go_on_as_max_instances_says() {
    let two = SLEEP.replace("sleep:", "two:") + "    max_instances: 2\n";
    let watch = Watch::start(&format!("{SLEEP}{two}"), &["--grace", "0"]);
    let line = watch.expect(" SKIP   sleep ");
    let (before, after) = line.split_once(" previous run still going since ").unwrap();
    assert!(before.contains("SKIP"), "{line}");
    assert!(after.contains(" ("), "{line}");
    assert!(after.ends_with("s), max_instances 1"), "{line}");
    let line = watch.expect(" SKIP   two ");
    assert!(line.ends_with("s), max_instances 2"), "{line}");
    let watch = stop(watch);
    let two = records(&watch, "two");
    assert_eq!(count(&two, "outcome", "interrupted"), 2, "{two:?}");
    assert!(count(&two, "outcome", "skipped") > 0, "{two:?}");
}

#[test]
fn job_defaults_hold_where_a_job_says_nothing() {
    let own = SLEEP.replace("sleep:", "own:") + "    max_instances: 1\n";
    let defaults = "  job defaults: {max_instances: 3}\n";
    let watch = Watch::start(&format!("{defaults}{SLEEP}{own}"), &["--grace", "0"]);
    assert!(watch.expect(" SKIP   own ").ends_with(", max_instances 1"));
    assert!(
        watch
            .expect(" SKIP   sleep ")
            .ends_with(", max_instances 3")
    );
    stop(watch);
}

/// A job that takes note of being asked to end.
const ASKED: &str = "  asked:
    type: interval
    hours: 1
    run_at_start: true
    command: trap 'echo asked > asked; exit' TERM; touch on; while true; do sleep 0.1; done
";

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    for second in [Signal::SIGTERM, Signal::SIGINT] {
        let mut watch = Watch::start(ASKED, &["--grace", "1"]);
        eventually(|| watch.path("on").exists());
        watch.signal(Signal::SIGTERM);
        watch.signal(second);
        assert!(watch.end().success());
        let is_same = second == Signal::SIGTERM;
        assert_eq!(watch.path("asked").exists(), is_same, "{second}");
    }
}

#[test]
fn a_timeout_is_told_as_one_whatever_the_task_raises_then() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = "  t.f: {type: interval, hours: 1, run_at_start: true, timeout: 3}\n";
    fs::write(folder.path().join("config.yml"), config_of(jobs)).unwrap();
    fs::create_dir(folder.path().join("tasks")).unwrap();
    let code = "import signal, sys, time\n\
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))\n\
                def f(): time.sleep(600)\n";
    fs::write(folder.path().join("tasks/t.py"), code).unwrap();
    let watch = Watch::start_in(folder, &[]);
    let line = watch.expect(" TIMEOUT t.f ");
    assert!(line.contains(" ran into its timeout after "), "{line}");
    watch.expect("| SystemExit: 4");
    let log = stop(watch).log();
    assert!(
        log.contains("'t.f' failed: ran into its timeout after "),
        "{log}"
    );
    assert!(log.contains(": <class 'SystemExit'>:4 TRACEBACK:"), "{log}");
}

#[test]
fn a_run_is_ended_at_its_timeout_and_tried_again_as_often_as_retries_says() {
    let job = "  long:
    type: interval
    hours: 1
    run_at_start: true
    timeout: 1
    retries: 1
    retry_delay: 1
    command: exec sleep 1000
";
    let watch = Watch::start(job, &[]);
    let line = watch.expect(" TIMEOUT long ");
    assert!(line.contains(" ran into its timeout after 1"), "{line}");
    assert!(line.ends_with(", try 1 of 2; again in 1 s"), "{line}");
    let line = watch.expect(" TIMEOUT long ");
    assert!(line.ends_with(", try 2 of 2"), "{line}");
    let watch = stop(watch);
    let long = records(&watch, "long");
    assert_eq!(count(&long, "outcome", "timeout"), 2, "{long:?}");
    assert_eq!(count(&long, "cause", "retry"), 1, "{long:?}");
}

#[test]
fn run_at_start_fires_once_and_a_disabled_job_does_not() {
    let hourly = "  soon: {type: interval, hours: 1, run_at_start: true, command: 'true'}\n";
    let off = "  rest: {type: interval, seconds: 1, run_at_start: true, enabled: false, command: \
               'true'}\n";
    let jobs = format!("{hourly}{off}{TICK}");
    let watch = Watch::start(&jobs, &[]);
    watch.expect(" ok     soon");
    watch.signal(Signal::SIGHUP);
    watch.expect("reload config.yml: no change");
    watch.expect(" ok     tick");
    watch.expect(" ok     tick");
    let watch = stop(watch);
    assert_eq!(records(&watch, "soon").len(), 1);
    assert_eq!(records(&watch, "rest").len(), 0);
    watch.sched("run-once rest").exits(0);
}

#[test]
fn no_more_runs_go_on_than_max_workers() {
    let job = |name: &str| {
        format!(
            "  {name}: {{type: interval, hours: 1, run_at_start: true, command: 'echo begin >> \
             doings; sleep 0.3; echo end >> doings'}}\n"
        )
    };
    let jobs = ["a", "b", "c"].map(job).concat();
    let watch = Watch::start(&format!("  max workers: 1\n{jobs}"), &[]);
    for _ in 0..3 {
        watch.expect(" ok     ");
    }
    let watch = stop(watch);
    let doings = fs::read_to_string(watch.path("doings")).unwrap();
    assert_eq!(doings, "begin\nend\n".repeat(3));
}

#[test]
fn what_fell_into_the_down_time_is_treated_by_grace_and_coalesce() {
    let with = |name: &str, policy: &str| TICK.replace("tick:", name) + policy;
    let jobs = [
        with("strict:", ""),
        with("latest:", "    misfire_grace_time: 1h\n"),
        with("each:", "    misfire_grace_time: 1h\n    coalesce: false\n"),
    ];
    let watch = Watch::start(&jobs.concat(), &[]);
    for name in ["strict", "latest", "each"] {
        watch.expect(&format!(" ok     {name}"));
    }
    let watch = stop(watch);
    // That much is to be missed.
    thread::sleep(Duration::from_secs(3));
    let watch = watch.anew();
    let line = watch.expect(" missed while sched was down (");
    assert!(line.contains(" WARN "), "{line}");
    assert!(line.contains("strict ("), "{line}");
    assert!(line.ends_with("see `sched history --missed`"), "{line}");
    let caught_up = |job: &str| count(&records(&watch, job), "cause", "catch-up");
    eventually(|| caught_up("each") >= 2 && caught_up("latest") == 1);
    let watch = stop(watch);
    assert!(count(&records(&watch, "strict"), "outcome", "missed") >= 2);
    assert!(count(&records(&watch, "latest"), "outcome", "coalesced") >= 1);
    assert_eq!(count(&records(&watch, "each"), "outcome", "missed"), 0);
    assert_eq!(count(&records(&watch, "each"), "outcome", "coalesced"), 0);
    let missed = watch.sched("history --missed -n 999 --format json").json();
    assert!(missed.iter().all(|record| record["job"] == "strict"));
}

#[test]
fn with_docassembles_database_the_latest_fire_runs_at_any_lateness() {
    let hourly = "  use docassemble database: true\n  tick: {type: cron, second: '*/2', command: \
                  'true'}\n";
    let watch = Watch::start(hourly, &[]);
    watch.expect(" ok     tick");
    let watch = stop(watch);
    thread::sleep(Duration::from_secs(5));
    let watch = watch.anew();
    let caught_up = || count(&records(&watch, "tick"), "cause", "catch-up");
    eventually(|| caught_up() == 1);
    let watch = stop(watch);
    let records = records(&watch, "tick");
    assert_eq!(count(&records, "outcome", "missed"), 0, "{records:?}");
    assert!(count(&records, "outcome", "coalesced") >= 1, "{records:?}");
}
