//! What reading a config costs, what a reload that changes one job costs the loop, and what a fire
//! costs among many jobs that wait.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be set up fails"
)]

use std::fmt::Write;
use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sched::config::{self, Config, Outside};
use sched::run::Outcome;
use sched::scheduler::plan::{Decision, Plan};
use sched::scheduler::reload;
use sched::trigger::Zone;

/// How many jobs the configs have.
const SIZES: [usize; 3] = [10, 1_000, 10_000];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A config of so many jobs, each of every hour; the first of every `seconds`.
fn text(jobs: usize, seconds: usize) -> String {
    let mut text = "scheduler:\n".to_owned();
    for number in 0..jobs {
        let seconds = if number == 0 { seconds } else { 3_600 };
        writeln!(
            text,
            "  test.heartbeat {number}:\n    type: interval\n    seconds: {seconds}\n    \
             kwargs: {{number: {number}, text: some words}}"
        )
        .unwrap();
    }
    text
}

fn read(text: &str) -> Config {
    let outside = Outside::new(now(), "/srv", Zone::utc());
    config::read(text, &outside).config.unwrap()
}

/// A plan of so many jobs, of which the first fires each second.
fn plan(jobs: usize) -> Plan {
    Plan::new(read(&text(jobs, 1)).jobs, now(), 8, |_| 0)
}

/// Reading, beside `serde_yaml`, which makes values without places and knows nothing of jobs.
fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading");
    for jobs in SIZES {
        let text = text(jobs, 60);
        group.throughput(Throughput::Elements(jobs as u64));
        group.bench_with_input(BenchmarkId::new("sched", jobs), &text, |bencher, text| {
            bencher.iter(|| read(black_box(text)));
        });
        group.bench_with_input(
            BenchmarkId::new("serde_yaml", jobs),
            &text,
            |bencher, text| {
                bencher.iter(|| serde_yaml::from_str::<serde_yaml::Value>(black_box(text)));
            },
        );
    }
}

/// A reload that changes one job: what the reader works out, and what is left to the loop.
fn reloading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reload of one job");
    for jobs in SIZES {
        let forms = [read(&text(jobs, 60)), read(&text(jobs, 61))];
        group.bench_function(BenchmarkId::new("reader", jobs), |bencher| {
            bencher.iter_batched(
                || forms[1].clone(),
                |config| reload::follow(&forms[0], config),
                BatchSize::LargeInput,
            );
        });
        let there = reload::follow(&forms[0], forms[1].clone());
        let back = reload::follow(&there.config, forms[0].clone());
        // The jobs that stayed are those of the first form, whichever way it goes.
        let again = reload::follow(&back.config, forms[1].clone());
        let mut plan = Plan::new(back.config.jobs.clone(), now(), 8, |_| 0);
        group.bench_function(BenchmarkId::new("loop", jobs), |bencher| {
            bencher.iter(|| {
                plan.replace(&again.shift, now(), 8);
                plan.replace(&back.shift, now(), 8);
            });
        });
    }
}

/// A fire: that it is due, what comes soon, and its end.
fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a fire among");
    for jobs in SIZES {
        let mut plan = plan(jobs);
        let mut now = now();
        group.bench_function(BenchmarkId::from_parameter(jobs), |bencher| {
            bencher.iter(|| {
                now += TimeDelta::seconds(1);
                for decided in plan.due(now) {
                    if let Decision::Run(fire) = decided.decision {
                        plan.ended(&fire, Outcome::Success, now);
                    }
                }
                black_box(plan.soon(now + TimeDelta::milliseconds(100)));
            });
        });
    }
}

criterion_group!(benches, reading, reloading, dispatch);
criterion_main!(benches);
