//! The vectors of `tests/vectors`: what APScheduler 3.11 answers, and where `sched` differs.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{at, fires};
use crate::trigger::cron::{Cron, Field, Name};
use crate::trigger::{Bounds, Fault, Interval, Trigger, Unit, Zone, bound};

/// The trigger that the keys describe, or the key at fault and why.
fn load(keys: &Map<String, Value>) -> Result<Trigger, (String, Fault)> {
    let kind = text(keys, "type").unwrap_or_default();
    let own: Vec<&str> = match kind.as_str() {
        "cron" => Name::ALL
            .map(Name::key)
            .into_iter()
            .chain(["expression"])
            .collect(),
        "interval" => Unit::ALL.map(Unit::key).into(),
        _ => return fault("type", "unknown trigger type"),
    };
    let shared = ["type", "timezone", "start_date", "end_date"];
    if let Some(key) = keys
        .keys()
        .find(|key| !own.contains(&key.as_str()) && !shared.contains(&key.as_str()))
    {
        return fault(key, "unknown key");
    }
    let zone = match text(keys, "timezone") {
        Some(name) => Zone::named(&name).map_err(|fault| ("timezone".to_owned(), fault))?,
        None => Zone::utc(),
    };
    let bound = |key: &str| {
        text(keys, key)
            .map(|text| bound::parse(&text, &zone).map_err(|fault| (key.to_owned(), fault)))
            .transpose()
    };
    let bounds = Bounds::new(bound("start_date")?, bound("end_date")?)
        .map_err(|fault| ("end_date".to_owned(), fault))?;
    if kind == "interval" {
        interval(keys, bounds, zone)
    } else {
        cron(keys, bounds, zone)
    }
}

fn interval(
    keys: &Map<String, Value>,
    bounds: Bounds,
    zone: Zone,
) -> Result<Trigger, (String, Fault)> {
    let mut sum = 0;
    for unit in Unit::ALL {
        let seconds = match keys.get(unit.key()) {
            None | Some(Value::Null) => 0,
            Some(count) => match count.as_i64() {
                Some(count) => unit
                    .seconds(count)
                    .map_err(|fault| (unit.key().to_owned(), fault))?,
                None => return fault(unit.key(), "not a whole number"),
            },
        };
        sum += seconds;
    }
    if sum == 0 {
        return fault("type", "no interval");
    }
    Ok(Trigger::Interval(Interval::new(sum, bounds, zone, 0)))
}

fn cron(keys: &Map<String, Value>, bounds: Bounds, zone: Zone) -> Result<Trigger, (String, Fault)> {
    if let Some(expression) = text(keys, "expression") {
        return Cron::of_expression(&expression, bounds, zone, 0)
            .map(|cron| Trigger::Cron(Arc::new(cron)))
            .map_err(|fault| ("expression".to_owned(), fault));
    }
    let mut fields = Vec::new();
    for name in Name::ALL {
        if let Some(text) = text(keys, name.key()) {
            fields.push(Field::parse(name, &text).map_err(|fault| (name.key().to_owned(), fault))?);
        }
    }
    if fields.is_empty() {
        return fault("type", "no field");
    }
    Ok(Trigger::Cron(Arc::new(Cron::of_fields(
        fields, bounds, zone, 0,
    ))))
}

fn fault<T>(key: &str, message: &str) -> Result<T, (String, Fault)> {
    Err((key.to_owned(), Fault::new(message)))
}

/// The text of a key; a number's text and the number mean the same.
fn text(keys: &Map<String, Value>, key: &str) -> Option<String> {
    match keys.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What is wrong with our answer to a vector; nothing where it agrees.
fn complaint(vector: &Value) -> Option<String> {
    let loaded = load(vector["trigger"].as_object().unwrap());
    if vector["error"] == true {
        return match loaded {
            Err((field, _)) if field == vector["field"] => None,
            Err((field, fault)) => Some(format!("names {field}: {}", fault.message)),
            Ok(trigger) => Some(format!("accepted as {trigger}")),
        };
    }
    let trigger = match loaded {
        Ok(trigger) => trigger,
        Err((field, fault)) => return Some(format!("refused: {field}: {}", fault.message)),
    };
    let wanted: Vec<_> = vector["fires"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fire| fire.as_str().unwrap())
        .collect();
    let found = fires(
        &trigger,
        at(vector["from"].as_str().unwrap()),
        wanted.len() + 1,
    );
    let shown: Vec<_> = found
        .iter()
        .map(|fire| trigger.zone().local(*fire).to_rfc3339())
        .collect();
    let agrees = shown.iter().take(wanted.len()).eq(&wanted)
        && (shown.len() == wanted.len()) == (vector["exhausted"] == true);
    (!agrees).then(|| format!("{trigger} fires at {shown:?}"))
}

#[test]
fn every_vector_agrees() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let mut complaints = Vec::new();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let vector: Value = serde_json::from_str(line).unwrap();
            let Some(id) = vector["id"]
                .as_str()
                .filter(|_| vector["trigger"].is_object())
            else {
                continue;
            };
            count += 1;
            complaints.extend(complaint(&vector).map(|complaint| format!("{id}: {complaint}")));
        }
    }
    assert!(count > 4_000, "only {count} vectors in {folder}");
    assert!(
        complaints.is_empty(),
        "{} of {count} vectors disagree:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}
