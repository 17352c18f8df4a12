//! Values as YAML text that `PyYAML` reads back as the same values.
//!
//! `serde_yaml` lays the text out. It knows YAML 1.2 only, and leaves `12:30:00`, `1_000` or `=`
//! bare, which YAML 1.1 reads as other things; and it has no bytes, dates, sets and tuples. So
//! each such leaf is written here, into the place that a mark keeps for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_yaml::{Mapping, Number, Value as Yaml};

use crate::clean;
use crate::value::Value;
use crate::yaml;

/// Stands on both sides of a leaf's number in the text of `serde_yaml`. It is a character for
/// private use; strings that have it are leaves of ours themselves.
const MARK: char = '\u{f8ff}';

/// The leaves that are written here.
#[derive(Default)]
struct Leaves(Vec<String>);

/// The value as a YAML document, in block style.
///
/// # Errors
/// Where `serde_yaml` cannot write it, which its own documentation does not rule out.
pub(super) fn document(value: &Value) -> Result<String, serde_yaml::Error> {
    let mut leaves = Leaves::default();
    let laid_out = serde_yaml::to_string(&leaves.layout(value))?;
    let mut text = String::with_capacity(laid_out.len());
    for (index, piece) in laid_out.split(MARK).enumerate() {
        let leaf = || leaves.0.get(piece.parse::<usize>().ok()?);
        // Every second piece is between two marks.
        let leaf = if index % 2 == 1 { leaf() } else { None };
        text.push_str(leaf.map_or(piece, String::as_str));
    }
    Ok(text)
}

