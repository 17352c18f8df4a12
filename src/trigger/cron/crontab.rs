//! Unix crontab expressions: minute, hour, day, month, day of week.
//!
//! Source: Paul Vixie's cron, crontab(5).

use std::ops::Range;

use super::field::{Field, Name, Part, Problem, checked_step, position, within};
use super::hints;
use crate::trigger::Fault;

pub(super) const ORDER: [Name; 5] = [
    Name::Minute,
    Name::Hour,
    Name::Day,
    Name::Month,
    Name::DayOfWeek,
];

/// Here the week begins with Sunday.
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What is wrong with which bytes of the expression, and in which field.
pub(super) struct Wrong {
    pub(super) name: Name,
    pub(super) part: Range<usize>,
    pub(super) problem: Problem,
}

/// The fields of an expression of five, and whether a day matches if either the day or the
/// weekday does: where both are restricted.
pub(super) fn fields(text: &str) -> Result<(Vec<Field>, bool), Fault> {
    read_all(text).map_err(|wrong| hints::crontab(text, wrong))
}

/// The same, without help where something is wrong.
pub(super) fn read_all(text: &str) -> Result<(Vec<Field>, bool), Wrong> {
    let mut fields = vec![Field::new(Name::Second, "0", vec![Part::one(0)])];
    let mut either = true;
    for (name, range) in ORDER.into_iter().zip(words(text)) {
        let field = &text[range.clone()];
        fields.push(Field::new(name, field, read_field(name, text, range)?));
        // Vixie's rule is about the first character, so that `*/2` restricts nothing here.
        either &= !matches!(name, Name::Day | Name::DayOfWeek) || !field.starts_with('*');
    }
    Ok((fields, either))
}

/// Where the words of an expression are.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split(|c: char| c.is_ascii_whitespace())
        .scan(0, |at, word| {
            let first = *at;
            *at += word.len() + 1;
            Some(first..first + word.len())
        })
        .filter(|word| !word.is_empty())
}

fn read_field(name: Name, text: &str, range: Range<usize>) -> Result<Vec<Part>, Wrong> {
    let mut parts = Vec::new();
    let mut first = range.start;
    for piece in text[range].split(',') {
        let part = first..first + piece.len();
        first = part.end + 1;
        parts.extend(read(name, piece).map_err(|problem| Wrong {
            name,
            part,
            problem,
        })?);
    }
    Ok(parts)
}

/// Reads one part; a weekday's may be several, since its Sunday is 0 and 7, and Monday's week has
/// it at the end.
fn read(name: Name, part: &str) -> Result<Vec<Part>, Problem> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    if step.is_some_and(|step| step.is_empty() || !step.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Problem::Unknown);
    }
    let limits = limits(name);
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => limits,
        Some((first, last)) => (value(name, first)?, value(name, last)?),
        None => {
            let first = value(name, range)?;
            (first, if step.is_some() { limits.1 } else { first })
        }
    };
    let step = checked_step(step, first, last)?;
    if name == Name::DayOfWeek && (range != "*" || step > 1) {
        let days = (first..=last).step_by(step.into());
        return Ok(Part::runs(days.map(|day| (day + 6) % 7)));
    }
    Ok(vec![match range {
        "*" => Part::All { step },
        _ => Part::Range { first, last, step },
    }])
}

/// The least and the greatest value as written here.
pub(super) fn limits(name: Name) -> (u16, u16) {
    if name == Name::DayOfWeek {
        (0, 7)
    } else {
        name.limits()
    }
}

/// The names of the values, from the least on.
pub(super) fn names(name: Name) -> &'static [&'static str] {
    if name == Name::DayOfWeek {
        &WEEKDAYS
    } else {
        name.words()
    }
}

fn value(name: Name, word: &str) -> Result<u16, Problem> {
    let limits = limits(name);
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return within(limits, word);
    }
    position(names(name), word)
        .and_then(|index| u16::try_from(index).ok())
        .map(|index| index + limits.0)
        .ok_or(Problem::Unknown)
}
