//! The text of `start_date`, `end_date` and `run_date`.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::{Fault, Zone};

/// Reads `2026-01-01`, `2026-01-01 10:00`, `2026-01-01T10:00:00Z`, `… +02:00` or `… +0200`.
///
/// Without an offset it is wall-clock time in `zone`: in a fold the first pass, in a gap the first
/// instant after it.
///
/// # Errors
/// Where the text is not such a time, or one with a fraction of a second.
pub fn parse(text: &str, zone: &Zone) -> Result<DateTime<Utc>, Fault> {
    let (date, rest) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let date = read_date(date).ok_or_else(|| unreadable(text))??;
    let Some(rest) = rest else {
        return instant(date.and_time(NaiveTime::MIN), None, zone, text);
    };
    let (time, offset) = split_offset(rest);
    let time = match time.split_once('.') {
        Some((whole, fraction)) if !is_nothing(whole, fraction) => {
            return Err(fractional(text, whole, fraction));
        }
        Some((whole, _)) => whole,
        None => time,
    };
    let time = read_time(time).ok_or_else(|| unreadable(text))??;
    let offset = match offset {
        Some(offset) => Some(read_offset(offset).ok_or_else(|| unreadable(text))?),
        None => None,
    };
    instant(date.and_time(time), offset, zone, text)
}

fn instant(
    reading: NaiveDateTime,
    offset: Option<FixedOffset>,
    zone: &Zone,
    text: &str,
) -> Result<DateTime<Utc>, Fault> {
    match offset {
        Some(offset) => reading
            .and_local_timezone(offset)
            .single()
            .map(|at| at.to_utc()),
        None => zone.instant(reading),
    }
    .ok_or_else(|| unreadable(text))
}

/// The time of day and, from `Z`, `+` or `-` on, the offset; one space may part the two.
fn split_offset(text: &str) -> (&str, Option<&str>) {
    match text.find(['Z', '+', '-']) {
        Some(at) => {
            let time = &text[..at];
            (time.strip_suffix(' ').unwrap_or(time), Some(&text[at..]))
        }
        None => (text, None),
    }
}

/// `None` for another form, a fault for a day that the calendar lacks.
fn read_date(text: &str) -> Option<Result<NaiveDate, Fault>> {
    let (year, rest) = text.split_once('-')?;
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = year.parse().ok().filter(|year| *year > 0)?;
    let [month, day] = numbers(rest, '-')?;
    let date = NaiveDate::from_ymd_opt(year, month, day);
    Some(date.ok_or_else(|| {
        let fault = Fault::new(format!("there is no day `{text}`"));
        match last_day(year, month) {
            Some(last) => fault.help(format!("the last day of that month is `{last}`")),
            None => fault.help("the month must be 1-12: a date is year, month, day"),
        }
    }))
}

fn last_day(year: i32, month: u32) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    first
        .checked_add_months(chrono::Months::new(1))
        .and_then(|next| next.pred_opt())
}

fn read_time(text: &str) -> Option<Result<NaiveTime, Fault>> {
    let [hour, minute, second] = match numbers(text, ':') {
        Some(whole) => whole,
        None => numbers(text, ':').map(|[hour, minute]| [hour, minute, 0])?,
    };
    Some(
        NaiveTime::from_hms_opt(hour, minute, second).ok_or_else(|| {
            Fault::new(format!("there is no time of day `{text}`"))
                .help("the hour must be 0-23, the minute and the second 0-59")
        }),
    )
}

/// `Z`, `+02:00` or `+0200`.
fn read_offset(text: &str) -> Option<FixedOffset> {
    if text == "Z" {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
    let seconds = if sign == "-" { -seconds } else { seconds };
    (minutes < 60).then(|| FixedOffset::east_opt(seconds))?
}

/// Whether a time has seconds, and all digits behind its point are zero.
fn is_nothing(whole: &str, fraction: &str) -> bool {
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    zeros && whole.matches(':').count() == 2
}

/// Exactly `N` numbers with `separator` between them.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u32; N]> {
    let numbers: Vec<_> = text.split(separator).map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// One or two ASCII digits.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn unreadable(text: &str) -> Fault {
    Fault::new(format!("`{}` is not a date or a time", Fault::shown(text)))
        .help("write `2026-12-24`, `2026-12-24 18:00:00` or `2026-12-24 18:00:00+01:00`")
}

