//! One field of a cron trigger, such as `hour: 9-17/2`.

use std::fmt;
use std::ops::Range;

use super::hints;
use crate::trigger::Fault;

/// The fields, greatest first: the order matters for the defaults of those not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// 1970 to 9999
    Year,
    /// 1 to 12
    Month,
    /// 1 to 31
    Day,
    /// 1 to 53, ISO
    Week,
    /// 0 to 6, Monday is 0
    DayOfWeek,
    /// 0 to 23
    Hour,
    /// 0 to 59
    Minute,
    /// 0 to 59
    Second,
}

/// One part of a field's comma list, as written; numbers in the field's own range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `*` (step 1) and `*/n`
    All {
        /// Every so many values, from the minimum.
        step: u16,
    },
    /// `a` (first = last, step 1), `a-b`, `a-b/n` and `a/n` (last = the field's maximum)
    Range {
        /// The first value.
        first: u16,
        /// The last value.
        last: u16,
        /// Every so many values, from the first.
        step: u16,
    },
    /// `1st mon` to `5th sun`, of the day field
    Nth {
        /// 1 to 5
        nth: u8,
        /// 0 to 6, Monday is 0
        weekday: u8,
    },
    /// `last mon`, of the day field
    LastWeekday {
        /// 0 to 6, Monday is 0
        weekday: u8,
    },
    /// `last`, of the day field: the month's last day
    Last,
}

/// One field, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    name: Name,
    text: String,
    parts: Vec<Part>,
}

/// Why a part of a field cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// This number is not one of the field's.
    OutOfRange(String),
    /// The last value is before the first.
    Backwards { first: u16, last: u16 },
    /// The step is 0.
    ZeroStep,
    /// The step leads beyond the last value, so that only the first is left.
    LongStep { first: u16 },
    /// It has none of the known forms.
    Unknown,
}

pub(super) const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub(super) const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

impl Name {
    /// All names, greatest first.
    pub const ALL: [Self; 8] = [
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Week,
        Self::DayOfWeek,
        Self::Hour,
        Self::Minute,
        Self::Second,
    ];

    /// The key of the config.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Week => "week",
            Self::DayOfWeek => "day_of_week",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    /// The least and the greatest value.
    #[must_use]
    pub fn limits(self) -> (u16, u16) {
        match self {
            Self::Year => (1970, 9999),
            Self::Month => (1, 12),
            Self::Day => (1, 31),
            Self::Week => (1, 53),
            Self::DayOfWeek => (0, 6),
            Self::Hour => (0, 23),
            Self::Minute | Self::Second => (0, 59),
        }
    }

    /// The names of its values, from its least value on; none where it knows only numbers.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
            Self::Year | Self::Day | Self::Week | Self::Hour | Self::Minute | Self::Second => &[],
        }
    }
}

impl Part {
    /// The first and the last value and the step, where the part is one of values.
    #[must_use]
    pub fn values(self, name: Name) -> Option<(u16, u16, u16)> {
        match self {
            Self::All { step } => {
                let (least, greatest) = name.limits();
                Some((least, greatest, step))
            }
            Self::Range { first, last, step } => Some((first, last, step)),
            Self::Nth { .. } | Self::LastWeekday { .. } | Self::Last => None,
        }
    }

    /// These values, neighbours joined to ranges.
    pub(super) fn runs(values: impl IntoIterator<Item = u16>) -> Vec<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        values
            .chunk_by(|a, b| a + 1 == *b)
            .map(|run| Self::Range {
                first: run[0],
                last: run[run.len() - 1],
                step: 1,
            })
            .collect()
    }

    /// One value.
    pub(super) fn one(value: u16) -> Self {
        Self::Range {
            first: value,
            last: value,
            step: 1,
        }
    }
}

impl Field {
    /// Reads the text of the field `name` by APScheduler's rules.
    ///
    /// # Errors
    /// What in it cannot be, with the allowed range or what to write instead.
    pub fn parse(name: Name, text: &str) -> Result<Self, Fault> {
        let parts = pieces(text)
            .map(|piece| {
                read(name, &text[piece.clone()])
                    .map_err(|problem| hints::field(name, text, piece, &problem))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::new(name, text, parts))
    }

    /// A field whose text was read by other rules than APScheduler's.
    pub(super) fn new(name: Name, text: &str, parts: Vec<Part>) -> Self {
        Self {
            name,
            text: text.to_owned(),
            parts,
        }
    }

    /// Which field it is.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its parts, in the order of the text.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl fmt::Display for Field {
    /// As APScheduler writes it: `day='1-2,last fri'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = pieces(&self.text)
            .map(|piece| plain(&self.text[piece]))
            .collect();
        write!(f, "{}='{}'", self.name.key(), parts.join(","))
    }
}

