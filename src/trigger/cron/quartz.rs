//! Expressions of 6 or 7 fields and words such as `@daily`, read by the `cron` crate.
//!
//! Second, minute, hour, day, month, day of week (1 is Sunday) and, if given, year.

use std::str::FromStr;

use cron::{Schedule, TimeUnitSpec};

use super::crontab::words;
use super::field::{Field, Name, Part};
use super::hints;
use crate::trigger::Fault;

pub(super) const ORDER: [Name; 7] = [
    Name::Second,
    Name::Minute,
    Name::Hour,
    Name::Day,
    Name::Month,
    Name::DayOfWeek,
    Name::Year,
];

/// The words that the `cron` crate knows.
pub(super) const WORDS: [&str; 5] = ["@yearly", "@monthly", "@weekly", "@daily", "@hourly"];

/// The fields of an expression of six or seven.
pub(super) fn fields(text: &str) -> Result<Vec<Field>, Fault> {
    let mut fields = Vec::new();
    for (name, range) in ORDER.into_iter().zip(words(text)) {
        let word = &text[range.clone()];
        let schedule = alone(name, word).ok_or_else(|| hints::quartz(name, text, range))?;
        fields.push(Field::new(name, word, parts(name, word, &schedule)));
    }
    Ok(fields)
}

/// The fields of `@daily` and its like.
pub(super) fn word(text: &str) -> Result<Vec<Field>, Fault> {
    let word = text.trim_ascii();
    let schedule = Schedule::from_str(word).map_err(|_| hints::word(word))?;
    let field = |name| {
        let values = values(name, &schedule);
        let (least, greatest) = name.limits();
        let all = name == Name::Year || values.len() == usize::from(greatest - least) + 1;
        let parts = if all {
            vec![Part::All { step: 1 }]
        } else {
            Part::runs(values)
        };
        Field::new(name, word, parts)
    };
    Ok(ORDER.into_iter().map(field).collect())
}

/// A schedule in which this field is restricted alone, if the crate can read it.
///
/// It does not mind where one field ends and the next begins, but we do.
fn alone(name: Name, word: &str) -> Option<Schedule> {
    let joins = |c| matches!(c, ',' | '-' | '/');
    if word.starts_with(joins) || word.ends_with(joins) {
        return None;
    }
    let expression = ORDER.map(|one| if one == name { word } else { "*" });
    Schedule::from_str(&expression.join(" ")).ok()
}

fn parts(name: Name, word: &str, schedule: &Schedule) -> Vec<Part> {
    let step = match word.split_once('/') {
        None if matches!(word, "*" | "?") => Some(1),
        // The crate's years end in 2100; a wildcard's do not.
        Some(("*" | "?", step)) if name != Name::DayOfWeek => step.parse().ok(),
        _ => None,
    };
    match step {
        Some(step) => vec![Part::All { step }],
        None => Part::runs(values(name, schedule)),
    }
}

/// The values of a field, in our own numbering.
fn values(name: Name, schedule: &Schedule) -> Vec<u16> {
    let numbers = match name {
        Name::Year => schedule.years().iter(),
        Name::Month => schedule.months().iter(),
        Name::Day => schedule.days_of_month().iter(),
        Name::DayOfWeek => schedule.days_of_week().iter(),
        Name::Hour => schedule.hours().iter(),
        Name::Minute => schedule.minutes().iter(),
        Name::Second => schedule.seconds().iter(),
        Name::Week => unreachable!("no expression has a field for weeks"),
    };
    numbers
        .map(|number| {
            let number = u16::try_from(number).expect("the crate's values end at 2100");
            if name == Name::DayOfWeek {
                (number + 5) % 7
            } else {
                number
            }
        })
        .collect()
}