fn fractional(text: &str, whole: &str, fraction: &str) -> Fault {
    let fault = Fault::new(format!(
        "`{}` has a fraction of a second",
        Fault::shown(text)
    ));
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if digits && matches!(read_time(whole), Some(Ok(_))) {
        let whole = text.replacen(&format!(".{fraction}"), "", 1);
        return fault.help(format!("triggers know whole seconds: write `{whole}`"));
    }
    fault.help("triggers know whole seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Fault> {
        let zone = Zone::named("Europe/Berlin").unwrap();
        parse(text, &zone).map(|at| zone.local(at).to_rfc3339())
    }

    #[test]
    fn a_bound_without_offset_is_wall_clock_time() {
        let same = [
            "2024-03-31",
            "2024-3-31",
            "2024-03-31 00:00",
            "2024-03-31T00:00:00",
            "2024-03-31T00:00:00.000",
            "2024-03-30T23:00:00.0Z",
            "2024-03-30 23:00:00Z",
            "2024-03-30T23:00:00 Z",
            "2024-03-31 01:00:00+02:00",
            "2024-03-31 01:00 +0200",
            "2024-03-30 19:00:00-04:00",
        ];
        for text in same {
            assert_eq!(read(text).unwrap(), "2024-03-31T00:00:00+01:00", "{text}");
        }
    }

    #[test]
    fn a_bound_in_a_gap_is_the_instant_after_it_and_in_a_fold_the_first_pass() {
        assert_eq!(
            read("2024-03-31 02:30").unwrap(),
            "2024-03-31T03:00:00+02:00"
        );
        assert_eq!(
            read("2024-10-27 02:30").unwrap(),
            "2024-10-27T02:30:00+02:00"
        );
        assert_eq!(
            read("2024-10-27 02:30+01:00").unwrap(),
            "2024-10-27T02:30:00+01:00"
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let refused = [
            "",
            "2024",
            "2024-01",
            "20240101",
            "2024/01/01",
            "24-01-01",
            "0000-01-01",
            "2024-01-01 ",
            " 2024-01-01",
            "2024-01-01Z",
            "2024-01-01T",
            "2024-01-01 10",
            "2024-01-01 10:00:00 CET",
            "2024-01-01 noon",
            "2024-01-01 10:00:60",
            "2024-01-01 10:00:00.",
            "2024-01-01 10:00:00.001",
            "2024-01-01 10:00.0",
            "2024-01-01 10:00:00+2",
            "2024-01-01 10:00:00+24:00",
            "2024-01-01 10:00:00+02:60",
            "2024-01-01 10:00:00+0200Z",
            "2024-01-01 10:-1:00",
            "tomorrow",
            "2024-01-01 1٠:00",
            "2024-01-01\n",
            "2024-13-01",
            "2024-001-01",
            "2024-01-01 010:00:00",
            "99999999999-01-01",
            "é-01-01",
            "2024-01-01 10:00:00é",
        ];
        for text in refused {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fault_names_the_way_out() {
        let fault = read("2023-02-29").unwrap_err();
        assert_eq!(fault.message, "there is no day `2023-02-29`");
        assert_eq!(fault.help, ["the last day of that month is `2023-02-28`"]);
        let fault = read("2024-01-01 10:00:00.5+02:00").unwrap_err();
        assert_eq!(
            fault.message,
            "`2024-01-01 10:00:00.5+02:00` has a fraction of a second"
        );
        let help = "triggers know whole seconds: write `2024-01-01 10:00:00+02:00`";
        assert_eq!(fault.help, [help]);
        let fault = read("2024-01-01 25:00:00").unwrap_err();
        assert_eq!(fault.message, "there is no time of day `25:00:00`");
    }
}
