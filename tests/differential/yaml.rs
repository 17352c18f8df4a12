//! Documents: ours against `PyYAML`'s `FullLoader`. None may be read as another value, nor may we
//! read what `PyYAML` refuses. What we refuse is counted by its reason: being strict is allowed.

use std::ops::Range;

use fastrand::Rng;
use sched::yaml;
use serde_json::{Value, json};

use super::documents::document;
use super::oracle::Oracle;
use super::report::Report;

/// What `PyYAML` refuses and we read, by a piece of its message.
const LOOSER: &[&str] = &[];

/// How often a document is cut to find the smallest.
const MOST_CUTS: usize = 400;

/// How two answers to a document differ.
#[derive(Debug, PartialEq)]
enum Verdict {
    Same,
    /// Both refuse it.
    Refused,
    /// `PyYAML` takes so long that nobody waits for it.
    Slow,
    /// Both read it, as different values.
    Different,
    /// We refuse it, with that message.
    Stricter(String),
    /// `PyYAML` refuses it, with that message.
    Looser(String),
}

/// Compares the documents of these seeds.
pub(crate) fn compare(seeds: Range<u64>) {
    let mut oracle = Oracle::start();
    let mut report = Report::default();
    for seed in seeds {
        let text = document(&mut Rng::with_seed(seed));
        match judge(&mut oracle, &text) {
            Verdict::Same => report.count("read alike"),
            Verdict::Refused => report.count("refused by both"),
            Verdict::Slow => report.count("too slow for PyYAML"),
            Verdict::Stricter(why) => {
                report.count(format!("refused by us: {}", kind(&why)));
            }
            Verdict::Looser(why) if is_known(LOOSER, &why) => {
                report.count(format!("refused by PyYAML: {}", kind(&why)));
            }
            Verdict::Different | Verdict::Looser(_) => {
                if report.is_room() {
                    report.differs(seed, &shown(&mut oracle, &text));
                } else {
                    report.count("more differences");
                }
            }
        }
    }
    report.finish();
}

fn judge(oracle: &mut Oracle, text: &str) -> Verdict {
    let theirs = oracle.ask(&json!({ "yaml": text }));
    if theirs.get("slow").is_some() {
        return Verdict::Slow;
    }
    match (read(text), theirs.get("error")) {
        (Ok(_), Some(why)) => Verdict::Looser(why.to_string()),
        (Ok(value), None) if theirs.get("json").cloned().map(sorted).as_ref() == Some(&value) => {
            Verdict::Same
        }
        (Ok(_), None) => Verdict::Different,
        (Err(_), Some(_)) => Verdict::Refused,
        (Err(why), None) => Verdict::Stricter(why),
    }
}

/// The JSON form of a document, or why it is refused.
fn read(text: &str) -> Result<Value, String> {
    let text = yaml::decode(text.as_bytes()).map_err(|fault| fault.message)?;
    let value = yaml::parse_value(&text).map_err(|fault| fault.message)?;
    Ok(sorted(value.to_json()))
}

/// The same, sets in one order: Python's have none.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let mut value = sorted(value);
                if let ("$set", Value::Array(items)) = (key.as_str(), &mut value) {
                    items.sort_by_key(Value::to_string);
                }
                (key, value)
            });
            Value::Object(entries.collect())
        }
        other => other,
    }
}

fn is_known(list: &[&str], why: &str) -> bool {
    list.iter().any(|known| why.contains(known))
}

/// A message without what it quotes.
fn kind(why: &str) -> String {
    why.split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 0 { part } else { "`…`" })
        .collect()
}

/// A difference, its document cut down to what makes it.
fn shown(oracle: &mut Oracle, text: &str) -> String {
    let text = shrunk(oracle, text);
    let theirs = oracle.ask(&json!({ "yaml": text }));
    let ours = read(&text).map_or_else(|why| why, |value| value.to_string());
    format!("{text:?}\n  ours:   {ours}\n  theirs: {theirs}")
}

/// The document without all parts that can go, the difference staying what it is.
fn shrunk(oracle: &mut Oracle, text: &str) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let wanted = essence(oracle, &text);
    let mut length = text.len();
    let mut attempts = 0;
    while length > 0 {
        let mut start = 0;
        while start < text.len() && attempts < MOST_CUTS {
            attempts += 1;
            let end = (start + length).min(text.len());
            let rest = [&text[..start], &text[end..]].concat();
            if essence(oracle, &rest) == wanted {
                text = rest;
            } else {
                start += length;
            }
        }
        length /= 2;
    }
    text.into_iter().collect()
}

/// The verdict, messages without places.
fn essence(oracle: &mut Oracle, text: &[char]) -> Verdict {
    let text: String = text.iter().collect();
    match judge(oracle, &text) {
        Verdict::Stricter(why) => Verdict::Stricter(kind(&why)),
        Verdict::Looser(why) => Verdict::Looser(why.chars().take(40).collect()),
        same @ (Verdict::Same | Verdict::Refused | Verdict::Slow | Verdict::Different) => same,
    }
}
