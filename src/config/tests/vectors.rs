//! The trigger vectors, by way of a config: what a user writes under a job must come out right.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{outside, shown};
use crate::config::read;

const SUITES: [&str; 13] = [
    "cron-basic",
    "cron-bounds",
    "cron-defaults",
    "cron-impossible",
    "cron-nth",
    "cron-week",
    "cron-year",
    "crontab",
    "dst",
    "interval",
    "interval-tz",
    "invalid",
    "upstream",
];

fn vectors(suite: &str) -> Vec<Value> {
    let path = format!("tests/vectors/{suite}.jsonl");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A config of one job with the vector's trigger, one key a line; JSON is YAML.
fn config_of(trigger: &Map<String, Value>) -> String {
    let keys = trigger
        .iter()
        .map(|(key, value)| format!("    {key}: {value}\n"));
    format!("scheduler:\n  a.b:\n{}", keys.collect::<Vec<_>>().concat())
}

/// What disagrees with a vector of a trigger that fires.
fn disagreement(vector: &Value, text: &str) -> Option<String> {
    let reading = read(text, &outside());
    let config = reading.config.as_ref()?;
    let Some(job) = config.jobs.first() else {
        return Some(shown(&reading, text).join("\n"));
    };
    let from: DateTime<Utc> = vector["from"].as_str()?.parse::<DateTime<_>>().ok()?;
    let expected: Vec<&str> = vector["fires"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut after = from - TimeDelta::nanoseconds(1);
    let mut fires = Vec::new();
    while fires.len() < expected.len() {
        let Some(fire) = job.trigger.next_after(after) else {
            break;
        };
        fires.push(job.trigger.zone().local(fire).to_rfc3339());
        after = fire;
    }
    let exhausted = job.trigger.next_after(after).is_none();
    let agrees = fires == expected && exhausted == vector["exhausted"].as_bool()?;
    (!agrees).then(|| format!("{fires:?}, exhausted: {exhausted}"))
}

/// What disagrees with a vector of a trigger that cannot be: an error must be at its field.
fn undetected(vector: &Value, text: &str) -> Option<String> {
    let reading = read(text, &outside());
    let field = vector["field"].as_str()?;
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with(&format!("{field}:")));
    let place = format!("{}:", line.map_or(2, |line| line + 1));
    let found = shown(&reading, text);
    let at_field = |one: &String| one.starts_with(&place) && one.contains(" error[");
    let left_out = reading.config.is_some_and(|config| config.jobs.is_empty());
    (!left_out || !found.iter().any(at_field)).then(|| format!("{field}: {found:#?}"))
}

#[test]
fn every_vector_agrees_when_it_is_read_from_a_config() {
    let mut failures = Vec::new();
    for suite in SUITES {
        for vector in vectors(suite) {
            let text = config_of(vector["trigger"].as_object().unwrap());
            let check = if vector["error"] == true {
                undetected
            } else {
                disagreement
            };
            if let Some(found) = check(&vector, &text) {
                failures.push(format!("{}: {found}\n{text}", vector["id"]));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}
