//! Instants as people write and read them.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

use crate::config::duration;
use crate::trigger::{Zone, bound};

/// Where a weekday lies, seen from today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is the next one.
    Ahead,
    /// It is the last one.
    Behind,
}

/// Reads an instant as `--from`, `--since` and `--until` take it.
///
/// RFC 3339, `2026-12-01`, `2026-12-01 03:00`, `now`, `today`, `tomorrow`, `yesterday`, a weekday
/// (the first one on that side of today, at midnight), `+2h`, `-3d`. What names no offset is read in
/// `zone`.
///
/// # Errors
/// Why the text is no such instant, a fragment.
pub fn parse(
    text: &str,
    now: DateTime<Utc>,
    zone: &Zone,
    weekdays: Side,
) -> Result<DateTime<Utc>, String> {
    let instant = anywhere(text, now, zone, weekdays)?;
    // Zones cannot be asked about the very ends of chrono's calendar.
    (1..=9999)
        .contains(&instant.year())
        .then_some(instant)
        .ok_or_else(|| beyond(text))
}

fn anywhere(
    text: &str,
    now: DateTime<Utc>,
    zone: &Zone,
    weekdays: Side,
) -> Result<DateTime<Utc>, String> {
    let word = text.trim().to_lowercase();
    if word == "now" {
        return Ok(now);
    }
    if let Some(distance) = distance(&word) {
        return now
            .checked_add_signed(distance?)
            .ok_or_else(|| beyond(text));
    }
    if let Some(day) = day(&word, zone.local(now).date_naive(), weekdays) {
        return zone
            .instant(day.and_time(NaiveTime::MIN))
            .ok_or_else(|| beyond(text));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text.trim()) {
        return Ok(instant.to_utc());
    }
    bound::parse(text.trim(), zone).map_err(|_| {
        format!("`{text}` is not a time; write 2026-12-01, \"2026-12-01 03:00\", tomorrow or +2h")
    })
}

/// `+2h` and `-3d`; `None` where the text does not begin with a sign.
fn distance(word: &str) -> Option<Result<TimeDelta, String>> {
    let (sign, length) = match word.as_bytes().first()? {
        b'+' => (1, &word[1..]),
        b'-' => (-1, &word[1..]),
        _ => return None,
    };
    let seconds = duration::parse(length).map(|length| i64::try_from(length.as_secs()));
    Some(match seconds {
        Some(Ok(seconds)) => TimeDelta::try_seconds(sign * seconds).ok_or_else(|| beyond(word)),
        Some(Err(_)) => Err(beyond(word)),
        None => Err(format!(
            "`{word}` is not a distance in time; write +2h, -3d or +1h30m"
        )),
    })
}

/// The day that the word names, seen from `today`.
fn day(word: &str, today: NaiveDate, weekdays: Side) -> Option<NaiveDate> {
    match word {
        "today" => Some(today),
        "tomorrow" => today.succ_opt(),
        "yesterday" => today.pred_opt(),
        _ => {
            let weekday: Weekday = word.parse().ok()?;
            let away = |days| match weekdays {
                Side::Ahead => today.checked_add_days(Days::new(days)),
                Side::Behind => today.checked_sub_days(Days::new(days)),
            };
            (1..=7)
                .filter_map(away)
                .find(|day| day.weekday() == weekday)
        }
    }
}

fn beyond(text: &str) -> String {
    format!("`{text}` lies beyond the calendar")
}

/// An instant for people, such as `Tue 2026-12-01 00:01:00 EST`.
#[must_use]
pub fn absolute(at: DateTime<Utc>, zone: &Zone) -> String {
    format!(
        "{} {}",
        zone.local(at).format("%a %Y-%m-%d %H:%M:%S"),
        zone.abbreviation(at)
    )
}

/// An instant of today by its time of day, another with its date too.
#[must_use]
pub fn of_day(at: DateTime<Utc>, now: DateTime<Utc>, zone: &Zone) -> String {
    let local = zone.local(at);
    let form = if local.date_naive() == zone.local(now).date_naive() {
        "%H:%M:%S"
    } else {
        "%a %Y-%m-%d %H:%M:%S"
    };
    local.format(form).to_string()
}

/// A fire time among others that are told in `zone`: as [`of_day`], but where the clocks of the
/// job's own zone read otherwise, as they read and with what people call that zone.
#[must_use]
pub fn of_job(at: DateTime<Utc>, now: DateTime<Utc>, zone: &Zone, own: &Zone) -> String {
    let text = of_day(at, now, own);
    if own.local(at).offset() == zone.local(at).offset() {
        text
    } else {
        format!("{text} {}", own.abbreviation(at))
    }
}

/// How long something took: `3.1 ms`, `84 ms`, `0.25 s`, `12.4 s`, `1h30m`.
#[must_use]
pub fn span(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match took.as_millis() {
        0..10 => format!("{:.1} ms", 1000.0 * seconds),
        10..100 => format!("{:.0} ms", 1000.0 * seconds),
        100..10_000 => format!("{seconds:.2} s"),
        10_000..60_000 => format!("{seconds:.1} s"),
        _ => duration::text(took),
    }
}

