//! How long the next fire of a cron trigger takes, beside the crates `cron` and `croner`.
//!
//! The same eight triggers are asked for the fire after each of a year's moments. A rival that
//! cannot express one is left out of it. Each line of the summary compares with the faster one.

use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use sched::trigger::cron::{Cron, Field, Name};
use sched::trigger::{Bounds, Zone};

/// A trigger in three tongues.
struct Case {
    title: &'static str,
    fields: &'static [(Name, &'static str)],
    /// For the crate `cron`: seconds first, Sunday is 1.
    quartz: Option<&'static str>,
    /// For the crate `croner`: Unix.
    crontab: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        title: "every minute",
        fields: &[(Name::Minute, "*")],
        quartz: Some("0 * * * * *"),
        crontab: "* * * * *",
    },
    Case {
        title: "every five minutes",
        fields: &[(Name::Minute, "*/5")],
        quartz: Some("0 */5 * * * *"),
        crontab: "*/5 * * * *",
    },
    Case {
        title: "daily at 04:00",
        fields: &[(Name::Hour, "4")],
        quartz: Some("0 0 4 * * *"),
        crontab: "0 4 * * *",
    },
    Case {
        title: "day 1 at 00:01",
        fields: &[(Name::Day, "1"), (Name::Minute, "1"), (Name::Hour, "0")],
        quartz: Some("0 1 0 1 * *"),
        crontab: "1 0 1 * *",
    },
    Case {
        title: "working hours",
        fields: &[
            (Name::DayOfWeek, "mon-fri"),
            (Name::Hour, "9-17"),
            (Name::Minute, "*/15"),
        ],
        quartz: Some("0 */15 9-17 * * 2-6"),
        crontab: "*/15 9-17 * * 1-5",
    },
    Case {
        title: "last friday",
        fields: &[(Name::Day, "last fri")],
        quartz: None,
        crontab: "0 0 * * 5#L",
    },
    Case {
        title: "29 february",
        fields: &[(Name::Month, "2"), (Name::Day, "29")],
        quartz: Some("0 0 0 29 2 *"),
        crontab: "0 0 29 2 *",
    },
    Case {
        title: "yearly",
        fields: &[(Name::Month, "1"), (Name::Day, "1")],
        quartz: Some("0 0 0 1 1 *"),
        crontab: "0 0 1 1 *",
    },
];

/// Triggers that no date matches.
const NEVER: [&[(Name, &str)]; 4] = [
    &[(Name::Month, "2"), (Name::Day, "30")],
    &[(Name::Month, "jul"), (Name::Week, "53")],
    &[
        (Name::Year, "1970-9999/2"),
        (Name::Month, "jul"),
        (Name::Week, "53"),
    ],
    &[
        (Name::Day, "1st mon"),
        (Name::DayOfWeek, "tue"),
        (Name::Week, "*/2"),
    ],
];

fn trigger(fields: &[(Name, &str)], tz: Tz) -> Cron {
    let fields = fields
        .iter()
        .map(|(name, text)| Field::parse(*name, text).expect("a valid field"));
    let zone = Zone::named(tz.name()).expect("a zone of the database");
    Cron::of_fields(fields.collect(), Bounds::default(), zone, 0)
}

/// Moments all over 2025, at all times of the day.
fn moments() -> Vec<DateTime<Utc>> {
    let first = DateTime::from_timestamp(1_735_689_600, 0).expect("within the calendar");
    (0..97)
        .map(|number| first + TimeDelta::seconds(number * 324_517))
        .collect()
}

/// Measures `run` over all moments, and gives the best time of one of them in nanoseconds.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    who: &str,
    count: u32,
    mut run: impl FnMut(),
) -> f64 {
    let mut best = Duration::MAX;
    group.bench_function(who, |bencher| {
        bencher.iter_custom(|rounds| {
            let took = timed(|| (0..rounds).for_each(|_| run()));
            best = best.min(took / u32::try_from(rounds).unwrap_or(u32::MAX));
            took
        });
    });
    best.as_secs_f64() * 1e9 / f64::from(count)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn beside_others(criterion: &mut Criterion) {
    let mut summary = Vec::new();
    for tz in [Tz::UTC, Tz::America__New_York] {
        for case in &CASES {
            let mut group = criterion.benchmark_group(format!("{} {tz}", case.title));
            group.sample_size(20);
            group.warm_up_time(Duration::from_millis(200));
            group.measurement_time(Duration::from_millis(600));
            let (ours, rival) = compare(&mut group, case, tz);
            let ratio = ours / rival;
            summary.push(format!(
                "{:20} {tz:18} {ours:8.0} ns {rival:8.0} ns {ratio:6.2}",
                case.title
            ));
        }
    }
    println!(
        "\n{:39} {:>11} {:>11} {:>6}",
        "next fire", "ours", "faster rival", "ratio"
    );
    println!("{}", summary.join("\n"));
}

fn compare(group: &mut BenchmarkGroup<'_, WallTime>, case: &Case, tz: Tz) -> (f64, f64) {
    let moments = moments();
    let local: Vec<_> = moments.iter().map(|at| at.with_timezone(&tz)).collect();
    let count = u32::try_from(moments.len()).expect("a few moments");
    let own = trigger(case.fields, tz);
    let ours = measure(group, "sched", count, || {
        for at in &moments {
            black_box(own.next_after(black_box(*at)));
        }
    });
    let croner = croner::Cron::from_str(case.crontab).expect("a pattern of croner");
    let mut rival = measure(group, "croner", count, || {
        for at in &local {
            let _ = black_box(croner.find_next_occurrence(black_box(at), false));
        }
    });
    if let Some(quartz) = case.quartz {
        let schedule = cron::Schedule::from_str(quartz).expect("an expression of cron");
        rival = rival.min(measure(group, "cron", count, || {
            for at in &local {
                black_box(schedule.after(black_box(at)).next());
            }
        }));
    }
    (ours, rival)
}

fn never(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("never");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(600));
    let at = moments()[0];
    let mut summary = Vec::new();
    for fields in NEVER {
        let trigger = trigger(fields, Tz::America__New_York);
        assert_eq!(trigger.next_after(at), None);
        let ns = measure(&mut group, &trigger.to_string(), 1, || {
            black_box(trigger.next_after(black_box(at)));
        });
        summary.push(format!("{:8.3} ms {trigger}", ns / 1e6));
    }
    println!("\nno fire\n{}", summary.join("\n"));
}

criterion_group!(benches, beside_others, never);
criterion_main!(benches);
