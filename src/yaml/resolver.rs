//! What a plain scalar is in YAML 1.1, by its looks.
//!
//! Source: the implicit resolvers of `PyYAML` 6.0, `resolver.py`.

use super::tag::Tag;
use super::timestamp;

/// The type of a scalar that was written plainly.
pub(super) fn resolve(text: &str) -> Tag {
    match text.as_bytes() {
        [] | b"~" | b"null" | b"Null" | b"NULL" => Tag::Null,
        b"<<" => Tag::Merge,
        b"=" => Tag::Value,
        bytes @ [first, ..] => match first {
            b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
                if is_bool(text) { Tag::Bool } else { Tag::Str }
            }
            b'0'..=b'9' | b'-' | b'+' | b'.' => resolve_number(bytes),
            _ => Tag::Str,
        },
    }
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "true", "false", "on", "off"];
    let rest = text.get(1..).unwrap_or_default();
    let one_case = rest.bytes().all(|byte| byte.is_ascii_lowercase())
        || text.bytes().all(|byte| byte.is_ascii_uppercase());
    one_case && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn resolve_number(text: &[u8]) -> Tag {
    if is_float(text) {
        Tag::Float
    } else if is_int(text) {
        Tag::Int
    } else if is_timestamp(text) {
        Tag::Timestamp
    } else {
        Tag::Str
    }
}

/// What follows the longest prefix of `text` whose bytes all are `wanted`.
fn skip(text: &[u8], wanted: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|&byte| !wanted(byte));
    &text[end.unwrap_or(text.len())..]
}

fn is_digit_or_gap(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn skip_sign(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+")
        .or_else(|| text.strip_prefix(b"-"))
        .unwrap_or(text)
}

fn is_int(text: &[u8]) -> bool {
    let all = |digits: &[u8], wanted: fn(u8) -> bool| {
        !digits.is_empty() && digits.iter().all(|&byte| wanted(byte) || byte == b'_')
    };
    match skip_sign(text) {
        b"0" => true,
        [b'0', b'b', digits @ ..] => all(digits, |byte| matches!(byte, b'0' | b'1')),
        [b'0', b'x', digits @ ..] => all(digits, |byte| byte.is_ascii_hexdigit()),
        [b'0', digits @ ..] => all(digits, |byte| matches!(byte, b'0'..=b'7')),
        [b'1'..=b'9', digits @ ..] => skip_sixties(skip(digits, is_digit_or_gap)).is_empty(),
        _ => false,
    }
}

/// What follows the parts of a number to the base of sixty, such as `:30:00`.
fn skip_sixties(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b':', b'0'..=b'5', b'0'..=b'9', rest @ ..] | [b':', b'0'..=b'9', rest @ ..] => rest,
            _ => return text,
        };
    }
}

fn is_float(text: &[u8]) -> bool {
    if matches!(text, b".nan" | b".NaN" | b".NAN") {
        return true;
    }
    if let [b'.', b'0'..=b'9', rest @ ..] = text {
        return is_exponent(skip(rest, is_digit_or_gap));
    }
    match skip_sign(text) {
        b".inf" | b".Inf" | b".INF" => true,
        [b'0'..=b'9', rest @ ..] => {
            let rest = skip(rest, is_digit_or_gap);
            let sixties = skip_sixties(rest);
            match sixties {
                [b'.', fraction @ ..] => {
                    let end = skip(fraction, is_digit_or_gap);
                    end.is_empty() || (sixties.len() == rest.len() && is_exponent(end))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether this is nothing, or an exponent, which YAML 1.1 wants with a sign.
fn is_exponent(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'e' | b'E', b'+' | b'-', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Whether this is a date written in full, or a date and a time.
fn is_timestamp(text: &[u8]) -> bool {
    const DATE_LEN: usize = "2024-01-01".len();
    let has_time = text
        .iter()
        .any(|byte| matches!(byte, b'T' | b't' | b' ' | b'\t'));
    (has_time || text.len() == DATE_LEN) && timestamp::matches(text)
}
