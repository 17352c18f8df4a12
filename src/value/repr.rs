//! Python's `repr()` and `str()` of a value.

use std::fmt::Write;

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, Timelike};

use super::Value;
use super::number::float_repr;

impl Value {
    /// Python's `repr()` of this value, such as `'it\'s'` or `datetime.date(2024, 1, 1)`.
    ///
    /// A set shows its items in the order of the text, where Python's order is arbitrary.
    #[must_use]
    pub fn repr(&self) -> String {
        let mut out = String::new();
        write_repr(&mut out, self);
        out
    }

    /// Python's `str()` of this value: a string as it is, dates in ISO form, else the `repr()`.
    #[must_use]
    pub fn str(&self) -> String {
        match self {
            Self::Str(text) => text.clone(),
            Self::Date(date) => date_iso(*date),
            Self::DateTime(reading, offset) => datetime_iso(*reading, *offset, ' '),
            Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::BigInt(_)
            | Self::Float(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Tuple(_)
            | Self::Set(_)
            | Self::Map(_) => self.repr(),
        }
    }
}

/// A date in ISO form, with the four digits of the year that Python always writes.
pub(super) fn date_iso(date: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// Python's `datetime.isoformat(sep)`.
pub(super) fn datetime_iso(
    reading: NaiveDateTime,
    offset: Option<FixedOffset>,
    sep: char,
) -> String {
    let mut out = date_iso(reading.date());
    let (hour, minute, second) = (reading.hour(), reading.minute(), reading.second());
    push(
        &mut out,
        format_args!("{sep}{hour:02}:{minute:02}:{second:02}"),
    );
    let micros = reading.nanosecond() / 1000;
    if micros != 0 {
        push(&mut out, format_args!(".{micros:06}"));
    }
    if let Some(offset) = offset {
        let seconds = offset.local_minus_utc();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        push(
            &mut out,
            format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        );
    }
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a string cannot fail");
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(value) => push(out, format_args!("{value}")),
        Value::BigInt(value) => push(out, format_args!("{value}")),
        Value::Float(value) => out.push_str(&float_repr(*value)),
        Value::Str(text) => write_str(out, text),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::Date(date) => push(
            out,
            format_args!(
                "datetime.date({}, {}, {})",
                date.year(),
                date.month(),
                date.day()
            ),
        ),
        Value::DateTime(reading, offset) => write_datetime(out, *reading, *offset),
        Value::List(items) => write_items(out, "[", items, "]"),
        Value::Tuple(items) if items.len() == 1 => write_items(out, "(", items, ",)"),
        Value::Tuple(items) => write_items(out, "(", items, ")"),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => write_items(out, "{", items, "}"),
        Value::Map(entries) => write_map(out, entries),
    }
}

fn write_items(out: &mut String, open: &str, items: &[Value], close: &str) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(out, item);
    }
    out.push_str(close);
}

fn write_map(out: &mut String, entries: &[(Value, Value)]) {
    out.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(out, key);
        out.push_str(": ");
        write_repr(out, value);
    }
    out.push('}');
}

fn write_datetime(out: &mut String, reading: NaiveDateTime, offset: Option<FixedOffset>) {
    push(
        out,
        format_args!(
            "datetime.datetime({}, {}, {}, {}, {}",
            reading.year(),
            reading.month(),
            reading.day(),
            reading.hour(),
            reading.minute()
        ),
    );
    let micros = reading.nanosecond() / 1000;
    if reading.second() != 0 || micros != 0 {
        push(out, format_args!(", {}", reading.second()));
    }
    if micros != 0 {
        push(out, format_args!(", {micros}"));
    }
    if let Some(offset) = offset {
        write_timezone(out, offset.local_minus_utc());
    }
    out.push(')');
}

/// A negative offset is a day less and the rest in seconds, as Python's `timedelta` has it.
fn write_timezone(out: &mut String, seconds: i32) {
    let delta = match seconds {
        0 => {
            out.push_str(", tzinfo=datetime.timezone.utc");
            return;
        }
        ..0 => format!("days=-1, seconds={}", seconds + 86_400),
        1.. => format!("seconds={seconds}"),
    };
    push(
        out,
        format_args!(", tzinfo=datetime.timezone(datetime.timedelta({delta}))"),
    );
}

/// Python prefers single quotes, and takes double ones where that saves escaping.
fn quote_of(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn write_str(out: &mut String, text: &str) {
    let quote = quote_of(text.contains('\''), text.contains('"'));
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ if is_printable(character) => out.push(character),
            _ => write_escape(out, u32::from(character)),
        }
    }
    out.push(quote);
}

fn write_escape(out: &mut String, code: u32) {
    match code {
        0..=0xff => push(out, format_args!("\\x{code:02x}")),
        0x100..=0xffff => push(out, format_args!("\\u{code:04x}")),
        _ => push(out, format_args!("\\U{code:08x}")),
    }
}

/// Whether `repr` shows a character as it is.
///
/// Rust's `escape_debug` also leaves printable characters alone, but knows combining marks as
/// "grapheme extend" and escapes them when they stand alone; those are printable in Python.
fn is_printable(character: char) -> bool {
    match character {
        ' ' | '\'' | '"' => true,
        _ if character.is_whitespace() || character.is_control() => false,
        _ => {
            let mut text = [0; 5];
            // After a letter a combining mark is shown, so only unprintable ones are escaped.
            text[0] = b'a';
            let len = 1 + character.encode_utf8(&mut text[1..]).len();
            std::str::from_utf8(&text[..len])
                .is_ok_and(|text| text.escape_debug().nth(1) == Some(character))
        }
    }
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let quote = quote_of(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.push('b');
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            _ if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => push(out, format_args!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
}
