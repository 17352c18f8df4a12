//! A retry outlives the program that promised it.

use std::fs;

use nix::sys::signal::Signal;

use crate::killed::eventually;
use crate::watch::Watch;

/// Fails once, and then succeeds.
const FLAKY: &str = "  flaky:
    type: interval
    hours: 1
    run_at_start: true
    retries: 2
    retry_delay: DELAY
    command: echo $SCHED_ATTEMPT $SCHED_SCHEDULED_FOR >> tries; test $SCHED_ATTEMPT = 2
";

/// The tries of the first fire: each its number.
fn tries(watch: &Watch) -> Vec<String> {
    let text = fs::read_to_string(watch.path("tries")).unwrap_or_default();
    let first = text.lines().next().map(|line| &line[2..]);
    let of_first = text.lines().filter(|line| Some(&line[2..]) == first);
    of_first.map(|line| line[..1].to_owned()).collect()
}

#[test]
fn a_retry_that_waits_is_made_after_a_kill_and_once() {
    let watch = Watch::start(&FLAKY.replace("DELAY", "2"), &[]);
    let line = watch.expect(" FAILED flaky");
    assert!(line.contains(", try 1 of 3; again in 2 s"), "{line}");
    // Its record is written by another thread.
    eventually(|| watch.sched("history -q --failed").stdout.contains("FAILED"));
    let failed = watch.sched("history --format json").json().remove(0);
    let line = format!("history {}", failed["run_id"].as_str().unwrap());
    let view = watch.sched(&line).exits(0).stdout;
    assert!(view.contains("\n  try 2: waits, due "), "{view}");
    let watch = watch.again();
    watch.expect("try 2 of 3 for ");
    eventually(|| tries(&watch) == ["1", "2"]);
    eventually(|| watch.sched("history -q").stdout.contains("try 2"));
    let runs = watch.sched("history --format json").json();
    // The oldest are those of the first fire.
    let id = |attempt: u32| {
        let mut oldest_first = runs.iter().rev();
        let run = oldest_first.find(|run| run["attempt"] == attempt);
        run.unwrap()["run_id"].as_str().unwrap().to_owned()
    };
    let view = watch.sched(&format!("history {}", id(2))).exits(0).stdout;
    let other = format!("\n  try 1: FAILED 1, run {}\n", id(1));
    assert!(view.contains(&other), "{view}");
    let mut watch = watch.again();
    watch.expect(" start  flaky");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert_eq!(tries(&watch), ["1", "2"]);
}

#[test]
fn a_failure_while_the_program_stops_is_tried_again_by_the_next() {
    let slow = FLAKY.replace("DELAY", "1").replace("echo", "sleep 1; echo");
    let mut watch = Watch::start(&slow, &[]);
    watch.expect(" start  flaky");
    watch.signal(Signal::SIGTERM);
    let line = watch.expect(" FAILED flaky");
    assert!(line.contains("; again at the next start"), "{line}");
    assert!(watch.end().success());
    let watch = watch.anew();
    watch.expect("try 2 of 3 for ");
    eventually(|| tries(&watch) == ["1", "2"]);
}

#[test]
fn a_retry_of_a_job_with_another_schedule_is_given_up() {
    let mut watch = Watch::start(&FLAKY.replace("DELAY", "1h"), &[]);
    watch.expect(" FAILED flaky");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let text = fs::read_to_string(watch.path("config.yml")).unwrap();
    watch.rewrite(&text.replace("hours: 1", "hours: 2"));
    let watch = watch.anew();
    let line = watch.expect("try 2 for ");
    assert!(line.contains("is not made any more"), "{line}");
}