/// A duration to the second: `10 s`, `10m`, `1h0m5s`; one of less than a second as [`span`].
#[must_use]
pub fn about(duration: Duration) -> String {
    let seconds = duration
        .saturating_add(Duration::from_millis(500))
        .as_secs();
    match seconds {
        0 => span(duration),
        1..60 => format!("{seconds} s"),
        _ => duration::text(Duration::from_secs(seconds)),
    }
}

/// How far an instant is from `now`, in two units at most: `in 6d 14h`, `5m ago`, `now`.
#[must_use]
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    // Fire times are whole seconds: the one a minute after this second is `in 1m`.
    let seconds = at.timestamp() - now.timestamp();
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", rough(seconds)),
        _ => format!("{} ago", rough(-seconds)),
    }
}

/// The two greatest units of a number of seconds above zero, the rest cut off.
fn rough(seconds: i64) -> String {
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = units
        .iter()
        .position(|(count, _)| *count > 0)
        .unwrap_or(units.len() - 1);
    let shown = units[first..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0);
    shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_york() -> Zone {
        Zone::named("America/New_York").unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Tuesday
    fn now() -> DateTime<Utc> {
        at("2026-11-24T09:30:12-05:00")
    }

    #[test]
    fn times_are_read_in_the_given_zone() {
        for (text, expected) in [
            ("now", "2026-11-24T09:30:12-05:00"),
            ("today", "2026-11-24T00:00:00-05:00"),
            ("Tomorrow", "2026-11-25T00:00:00-05:00"),
            ("yesterday", "2026-11-23T00:00:00-05:00"),
            ("monday", "2026-11-30T00:00:00-05:00"),
            ("tue", "2026-12-01T00:00:00-05:00"),
            ("+2h", "2026-11-24T11:30:12-05:00"),
            ("-3d", "2026-11-21T09:30:12-05:00"),
            ("+1h30m", "2026-11-24T11:00:12-05:00"),
            ("2026-12-01", "2026-12-01T00:00:00-05:00"),
            ("2026-07-01 03:00", "2026-07-01T03:00:00-04:00"),
            (" 2026-12-01T03:00:05 ", "2026-12-01T03:00:05-05:00"),
            ("2026-12-01T03:00:00Z", "2026-12-01T03:00:00Z"),
            ("2026-12-01T03:00:00.5+01:00", "2026-12-01T02:00:00.5Z"),
        ] {
            let read = parse(text, now(), &new_york(), Side::Ahead);
            assert_eq!(read, Ok(at(expected)), "{text}");
        }
        for (text, expected) in [
            ("monday", "2026-11-23T00:00:00-05:00"),
            ("tue", "2026-11-17T00:00:00-05:00"),
            ("tomorrow", "2026-11-25T00:00:00-05:00"),
        ] {
            let read = parse(text, now(), &new_york(), Side::Behind);
            assert_eq!(read, Ok(at(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let texts = [
            "",
            "soon",
            "+",
            "-5x",
            "+99999999999999999d",
            "+9999999999d",
            "+9000000d",
            "2026-13-01",
            "é",
        ];
        for text in texts {
            let read = parse(text, now(), &new_york(), Side::Ahead);
            assert!(read.is_err(), "{text}");
        }
    }

    #[test]
    fn a_fire_time_is_told_by_the_clocks_of_its_job() {
        let told = |at: &str, own: &str| {
            let own = Zone::named(own).unwrap();
            of_job(at.parse().unwrap(), now(), &new_york(), &own)
        };
        let nine = "2026-11-25T09:00:00+09:00";
        assert_eq!(told(nine, "America/New_York"), "19:00:00");
        assert_eq!(told(nine, "America/Toronto"), "19:00:00");
        assert_eq!(told(nine, "Asia/Tokyo"), "Wed 2026-11-25 09:00:00 JST");
    }

    #[test]
    fn instants_are_shown_absolutely_and_relatively() {
        let shown = |text: &str| (absolute(at(text), &new_york()), relative(at(text), now()));
        let expect = |absolute: &str, relative: &str| (absolute.to_owned(), relative.to_owned());
        assert_eq!(
            shown("2026-12-01T00:01:00-05:00"),
            expect("Tue 2026-12-01 00:01:00 EST", "in 6d 14h")
        );
        assert_eq!(
            shown("2027-04-01T00:01:00-04:00"),
            expect("Thu 2027-04-01 00:01:00 EDT", "in 127d 13h")
        );
        for (text, expected) in [
            ("2026-11-24T14:31:12Z", "in 1m"),
            ("2026-11-24T14:30:13Z", "in 1s"),
            ("2026-11-24T15:30:17Z", "in 1h"),
            ("2026-11-24T14:30:12Z", "now"),
            ("2026-11-24T14:25:00Z", "5m 12s ago"),
        ] {
            assert_eq!(relative(at(text), now()), expected);
        }
    }
}