/// A part in lower case, with single spaces, without padding and without a range of one value.
fn plain(part: &str) -> String {
    let part = part.to_ascii_lowercase();
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, format!("/{}", unpadded(step))),
        None => (part.as_str(), String::new()),
    };
    let range = match range.split_once('-') {
        Some((first, last)) if unpadded(first) == unpadded(last) => unpadded(first).to_owned(),
        Some((first, last)) => format!("{}-{}", unpadded(first), unpadded(last)),
        None => range
            .split_ascii_whitespace()
            .map(unpadded)
            .collect::<Vec<_>>()
            .join(" "),
    };
    range + &step
}

fn unpadded(number: &str) -> &str {
    match number.trim_start_matches('0') {
        "" => &number[number.len().saturating_sub(1)..],
        rest => rest,
    }
}

/// Where the parts of a comma list are, without the spaces around them.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let start = text.len() - text.trim_start().len();
    let inner = text.trim();
    inner.split(',').scan(start, |at, piece| {
        let spaces = piece.len() - piece.trim_start_matches(' ').len();
        let first = *at + spaces;
        *at += piece.len() + 1;
        Some(first..first + piece.trim_matches(' ').len())
    })
}

/// Reads one part.
pub(super) fn read(name: Name, part: &str) -> Result<Part, Problem> {
    if let Some(numbers) = Numbers::of(part) {
        return numbers.check(name);
    }
    if name == Name::Day {
        return day_by_name(part).ok_or(Problem::Unknown);
    }
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    match (value(name, first), value(name, last)) {
        (Some(first), Some(last)) if first > last => Err(Problem::Backwards { first, last }),
        (Some(first), Some(last)) => Ok(Part::Range {
            first,
            last,
            step: 1,
        }),
        _ => Err(Problem::Unknown),
    }
}

/// The value that a word such as `fri` names.
pub(super) fn value(name: Name, word: &str) -> Option<u16> {
    let index = position(name.words(), word)?;
    Some(u16::try_from(index).ok()? + name.limits().0)
}

/// `last`, `last fri`, `3rd fri`
fn day_by_name(part: &str) -> Option<Part> {
    if part.eq_ignore_ascii_case("last") {
        return Some(Part::Last);
    }
    let (which, weekday) = part.split_once(' ')?;
    let weekday = position(&WEEKDAYS, weekday.trim_start_matches(' '))?;
    let weekday = u8::try_from(weekday).ok()?;
    if which.eq_ignore_ascii_case("last") {
        return Some(Part::LastWeekday { weekday });
    }
    let nth = u8::try_from(position(&ORDINALS, which)? + 1).ok()?;
    Some(Part::Nth { nth, weekday })
}

pub(super) fn position(words: &[&str], word: &str) -> Option<usize> {
    words.iter().position(|one| one.eq_ignore_ascii_case(word))
}

/// A part that is written in digits: `*`, `*/n`, `a`, `a-b`, `a-b/n`, `a/n`; not yet checked.
pub(super) struct Numbers<'a> {
    /// `None` for `*`.
    pub(super) range: Option<(&'a str, Option<&'a str>)>,
    pub(super) step: Option<&'a str>,
}

impl<'a> Numbers<'a> {
    /// `None` where the part has another form.
    pub(super) fn of(part: &'a str) -> Option<Self> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(digits(step)?)),
            None => (part, None),
        };
        let range = match range.split_once('-') {
            _ if range == "*" => None,
            Some((first, last)) => Some((digits(first)?, Some(digits(last)?))),
            None => Some((digits(range)?, None)),
        };
        Some(Self { range, step })
    }

    /// The part in the limits of the field.
    fn check(&self, name: Name) -> Result<Part, Problem> {
        let limits = name.limits();
        let (first, last) = match self.range {
            None => limits,
            Some((first, last)) => {
                let first = within(limits, first)?;
                let last = match (last, self.step) {
                    (Some(last), _) => within(limits, last)?,
                    (None, Some(_)) => limits.1,
                    (None, None) => first,
                };
                (first, last)
            }
        };
        let step = checked_step(self.step, first, last)?;
        Ok(match self.range {
            None => Part::All { step },
            Some(_) => Part::Range { first, last, step },
        })
    }
}

fn digits(text: &str) -> Option<&str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(text)
}

/// The number, if it is within `limits`.
pub(super) fn within(limits: (u16, u16), digits: &str) -> Result<u16, Problem> {
    digits
        .parse()
        .ok()
        .filter(|number| (limits.0..=limits.1).contains(number))
        .ok_or_else(|| Problem::OutOfRange(digits.to_owned()))
}

/// The step of a range; 1 where none is written.
pub(super) fn checked_step(step: Option<&str>, first: u16, last: u16) -> Result<u16, Problem> {
    if first > last {
        return Err(Problem::Backwards { first, last });
    }
    let Some(step) = step else { return Ok(1) };
    match step.parse() {
        Ok(0) => Err(Problem::ZeroStep),
        Ok(step) if step <= last - first => Ok(step),
        // Also a step that has too many digits to be read.
        Ok(_) | Err(_) => Err(Problem::LongStep { first }),
    }
}
