//! The program is killed at any moment: what it wrote down and what its tasks did must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::watch::Watch;

const JOBS: usize = 50;
const ROUNDS: usize = 8;

/// Jobs of every second that add their name and fire time to a file.
fn jobs() -> String {
    let job = |number: usize| {
        format!(
            "  job{number}:\n    type: interval\n    seconds: 1\n    \
             command: echo \"$SCHED_JOB $SCHED_SCHEDULED_FOR\" >> effects\n"
        )
    };
    (0..JOBS).map(job).collect()
}

/// A job and a fire time.
type Fire = (String, DateTime<Utc>);

fn fire(job: &str, at: &str) -> Fire {
    let at = DateTime::parse_from_rfc3339(at).unwrap();
    (job.to_owned(), at.to_utc())
}

/// What the tasks did.
fn effects(watch: &Watch) -> Vec<Fire> {
    let text = fs::read_to_string(watch.path("effects")).unwrap();
    let line = |line: &str| {
        let (job, at) = line.split_once(' ').unwrap();
        fire(job, at)
    };
    text.lines().map(line).collect()
}

/// How each fire ended, as the history says; each has one record.
fn records(watch: &Watch) -> BTreeMap<Fire, String> {
    let mut records = BTreeMap::new();
    for record in watch
        .sched("history -n 1000000 --format json")
        .exits(0)
        .json()
    {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        assert_ne!(record["outcome"], Value::Null, "{record}");
        let fire = fire(&text("job"), &text("scheduled_for"));
        let before = records.insert(fire, text("outcome"));
        assert_eq!(before, None, "two records: {record}");
    }
    records
}

/// How long it takes until runs are just about to begin, or have just begun.
#[expect(clippy::disallowed_methods, reason = "it waits for the wall clock")]
fn to_the_beginning_of_runs() -> Duration {
    let into_the_second = Duration::from_nanos(Utc::now().timestamp_subsec_nanos().into());
    let second = Duration::from_secs(1).saturating_sub(into_the_second);
    second + Duration::from_micros(fastrand::u64(0..15_000))
}

#[test]
fn after_a_kill_the_history_and_the_side_effects_agree() {
    let mut watch = Watch::start(&jobs(), &[]);
    for round in 0..ROUNDS {
        watch.expect(" start  job");
        thread::sleep(Duration::from_millis(fastrand::u64(0..2_000)));
        if round % 2 == 0 {
            thread::sleep(to_the_beginning_of_runs());
        }
        watch = watch.again();
    }
    watch.expect(" start  job");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());

    let effects = effects(&watch);
    let records = records(&watch);
    let distinct: BTreeSet<&Fire> = effects.iter().collect();
    assert_eq!(distinct.len(), effects.len(), "a fire ran twice");
    for fire in &effects {
        let outcome = records.get(fire).map(String::as_str);
        let ran = matches!(outcome, Some("success" | "interrupted"));
        assert!(ran, "{fire:?} ran and is recorded as {outcome:?}");
    }
    for (fire, outcome) in &records {
        let ran = distinct.contains(fire);
        assert!(
            ran || outcome != "success",
            "{fire:?} did not run: {outcome}"
        );
    }
    let mut last: Option<&Fire> = None;
    for fire in records.keys() {
        if let Some((job, at)) = last.filter(|(job, _)| *job == fire.0) {
            let gap = fire.1 - *at;
            assert_eq!(gap, TimeDelta::seconds(1), "{job} has no record after {at}");
        }
        last = Some(fire);
    }
}
