//! Random triggers, as a user writes their keys.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::scalars::one;

/// Zones without and with summer time, on both halves of the earth, and one of half an hour.
const ZONES: &[&str] = &[
    "UTC",
    "UTC",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Phoenix",
    "Pacific/Kiritimati",
    "Etc/GMT+5",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
];

/// The fields of a cron trigger and their first and last values; few years, so that it fires.
const FIELDS: &[&(&str, u32, u32)] = &[
    &("year", 2024, 2032),
    &("month", 1, 12),
    &("day", 1, 31),
    &("week", 1, 53),
    &("day_of_week", 0, 6),
    &("hour", 0, 23),
    &("minute", 0, 59),
    &("second", 0, 59),
];

const MONTHS: &[&str] = &[
    "jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct",
];
const WEEKDAYS: &[&str] = &["mon", "Tue", "WED", "thu", "fri", "sat", "sun"];

/// The keys of a trigger, and from when on its fires are asked for.
pub(crate) fn trigger(rng: &mut Rng) -> (Map<String, Value>, DateTime<Utc>) {
    let from = DateTime::UNIX_EPOCH + TimeDelta::seconds(rng.i64(1_704_067_200..1_900_000_000));
    let mut keys = Map::new();
    keys.insert("timezone".to_owned(), json!(one(rng, ZONES)));
    match rng.u8(..8) {
        0 => {
            keys.insert("type".to_owned(), json!("date"));
            keys.insert("run_date".to_owned(), json!(near(rng, from, 400)));
        }
        1 | 2 => interval(rng, &mut keys, from),
        _ => cron(rng, &mut keys, from),
    }
    (keys, from)
}

/// A point in time within so many days around `from`, as a user writes it.
fn near(rng: &mut Rng, from: DateTime<Utc>, days: i64) -> String {
    let at = from + TimeDelta::seconds(rng.i64(-days * 86_400..days * 86_400));
    let form = one(
        rng,
        &[
            "%Y-%m-%d",
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%d %H:%M:%SZ",
            "%Y-%m-%d %H:%M:%S+02:00",
        ],
    );
    at.format(form).to_string()
}

fn interval(rng: &mut Rng, keys: &mut Map<String, Value>, from: DateTime<Utc>) {
    keys.insert("type".to_owned(), json!("interval"));
    for (unit, most) in [
        ("weeks", 3),
        ("days", 10),
        ("hours", 50),
        ("minutes", 100),
        ("seconds", 5000),
    ] {
        if rng.u8(..3) == 0 {
            keys.insert(unit.to_owned(), json!(rng.u32(..=most)));
        }
    }
    keys.insert("start_date".to_owned(), json!(near(rng, from, 30)));
    if rng.u8(..3) == 0 {
        keys.insert("end_date".to_owned(), json!(near(rng, from, 60)));
    }
}

fn cron(rng: &mut Rng, keys: &mut Map<String, Value>, from: DateTime<Utc>) {
    keys.insert("type".to_owned(), json!("cron"));
    for _ in 0..rng.u8(1..5) {
        let &(name, first, last) = one(rng, FIELDS);
        let parts: Vec<String> = (0..=rng.u8(..3) / 2)
            .map(|_| part(rng, name, first, last))
            .collect();
        let comma = one(rng, &[",", ",", ", "]);
        keys.insert(name.to_owned(), json!(parts.join(comma)));
    }
    for bound in ["start_date", "end_date"] {
        if rng.u8(..4) == 0 {
            keys.insert(bound.to_owned(), json!(near(rng, from, 500)));
        }
    }
}

/// One part of a field, now and then one that cannot be.
fn part(rng: &mut Rng, name: &str, first: u32, last: u32) -> String {
    let (a, b) = (rng.u32(first..=last), rng.u32(first..=last));
    let (low, high) = (a.min(b), a.max(b));
    let step = rng.u32(1..=(last - first) / 2 + 1);
    match (name, rng.u8(..12)) {
        ("month", 0) => one(rng, MONTHS).to_owned(),
        ("month", 1) => format!("{}-{}", one(rng, MONTHS), one(rng, MONTHS)),
        ("day_of_week", 0..3) => one(rng, WEEKDAYS).to_owned(),
        ("day_of_week", 3 | 4) => format!("{}-{}", one(rng, WEEKDAYS), one(rng, WEEKDAYS)),
        ("day", 0) => "last".to_owned(),
        ("day", 1) => format!("last {}", one(rng, WEEKDAYS)),
        ("day", 2 | 3) => {
            let nth = one(rng, &["1st", "2nd", "3rd", "4th", "5th", "2ND"]);
            format!("{nth} {}", one(rng, WEEKDAYS))
        }
        (_, 5) => "*".to_owned(),
        (_, 6) => format!("*/{step}"),
        (_, 7) => format!("{low}-{high}"),
        (_, 8) => format!("{low}-{high}/{step}"),
        (_, 9) => format!("{a}/{step}"),
        (_, 10) if rng.u8(..4) == 0 => odd(rng, a),
        _ => a.to_string(),
    }
}

/// What is wrong, or nearly so.
fn odd(rng: &mut Rng, number: u32) -> String {
    match rng.u8(..7) {
        0 => format!("{number}-"),
        1 => format!("-{number}"),
        2 => format!("*/{}", number * 100),
        3 => format!("0{number}"),
        4 => format!("{}", number + 60),
        5 => one(
            rng,
            &[
                "x", "", "mon#2", "fri-mon", "last-1", "L", "*/0", "1st", "lastfoo",
            ],
        )
        .to_owned(),
        _ => format!(" {number} "),
    }
}