impl Leaves {
    fn layout(&mut self, value: &Value) -> Yaml {
        match value {
            Value::None => Yaml::Null,
            Value::Bool(truth) => Yaml::Bool(*truth),
            Value::Int(number) => Yaml::Number(Number::from(*number)),
            Value::Str(text) if is_safe(text) => Yaml::String(text.clone()),
            Value::List(items) => {
                Yaml::Sequence(items.iter().map(|item| self.layout(item)).collect())
            }
            Value::Map(entries) => Yaml::Mapping(self.mapping(entries)),
            Value::Str(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Bytes(_)
            | Value::Date(_)
            | Value::DateTime(..)
            | Value::Tuple(_)
            | Value::Set(_) => self.leaf(flow(value)),
        }
    }

    fn mapping(&mut self, entries: &[(Value, Value)]) -> Mapping {
        entries
            .iter()
            .map(|(key, value)| {
                // A list or a mapping cannot be a key; whatever else is, is a leaf.
                let key = self.layout(key);
                (key, self.layout(value))
            })
            .collect()
    }

    fn leaf(&mut self, text: String) -> Yaml {
        self.0.push(text);
        Yaml::String(format!("{MARK}{}{MARK}", self.0.len() - 1))
    }
}

/// Whether `serde_yaml` writes the string so that it is read back as it is.
fn is_safe(text: &str) -> bool {
    // Block scalars keep line feeds; anything else that cannot be seen is written with escapes.
    let is_visible = text
        .chars()
        .all(|c| c == '\n' || (clean::visible(c) == c && c != MARK));
    is_visible && is_read_back(text)
}

fn is_read_back(text: &str) -> bool {
    let entry = Mapping::from_iter([(Yaml::String("k".to_owned()), Yaml::String(text.to_owned()))]);
    let Ok(written) = serde_yaml::to_string(&entry) else {
        return false;
    };
    let key = Value::Str("k".to_owned());
    let expected = Value::Map(vec![(key, Value::Str(text.to_owned()))]);
    yaml::parse_value(&written).is_ok_and(|value| value == expected)
}

/// The value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::None => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Str(text) => quoted(text),
        Value::Bytes(bytes) => format!("!!binary \"{}\"", BASE64_STANDARD.encode(bytes)),
        Value::Date(date) => date.to_string(),
        Value::DateTime(reading, None) => reading.to_string(),
        Value::DateTime(reading, Some(offset)) => format!("{reading}{offset}"),
        Value::List(items) => format!("[{}]", all(items)),
        Value::Tuple(items) => format!("!!python/tuple [{}]", all(items)),
        Value::Set(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| format!("{}: null", flow(item)))
                .collect();
            format!("!!set {{{}}}", items.join(", "))
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| format!("{}: {}", flow(key), flow(value));
            format!(
                "{{{}}}",
                entries.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn all(items: &[Value]) -> String {
    items.iter().map(flow).collect::<Vec<_>>().join(", ")
}

/// Python's text of a float, with the dot that YAML 1.1 wants.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = Value::Float(number).repr();
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}

/// The string in double quotes; what cannot be seen is written as an escape.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{85}' => out.push_str(&escaped(c)),
            _ if clean::visible(c) != c => out.push_str(&escaped(c)),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn escaped(c: char) -> String {
    format!("\\u{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(value: &Value) -> Value {
        let text = document(value).unwrap();
        yaml::parse_value(&text).unwrap_or_else(|why| panic!("{}: {text}", why.message))
    }

    fn text(text: &str) -> Value {
        Value::Str(text.to_owned())
    }

    #[test]
    fn text_that_yaml_reads_as_something_else_is_quoted() {
        for word in [
            "no",
            "on",
            "12:30:00",
            "4:30",
            "2024-01-01",
            "2024-13-45",
            "1_000",
            "=",
            "010",
            "<<",
            "~",
            "",
            " ",
            "a ",
            "#",
            "a: b",
            "a #b",
            "- a",
            "0x1f",
            "1e3",
            ".inf",
            "null",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "'",
            "\"",
            "\\",
            "\t",
            "a\nb",
            "\n",
            "a\n",
            " a\nb",
            "a\n\n",
            "\r\n",
            "\x1b[2J",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{202e}",
            "\u{f8ff}0\u{f8ff}",
            "---",
            "...",
            "é",
            "你好",
            "😀",
            "{",
            "]",
            ",",
            "?",
            "? a",
            ":",
            "a:",
            "-",
            "1.5",
            "0o10",
        ] {
            let value = Value::Map(vec![(text(word), Value::List(vec![text(word)]))]);
            assert_eq!(read_back(&value), value, "{word:?}");
        }
        assert_eq!(document(&text("no")).unwrap().trim_end(), "\"no\"");
        assert_eq!(
            document(&text("test.heartbeat")).unwrap(),
            "test.heartbeat\n"
        );
    }

    #[test]
    fn every_kind_of_value_is_read_back() {
        for source in [
            "[null, true, -5, 123456789012345678901234567890, 1.5, 1.0e+16, 1.0e-07, .inf, -.inf]",
            "!!binary aGVsbG8=",
            "2024-01-01",
            "2024-01-01 10:00:00",
            "2024-01-01 10:00:00.25 +02:00",
            "2024-01-01T10:00:00Z",
            "!!set {a, 1, no}",
            "!!python/tuple [1, !!python/tuple [a, no], {b: [2024-01-01]}]",
            "{1: a, no: b, 1.5: c, 2024-01-01: d, !!python/tuple [1, 2]: e}",
            "a: []\nb: {}\nc: [[], [[1]]]\n",
        ] {
            let value = yaml::parse_value(source).unwrap();
            assert_eq!(read_back(&value), value, "{source}");
        }
        assert!(matches!(read_back(&Value::Float(f64::NAN)), Value::Float(nan) if nan.is_nan()));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::None),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>()
                .prop_filter("a number", |f| !f.is_nan())
                .prop_map(Value::Float),
            "\\PC{0,12}".prop_map(Value::Str),
            "[ \\n:#0-9a-e_.,'\"-]{0,10}".prop_map(Value::Str),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let items = proptest::collection::vec(inner.clone(), 0..4);
            let names = proptest::collection::btree_map("\\PC{0,8}", inner, 0..4);
            prop_oneof![
                items.clone().prop_map(Value::List),
                items.prop_map(Value::Tuple),
                names.prop_map(|map| {
                    Value::Map(
                        map.into_iter()
                            .map(|(key, value)| (Value::Str(key), value))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_value_is_read_back(value in values()) {
            prop_assert_eq!(read_back(&value), value);
        }
    }
}
