//! The values of single keys: whole numbers, booleans, text, durations.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::duration;
use super::reader::Reader;
use super::section::Item;
use crate::diagnostic::{Code, Diagnostic};
use crate::value::Value;
use crate::yaml::{self, Node};

/// A hundred thousand years: they fit every clock and still mean "never".
const LONGEST: Duration = Duration::from_secs(3_155_760_000_000);

/// A whole number in `range`; digits in quotes will do.
pub(super) fn whole(
    reader: &mut Reader<'_>,
    item: Item<'_>,
    range: RangeInclusive<i64>,
) -> Option<i64> {
    let number = whole_number(item.value);
    if let Some(number) = number.filter(|number| range.contains(number)) {
        warn_of_number(reader, item, number);
        return Some(number);
    }
    let limits = match (*range.start(), *range.end()) {
        (low, high) if high >= i64::from(u32::MAX) && number.is_none_or(|number| number < low) => {
            format!("of {low} or more")
        }
        (low, high) => format!("from {low} to {high}"),
    };
    let message = format!(
        "`{}` must be a whole number {limits}{}",
        item.name,
        but_this_is(item.value)
    );
    let help = yaml::explain(item.value, reader.text);
    reader.bad_value(item.value.span, message, help);
    None
}

/// The whole number that the node is, or that its text spells in ASCII digits.
pub(super) fn whole_number(node: &Node) -> Option<i64> {
    match node.value()? {
        Value::Int(number) => Some(*number),
        Value::Str(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            let spelled = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            spelled.then(|| text.parse().ok()).flatten()
        }
        _ => None,
    }
}

/// Warns where a number is written so that it looks like another, and tells which it is: one in
/// quotes is none, so that is no way out.
pub(super) fn warn_of_number(reader: &mut Reader<'_>, item: Item<'_>, number: impl Display) {
    let way_out = |_: &str| format!("write `{}: {number}`", item.name);
    warn_of_reading(reader, item, way_out);
}

/// Warns where YAML reads a value otherwise than it looks, with the way out that the config's text
/// has. What several jobs have from one place is told once.
fn warn_of_reading(reader: &mut Reader<'_>, item: Item<'_>, way_out: impl FnOnce(&str) -> String) {
    let span = item.value.span;
    if reader.is_understood(span) {
        return;
    }
    if let Some(message) = yaml::explain(item.value, reader.text) {
        let warning = Diagnostic::warning(Code::SurprisingValue, message);
        reader.report(warning.at(span).with_help(way_out(reader.text)));
        reader.understand(span);
    }
}

/// True or false.
pub(super) fn boolean(reader: &mut Reader<'_>, item: Item<'_>) -> Option<bool> {
    if let Some(Value::Bool(value)) = item.value.value() {
        reader.understand(item.value.span);
        return Some(*value);
    }
    let message = format!(
        "`{}` must be true or false{}",
        item.name,
        but_this_is(item.value)
    );
    let quoted = item
        .value
        .as_str()
        .and_then(|text| yaml::parse_value(text).ok());
    let help = matches!(quoted, Some(Value::Bool(_))).then(|| "remove the quotes".to_owned());
    reader.bad_value(item.value.span, message, help);
    None
}

/// Text that is not empty.
pub(super) fn text<'n>(reader: &mut Reader<'_>, item: Item<'n>) -> Option<&'n str> {
    match item.value.as_str() {
        Some(text) if !text.trim().is_empty() => Some(text),
        _ => {
            let message = format!("`{}` must be text{}", item.name, but_this_is(item.value));
            let help = yaml::explain(item.value, reader.text);
            reader.bad_value(item.value.span, message, help);
            None
        }
    }
}

/// A number of seconds, also with a fraction, or text such as `1h30m`.
pub(super) fn duration(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Duration> {
    let found = match item.value.value().unwrap_or(&Value::None) {
        Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
        Value::Str(text) => duration::parse(text),
        _ => None,
    };
    if let Some(found) = found.filter(|found| *found <= LONGEST) {
        warn_of_reading(reader, item, |text| as_duration(item, found, text));
        return Some(found);
    }
    let message = format!(
        "`{}` must be a duration{}",
        item.name,
        but_this_is(item.value)
    );
    let help = yaml::explain(item.value, reader.text)
        .or_else(|| item.value.as_str().and_then(duration::in_words))
        .unwrap_or_else(|| "write seconds, or text such as 90s, 5m, 1h30m, 2d".to_owned());
    reader.bad_value(item.value.span, message, Some(help));
    None
}

/// For `timeout: 1:30`, which YAML 1.1 makes 90 seconds: how to write that, and what else it looks
/// like.
fn as_duration(item: Item<'_>, found: Duration, text: &str) -> String {
    let name = item.name;
    let found = if found.subsec_nanos() == 0 {
        duration::text(found)
    } else {
        found.as_secs_f64().to_string()
    };
    let clock = duration::of_clock(item.value.span.of(text));
    let clock = clock.map(duration::text).map(|clock| {
        let clock = format!("`{name}: {clock}`");
        format!(", or {clock} for hours and minutes")
    });
    format!("write `{name}: {found}`{}", clock.unwrap_or_default())
}

/// `, but this is 270`, where the value is short enough to be told.
pub(super) fn but_this_is(node: &Node) -> String {
    let value = node.to_value();
    match &value {
        Value::None => ", but nothing is given".to_owned(),
        Value::Bool(truth) => format!(", but this is {truth}"),
        Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::DateTime(..) => {
            format!(", but this is {}", value.str())
        }
        Value::Str(text) if text.is_empty() => ", but this is empty".to_owned(),
        Value::Str(_) => String::new(),
        Value::BigInt(_) => ", but this is far larger".to_owned(),
        Value::List(items) if items.is_empty() => ", but this is an empty list".to_owned(),
        Value::Bytes(_) | Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::Map(_) => {
            format!(", but this is {}", noun(&value))
        }
    }
}

/// What people call a value of that type.
pub(super) fn noun(value: &Value) -> &'static str {
    match value {
        Value::None => "nothing",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => "a number",
        Value::Str(_) => "text",
        Value::Bytes(_) => "bytes",
        Value::Date(_) | Value::DateTime(..) => "a date",
        Value::List(_) => "a list",
        Value::Tuple(_) => "a tuple",
        Value::Set(_) => "a set",
        Value::Map(_) => "a mapping",
    }
}
