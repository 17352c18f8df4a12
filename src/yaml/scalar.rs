//! From the text of a scalar and its type to its value, as Python computes it.
//!
//! Source: the `construct_yaml_…` functions of `PyYAML` 6.0, `constructor.py`.

use num_bigint::BigInt;

use super::base64;
use super::digit::normalize;
use crate::value::Value;

/// The most decimal digits of an `int`; Python 3.11 neither reads nor prints more.
const MAX_INT_DIGITS: u64 = 4300;

/// The same in bits: the digits times the binary logarithm of ten.
const MAX_INT_BITS: u64 = 14_284;

/// The value of a `!!bool`.
pub(super) fn bool(text: &str) -> Option<Value> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Some(Value::Bool(true)),
        "no" | "false" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// The value of an `!!int`: decimal, octal after `0`, binary, hexadecimal, or to the base of
/// sixty.
pub(super) fn int(text: &str) -> Option<Value> {
    let text = text.replace('_', "");
    let (negative, digits) = split_sign(&text);
    let value = if digits == "0" {
        BigInt::ZERO
    } else if let Some(digits) = digits.strip_prefix("0b") {
        python_int(digits, 2)?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        python_int(digits, 16)?
    } else if digits.starts_with('0') {
        python_int(digits, 8)?
    } else if digits.contains(':') {
        sixties(digits)?
    } else {
        python_int(digits, 10)?
    };
    let value = if negative { -value } else { value };
    (value.bits() <= MAX_INT_BITS).then(|| Value::int(value))
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Python's `int(text, base)`: with space around, a sign and the prefix of its base.
fn python_int(text: &str, base: u32) -> Option<BigInt> {
    let text = normalize(text);
    let (negative, digits) = split_sign(&text);
    let prefixes: [&str; 2] = match base {
        2 => ["0b", "0B"],
        8 => ["0o", "0O"],
        16 => ["0x", "0X"],
        _ => ["", ""],
    };
    let digits = prefixes
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix))
        .unwrap_or(digits);
    let fits = digits.bytes().all(|byte| char::from(byte).is_digit(base));
    if digits.is_empty() || !fits || digits.trim_start_matches('0').len() as u64 > MAX_INT_BITS {
        return None;
    }
    if base == 10 && digits.len() as u64 > MAX_INT_DIGITS {
        return None;
    }
    let value = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(if negative { -value } else { value })
}

/// A number to the base of sixty, such as `12:30:00`.
fn sixties(text: &str) -> Option<BigInt> {
    let mut value = BigInt::ZERO;
    for part in text.split(':') {
        value = value * 60 + python_int(part, 10)?;
        if value.bits() > MAX_INT_BITS {
            return None;
        }
    }
    Some(value)
}

/// The value of a `!!float`.
pub(super) fn float(text: &str) -> Option<Value> {
    let text = text.replace('_', "").to_lowercase();
    let (negative, digits) = split_sign(&text);
    if text.is_empty() {
        return None;
    }
    let value = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => return Some(Value::Float(f64::NAN)),
        _ if digits.contains(':') => float_sixties(digits)?,
        _ => python_float(digits)?,
    };
    Some(Value::Float(if negative { -value } else { value }))
}

/// Python's `float(text)`.
fn python_float(text: &str) -> Option<f64> {
    normalize(text).parse().ok()
}

/// A float to the base of sixty, added up from its last part as Python does, so that the same
/// bits are rounded away; `None` where a power of sixty is too large for a float.
fn float_sixties(text: &str) -> Option<f64> {
    let mut value = 0.0;
    let mut base = BigInt::from(1);
    for part in text.rsplit(':') {
        // Through decimal digits, which are read with correct rounding.
        let factor: f64 = base.to_string().parse().ok()?;
        if factor.is_infinite() {
            return None;
        }
        value += python_float(part)? * factor;
        base *= 60;
    }
    Some(value)
}

/// The value of a `!!binary`.
pub(super) fn binary(text: &str) -> Option<Value> {
    let encoded = text.is_ascii().then_some(text)?;
    base64::decode(encoded).map(Value::Bytes)
}
