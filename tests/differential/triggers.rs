//! Triggers: ours, read from a config, against `APScheduler`'s.
//!
//! Around a change of a zone's offset the rules differ on purpose, so there nothing is compared.

use std::ops::Range;

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use fastrand::Rng;
use sched::config::{self, Outside};
use sched::trigger::{Trigger, Zone, bound};
use serde_json::{Map, Value, json};

use super::oracle::Oracle;
use super::report::Report;
use super::schedules;

/// How many fires of a trigger are compared.
const FIRES: usize = 6;

/// What we refuse and `APScheduler` takes, by a piece of the message.
const STRICTER: &[&str] = &[
    // Every second, as APScheduler has it, is hardly meant.
    "an interval needs `weeks`",
    "an interval must be longer than zero",
    "`end_date` is before `start_date`",
    // `0-0/3`: a range and a step that cannot step.
    "is longer than its range",
    // APScheduler passes over what follows a word: the first is every Monday there.
    "cannot be `mon#2`",
    "cannot be `lastfoo`",
    "cannot be `last-1`",
];

/// Compares the triggers of these seeds.
pub(crate) fn compare(seeds: Range<u64>) {
    let mut oracle = Oracle::start();
    let mut report = Report::default();
    for seed in seeds {
        let (keys, from) = schedules::trigger(&mut Rng::with_seed(seed));
        let question = json!({ "trigger": keys, "from": from.to_rfc3339(), "count": FIRES });
        let theirs = oracle.ask(&question);
        if let Err(difference) = judge(&keys, from, &theirs, &mut report) {
            let keys = Value::Object(keys);
            report.differs(
                seed,
                &format!("{keys}\n  from {from}: {difference}\n  theirs: {theirs}"),
            );
        }
    }
    report.finish();
}

/// Counts what agrees; an error is what does not.
fn judge(
    keys: &Map<String, Value>,
    from: DateTime<Utc>,
    theirs: &Value,
    report: &mut Report,
) -> Result<(), String> {
    if theirs.get("slow").is_some() {
        report.count("APScheduler searches too long");
        return Ok(());
    }
    match (read(keys), theirs.get("error")) {
        (Err(_), Some(_)) => report.count("refused by both"),
        (Err(why), None) if STRICTER.iter().any(|known| why.contains(known)) => {
            report.count(format!("refused by us: {why}"));
        }
        (Err(why), None) => return Err(format!("we refuse it: {why}")),
        (Ok(trigger), Some(_)) => return Err(format!("we take it: {trigger}")),
        (Ok(trigger), None) => {
            let times = theirs["fires"].as_array().expect("fires are a list");
            let mut fires: Vec<Option<&str>> = times.iter().map(Value::as_str).collect();
            if theirs["ended"] == true {
                fires.push(None);
            }
            compare_fires(&trigger, keys, from, &fires, report)?;
        }
    }
    Ok(())
}

/// Each fire from the one before it, wherever the offset stays the same that long.
fn compare_fires(
    trigger: &Trigger,
    keys: &Map<String, Value>,
    from: DateTime<Utc>,
    fires: &[Option<&str>],
    report: &mut Report,
) -> Result<(), String> {
    let mut after = match trigger {
        // APScheduler's date fires however late it is asked.
        Trigger::Date(date) => date.at() - TimeDelta::seconds(1),
        Trigger::Interval(_) | Trigger::Cron(_) | Trigger::Any(_) => {
            from - TimeDelta::nanoseconds(1)
        }
    };
    for &expected in fires {
        let expected: Option<DateTime<Utc>> =
            expected.map(|time| time.parse().expect("a fire is a time"));
        let found = trigger.next_after(after);
        if is_beyond_pytz(trigger, [expected, found]) {
            report.count("not compared: the tables of pytz end in 2037");
        } else if !is_steady(trigger, keys, after, [expected, found]) {
            report.count("not compared: the offset changes");
        } else if found == expected {
            report.count(if found.is_some() {
                "fires alike"
            } else {
                "ends alike"
            });
        } else {
            let time = |at: Option<DateTime<Utc>>| {
                at.map_or_else(
                    || "never".to_owned(),
                    |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
                )
            };
            return Err(format!(
                "after {after}: {} instead of {}",
                time(found),
                time(expected)
            ));
        }
        let Some(next) = expected else { break };
        after = next;
    }
    Ok(())
}

/// Whether a fire lies where the zone still changes its offset, and APScheduler's pytz does not know.
fn is_beyond_pytz(trigger: &Trigger, fires: [Option<DateTime<Utc>>; 2]) -> bool {
    let new_year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
    let changes = || trigger.zone().last_change(new_year(2036), new_year(2038));
    fires.into_iter().flatten().any(|at| at >= new_year(2038)) && changes().is_some()
}

/// Whether the offset is the same from all that the trigger counts from to the later fire, and a
/// day around. A trigger that is over was searched up to its end.
fn is_steady(
    trigger: &Trigger,
    keys: &Map<String, Value>,
    after: DateTime<Utc>,
    fires: [Option<DateTime<Utc>>; 2],
) -> bool {
    let zone = trigger.zone();
    let bound = |key: &str| {
        let text = keys.get(key)?.as_str()?;
        bound::parse(text, zone).ok()
    };
    let counted_from = match trigger {
        Trigger::Interval(_) => bound("start_date"),
        Trigger::Cron(_) | Trigger::Date(_) | Trigger::Any(_) => None,
    };
    let from = counted_from.map_or(after, |start| start.min(after));
    let end = bound("end_date").unwrap_or(after + TimeDelta::days(200 * 365));
    let to = match fires {
        [Some(one), Some(other)] => one.max(other),
        [one, other] => one.or(other).unwrap_or(after).max(end),
    };
    let day = TimeDelta::days(1);
    zone.last_change(from - day, to + day).is_none()
}

/// The trigger of a config with these keys, or why there is none.
fn read(keys: &Map<String, Value>) -> Result<Trigger, String> {
    let lines = keys
        .iter()
        .map(|(key, value)| format!("    {key}: {value}\n"));
    let text = format!("scheduler:\n  a.b:\n{}", lines.collect::<String>());
    let outside = Outside::new(DateTime::UNIX_EPOCH, "/config", Zone::utc());
    let reading = config::read(&text, &outside);
    let job = reading
        .config
        .as_ref()
        .and_then(|config| config.jobs.first());
    job.map(|job| job.trigger.clone()).ok_or_else(|| {
        let messages = reading.diagnostics.iter().map(|one| one.message.as_str());
        messages.collect::<Vec<_>>().join("; ")
    })
}
