//! What a record costs, and what a million of them does.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be set up fails"
)]

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sched::run::{Cause, Ended, Outcome, Run, RunId};
use sched::store::{Begun, Filter, Place, Store, Writer};
use tempfile::TempDir;

/// How many runs are written at once.
const RUNS: i64 = 1_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

fn run(second: i64) -> Run {
    Run {
        id: RunId::new(at(second), fastrand::u128(..)),
        job: format!("test.heartbeat {}", second % 50),
        cause: Cause::Schedule,
        scheduled_for: Some(at(second)),
        started: at(second),
        attempt: 1,
    }
}

fn ended() -> Ended {
    Ended {
        outcome: Outcome::Success,
        exit_code: Some(0),
        signal: None,
        returned: None,
        error: None,
        stdout: "a line of output\n".to_owned(),
        stderr: String::new(),
        took: Duration::from_millis(80),
    }
}

fn place(folder: &TempDir) -> Place {
    Place::new(folder.path().join("state"), Path::new("/srv/config.yml"))
}

fn writer(place: &Place) -> Writer {
    let (store, _) = Store::open(place, at(0)).unwrap();
    Writer::start(Some(store), place.clone(), || at(0), Box::new(|_, _| ())).unwrap()
}

/// Writes down that runs begin, waits until that is so, and writes down how they end.
fn record(writer: &Writer, seconds: std::ops::Range<i64>) {
    let (tell, told) = channel();
    let runs: Vec<Run> = seconds.map(run).collect();
    for run in &runs {
        let tell = tell.clone();
        let answer = move |_| tell.send(()).unwrap();
        let begun = Begun {
            run: run.clone(),
            once: false,
            settled: at(0),
        };
        writer.begin(begun, Box::new(answer));
    }
    drop(tell);
    told.iter().for_each(drop);
    for run in &runs {
        writer.end(run.id, ended(), None);
    }
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    group.throughput(Throughput::Elements(RUNS.unsigned_abs()));
    group.bench_function("a thousand runs, begun and ended", |bencher| {
        let folder = TempDir::new().unwrap();
        let place = place(&folder);
        let mut next = 0;
        bencher.iter_batched(
            || {
                next += RUNS;
                (writer(&place), next)
            },
            |(writer, from)| record(&writer, from..from + RUNS),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn a_million(criterion: &mut Criterion) {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let all = writer(&place);
    for thousand in 0..1_000 {
        record(&all, thousand * RUNS..(thousand + 1) * RUNS);
    }
    drop(all);
    let size = std::fs::metadata(place.database()).unwrap().len();
    println!("a million runs: {} MiB", size >> 20);
    criterion.bench_function("opening a million runs to write", |bencher| {
        bencher.iter(|| {
            let (store, _) = Store::open(&place, at(0)).unwrap();
            (store.look_back(&[]).unwrap(), store.memories().unwrap())
        });
    });
    criterion.bench_function("the last 20 of a million runs", |bencher| {
        bencher.iter(|| {
            let store = Store::read(&place).unwrap().unwrap();
            let filter = Filter {
                jobs: vec!["test.heartbeat 7".to_owned()],
                ..Filter::default()
            };
            store.runs(&filter, 20).unwrap()
        });
    });
}

criterion_group!(benches, records, a_million);
criterion_main!(benches);
