//! Triggers in plain English.
//!
//! Two triggers with the same text have the same fire times, so every text is made from what a
//! trigger means, not from how it was written, and names all of that.

mod calendar;
mod clock;
mod pattern;
mod words;

use chrono::{DateTime, NaiveTime, Utc};

pub(super) use words::{joined, month as month_name};

pub use words::ordinal;

use super::{Bounds, Cron, Date, Interval, Trigger, Zone};

/// The trigger in plain English.
pub(super) fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Interval(one) => interval(one),
        Trigger::Cron(one) => cron(one),
        Trigger::Date(one) => date(one),
        Trigger::Any(all) => any(all, trigger.zone()),
    }
}

/// Each of the triggers, with its zone where that is not the first one's.
fn any(all: &[Trigger], zone: &Zone) -> String {
    let texts: Vec<_> = all
        .iter()
        .map(|one| match one.zone() {
            same if same == zone => trigger(one),
            other => format!("{} ({})", trigger(one), other.name()),
        })
        .collect();
    texts.join("; or ")
}

fn interval(interval: &Interval) -> String {
    let every = every(interval.every_s());
    let Bounds { start, end } = interval.bounds();
    let start = start.map(|start| format!(", from {}", minute(start, interval.zone())));
    let end = end.map(|end| format!(" until {}", day_or_minute(end, interval.zone())));
    every + &start.unwrap_or_default() + &end.unwrap_or_default() + &later(interval.jitter_s())
}

fn cron(cron: &Cron) -> String {
    let either = cron
        .expression()
        .is_some_and(|expression| expression.either_day);
    let (clock, calendar) = pattern::of_fields(cron.fields(), either);
    let mut text = clock.english();
    if clock.names_hours() && calendar.is_any_day() {
        text.push_str(" every day");
    }
    if let Some(days) = calendar.english() {
        text.push(' ');
        text.push_str(&days);
    }
    text + &between(cron.bounds(), cron.zone()) + &later(cron.jitter_s())
}

fn date(date: &Date) -> String {
    let (day, time) = reading(date.at(), date.zone());
    format!("once, on {day} at {time}{}", later(date.jitter_s()))
}

/// `every minute`, `every 90 seconds`, `every 1 h 30 min`
fn every(seconds: i64) -> String {
    /// Units, with the count from which on a greater unit reads better.
    const UNITS: [(i64, &str, i64); 5] = [
        (604_800, "week", i64::MAX),
        (86_400, "day", i64::MAX),
        (3_600, "hour", 72),
        (60, "minute", 60),
        (1, "second", 120),
    ];
    for (length, unit, enough) in UNITS {
        match seconds / length {
            1 if seconds == length => return format!("every {unit}"),
            count if (2..enough).contains(&count) && seconds % length == 0 => {
                return format!("every {count} {unit}s");
            }
            _ => {}
        }
    }
    format!("every {}", sum(seconds))
}

/// `1 h 30 min`, `1 d 2 s`
fn sum(seconds: i64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn between(bounds: Bounds, zone: &Zone) -> String {
    let text = |instant| day_or_minute(instant, zone);
    match (bounds.start.map(text), bounds.end.map(text)) {
        (Some(start), Some(end)) => format!(", from {start} until {end}"),
        (Some(start), None) => format!(", from {start}"),
        (None, Some(end)) => format!(", until {end}"),
        (None, None) => String::new(),
    }
}

fn later(jitter_s: u32) -> String {
    match jitter_s {
        0 => String::new(),
        seconds => format!(", up to {} later", sum(seconds.into())),
    }
}

fn minute(at: DateTime<Utc>, zone: &Zone) -> String {
    let (day, time) = reading(at, zone);
    format!("{day} {time}")
}

/// The day alone where it is midnight.
fn day_or_minute(at: DateTime<Utc>, zone: &Zone) -> String {
    let (day, time) = reading(at, zone);
    if time == "00:00" {
        day
    } else {
        format!("{day} {time}")
    }
}

/// The day and the time of day, with the seconds where there are any, and with the offset where
/// the clock reads so a second time.
fn reading(at: DateTime<Utc>, zone: &Zone) -> (String, String) {
    let local = zone.local(at);
    let time = local.time();
    let is_minute = time.signed_duration_since(NaiveTime::MIN).num_seconds() % 60 == 0;
    let text = time
        .format(if is_minute { "%H:%M" } else { "%H:%M:%S" })
        .to_string();
    let day = local.date_naive().to_string();
    if zone.instant(local.naive_local()) == Some(at) {
        (day, text)
    } else {
        (day, format!("{text} {}", local.offset()))
    }
}

#[cfg(test)]
mod tests;
