//! Random documents and triggers, compared with what docassemble reads and fires with: `PyYAML`
//! and `APScheduler` themselves.
//!
//! `cargo test --test differential -- --ignored --nocapture`; `SCHED_CASES` is how many of each,
//! `SCHED_SEED` where the random numbers begin. A failure names the seed of its case.

mod documents;
mod oracle;
mod report;
mod scalars;
mod schedules;
mod triggers;
mod yaml;

use std::env;

/// How many cases there are unless `SCHED_CASES` says so; some seconds.
const CASES: u64 = 4000;

/// The seeds of the cases: a case is all that its own seed makes.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| {
        let text = env::var(name).ok()?;
        Some(
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        )
    };
    let cases = number("SCHED_CASES").unwrap_or(CASES);
    let first = number("SCHED_SEED").unwrap_or_else(|| u64::from(fastrand::u32(..)));
    println!("SCHED_SEED={first} SCHED_CASES={cases}");
    first..first.saturating_add(cases)
}

#[test]
#[ignore = "needs PyPI: compares with PyYAML and APScheduler"]
fn documents_are_read_as_pyyaml_reads_them() {
    yaml::compare(seeds());
}

#[test]
#[ignore = "needs PyPI: compares with PyYAML and APScheduler"]
fn triggers_fire_as_those_of_apscheduler_do() {
    triggers::compare(seeds());
}
