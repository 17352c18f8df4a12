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
    if let Some((whole, fraction)) = time.split_once('.') {
        return Err(fractional(text, whole, fraction));
    }
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
    let [year, month, day] = numbers(text, '-')?;
    if text.find('-') != Some(4) || year == 0 {
        return None;
    }
    let date = i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    Some(date.ok_or_else(|| {
        let fault = Fault::new(format!("there is no day `{text}`"));
        match last_day(year, month) {
            Some(last) => fault.help(format!("the last day of that month is `{last}`")),
            None => fault.help("the month must be 1-12: a date is year, month, day"),
        }
    }))
}

fn last_day(year: u32, month: u32) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1)?;
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

/// Exactly `N` numbers with `separator` between them.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u32; N]> {
    let numbers: Vec<_> = text.split(separator).map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// Up to four ASCII digits.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
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
