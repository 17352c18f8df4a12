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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn looks_decide_as_in_yaml_1_1() {
        for (tag, texts) in [
            (Tag::Bool, "yes No TRUE on Off false"),
            (
                Tag::Str,
                "y n Y N yEs tRUE None nil nUll inf .e+1 _1 0o10 08 0b2 0xg 1e3 1.0e3 -.5",
            ),
            (
                Tag::Str,
                "04:30 1:60 1:100 1:30am 2024-1-1 2024-01-01T10:00 -- +-1 .iNF -.nan <a ٣",
            ),
            (
                Tag::Int,
                "0 00 010 0_7 1_000 1__0 -1 +12 0x1F 0b101 0b_ 4:30 12:30:00 190:20:30",
            ),
            (
                Tag::Float,
                "1. .5 1.5 -1_0.5_ 1.0e+3 .5e-3 1:30.5 0:0.0 .inf -.INF +.Inf .nan .NaN",
            ),
            (
                Tag::Timestamp,
                "2024-01-01 2024-1-1T1:00:00 2024-01-01t10:00:00.5Z",
            ),
            (
                Tag::Timestamp,
                "2024-99-99 2024-01-01T10:00:00-05:00 2024-01-01T10:00:00+5",
            ),
            (Tag::Null, "~ null Null NULL"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(resolve(text), tag, "{text}");
            }
        }
        assert_eq!(resolve(""), Tag::Null);
        assert_eq!(resolve("<<"), Tag::Merge);
        assert_eq!(resolve("="), Tag::Value);
        assert_eq!(resolve("2024-01-01  10:00:00 +1"), Tag::Timestamp);
    }

    proptest! {
        #[test]
        fn what_looks_like_a_number_has_one(text in "[-+]?[0-9xob_.:eEaf+-]{1,12}") {
            // `0b_` and its like have the looks and no digits; Python fails on them as well.
            let is_empty = matches!(text.trim_start_matches(['-', '+']).get(..2), Some("0b" | "0x"))
                && text.ends_with('_');
            match resolve(&text) {
                Tag::Int => prop_assert!(is_empty || super::super::scalar::int(&text).is_some()),
                Tag::Float => prop_assert!(super::super::scalar::float(&text).is_some()),
                _ => {}
            }
        }

        #[test]
        fn decimal_digits_are_integers_unless_octal(text in "[0-9]{1,20}") {
            let is_octal = text.bytes().all(|byte| byte < b'8');
            let is_int = text == "0" || !text.starts_with('0') || is_octal;
            prop_assert_eq!(resolve(&text) == Tag::Int, is_int);
        }
    }
}
