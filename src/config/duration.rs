//! How long: a number of seconds, or text such as `90s`, `5m`, `1h30m`, `90d`.

use std::time::Duration;

/// The units of a duration's text, largest first, with their seconds.
const UNITS: [(&str, u64); 5] = [
    ("w", 604_800),
    ("d", 86_400),
    ("h", 3600),
    ("m", 60),
    ("s", 1),
];

/// Reads `90`, `90s`, `5m`, `1h30m`, `2d`, `1w`: each unit at most once, largest first.
///
/// `None` where the text is anything else, or longer than 64 bits of seconds.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Some(seconds) = digits(text) {
        return Some(Duration::from_secs(seconds));
    }
    let (mut rest, mut sum) = (text, 0_u64);
    for (unit, seconds) in UNITS {
        let Some((number, behind)) = rest.split_once(unit) else {
            continue;
        };
        sum = sum.checked_add(digits(number)?.checked_mul(seconds)?)?;
        rest = behind.trim_start();
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(sum))
}

/// The duration in the form that [`parse`] reads, such as `1h30m`; fractions are cut off.
#[must_use]
pub fn text(duration: Duration) -> String {
    let whole = duration.as_secs();
    let mut text = String::new();
    let mut rest = whole;
    for (unit, seconds) in UNITS.into_iter().skip(1) {
        let number = rest / seconds;
        rest %= seconds;
        if number > 0 || (whole == 0 && seconds == 1) {
            text.push_str(&number.to_string());
            text.push_str(unit);
        }
    }
    text
}

/// For `1:30`, as a clock shows hours and minutes.
pub(super) fn of_clock(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':')?;
    let minutes = digits(hours)?
        .checked_mul(60)?
        .checked_add(digits(minutes)?)?;
    Some(Duration::from_secs(minutes.checked_mul(60)?))
}

/// For `5 minutes` and `2 hours`: how to write that, as a line of help.
pub(super) fn in_words(text: &str) -> Option<String> {
    short(text).map(|short| format!("write `{short}`"))
}

/// What somebody means who writes `90s`, `1h30m` or `5 minutes`.
pub(super) fn meant(text: &str) -> Option<Duration> {
    parse(text).or_else(|| parse(&short(text)?))
}

/// `5m` for `5 minutes`.
fn short(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [number, word] = words[..] else {
        return None;
    };
    let names = ["week", "day", "hour", "minute", "second"];
    let word = word.trim_end_matches('s').to_lowercase();
    let index = names.iter().position(|name| *name == word)?;
    digits(number).map(|number| format!("{number}{}", UNITS[index].0))
}

fn digits(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_or_numbers_with_units() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("90d", 7_776_000),
            ("1w", 604_800),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "m",
            "5 minutes",
            "30m1h",
            "1h1h",
            "-5",
            "1.5h",
            "5x",
            "٣s",
            "99999999999999999999w",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_told_in_units() {
        assert_eq!(in_words("5 minutes").as_deref(), Some("write `5m`"));
        assert_eq!(in_words("1 Hour").as_deref(), Some("write `1h`"));
        assert_eq!(in_words("5 apples"), None);
    }

    #[test]
    fn the_text_of_a_duration_is_read_back() {
        for seconds in [0, 1, 59, 60, 5400, 86_400, 7_776_000, 90_061] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse(&text(duration)), Some(duration));
        }
        assert_eq!(text(Duration::from_secs(5400)), "1h30m");
    }
}
