//! Plain scalars that YAML 1.1 reads as something else than they look like.

use super::Node;
use crate::value::Value;

/// How YAML 1.1 came to its reading of a plain scalar, such as `YAML 1.1 reads 4:30 as 4×60+30`;
/// `None` where nothing about it is surprising.
#[must_use]
pub fn explain(node: &Node, text: &str) -> Option<String> {
    let raw = node.written(text)?;
    let value = node.value()?;
    let reading = match value {
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => number(raw, value)?,
        Value::Bool(truth) => (!is_core_boolean(raw)).then(|| truth.to_string())?,
        Value::Date(_) => "a date".to_owned(),
        Value::DateTime(..) => "a date and a time".to_owned(),
        Value::Str(_) => {
            return looks_like_number(raw)
                .then(|| format!("YAML 1.1 reads {raw} as text, newer readers as a number"));
        }
        Value::None
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Set(_)
        | Value::Map(_) => return None,
    };
    Some(format!("YAML 1.1 reads {raw} as {reading}"))
}

/// What a number with a surprising notation comes to; `None` for an ordinary one.
fn number(raw: &str, value: &Value) -> Option<String> {
    let digits = raw.trim_start_matches(['+', '-']);
    if digits.contains(':') {
        return Some(sexagesimal(digits));
    }
    let is_hex = digits.starts_with("0x");
    let has_zero = digits.len() > 1 && digits.starts_with('0') && !digits.contains('.') && !is_hex;
    (has_zero && !is_decimal(digits, value) || digits.contains('_')).then(|| value.str())
}

/// Whether the digits come to the same where the zero in front means nothing: `05` is 5 for all
/// readers, `010` is not.
fn is_decimal(digits: &str, value: &Value) -> bool {
    matches!(value, Value::Int(number) if digits.parse() == Ok(number.unsigned_abs()))
}

/// `4:30` as `4×60+30`, `12:30:00` as `12×3600+30×60+0`.
fn sexagesimal(digits: &str) -> String {
    let places: Vec<&str> = digits.split(':').collect();
    let last = places.len() - 1;
    let terms = places
        .iter()
        .enumerate()
        .map(|(index, digit)| match last - index {
            0 => (*digit).to_owned(),
            1 => format!("{digit}×60"),
            2 => format!("{digit}×3600"),
            power => format!("{digit}×60^{power}"),
        });
    terms.collect::<Vec<_>>().join("+")
}

/// `true` and `false` are booleans for every reader of YAML.
fn is_core_boolean(raw: &str) -> bool {
    raw.eq_ignore_ascii_case("true") || raw.eq_ignore_ascii_case("false")
}

/// Whether YAML 1.2's core schema makes a number of what YAML 1.1 leaves as text.
fn looks_like_number(raw: &str) -> bool {
    let unsigned = raw.strip_prefix(['+', '-']).unwrap_or(raw);
    if let Some(octal) = raw.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent.is_empty()
        && all_digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> Option<String> {
        let document = crate::yaml::parse(text).unwrap();
        explain(&document.root, text)
    }

    #[test]
    fn what_looks_like_something_else_is_explained() {
        for (text, reading) in [
            ("4:30", "4×60+30"),
            ("12:30:00", "12×3600+30×60+00"),
            ("010", "8"),
            ("-010", "-8"),
            ("0b11", "3"),
            ("1_000", "1000"),
            ("no", "false"),
            ("2024-01-01", "a date"),
        ] {
            let expected = format!("YAML 1.1 reads {text} as {reading}");
            assert_eq!(explained(text).as_deref(), Some(&*expected));
        }
        for text in ["1e3", "0o10", "08", "-09"] {
            assert!(explained(text).unwrap().contains("as text"), "{text}");
        }
    }

    #[test]
    fn what_every_reader_reads_alike_is_not() {
        for text in [
            "4", "-4", "0", "00", "05", "-07", "+007", "0x10", "1.5", "true", "False", "04:30",
            "'no'", "a.b", "~", ".",
        ] {
            assert_eq!(explained(text), None, "{text}");
        }
    }
}
