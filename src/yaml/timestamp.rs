//! Dates, and dates with times, as YAML 1.1 writes them.
//!
//! Source: `timestamp_regexp` of `PyYAML` 6.0, `constructor.py`.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use crate::value::Value;

/// The numbers of a timestamp, not yet checked against calendar and clock.
struct Parts {
    year: u32,
    month: u32,
    day: u32,
    time: Option<Time>,
}

struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    /// Seconds east of UTC.
    offset: Option<i32>,
}

/// Whether a text has the form of a timestamp.
pub(super) fn matches(text: &[u8]) -> bool {
    Scan(text).parts().is_some()
}

/// The date, or date and time, that a text names; `None` where it has another form, or where
/// there is no such day, hour or offset.
pub(super) fn parse(text: &str) -> Option<Value> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let parts = Scan(text.as_bytes()).parts()?;
    let year = i32::try_from(parts.year).ok().filter(|&year| year > 0)?;
    let date = NaiveDate::from_ymd_opt(year, parts.month, parts.day)?;
    let Some(time) = parts.time else {
        return Some(Value::Date(date));
    };
    let offset = match time.offset {
        Some(seconds) => Some(FixedOffset::east_opt(seconds)?),
        None => None,
    };
    let clock = NaiveTime::from_hms_micro_opt(time.hour, time.minute, time.second, time.micros)?;
    Some(Value::DateTime(NaiveDateTime::new(date, clock), offset))
}

/// The text that is still to be read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn parts(mut self) -> Option<Parts> {
        let year = self.number(4, 4)?;
        self.one_of(b"-")?;
        let month = self.number(1, 2)?;
        self.one_of(b"-")?;
        let day = self.number(1, 2)?;
        let time = if self.0.is_empty() {
            None
        } else {
            Some(self.time()?)
        };
        self.0.is_empty().then_some(Parts {
            year,
            month,
            day,
            time,
        })
    }

    fn time(&mut self) -> Option<Time> {
        if self.one_of(b"Tt").is_none() && !self.blanks() {
            return None;
        }
        let hour = self.number(1, 2)?;
        self.one_of(b":")?;
        let minute = self.number(2, 2)?;
        self.one_of(b":")?;
        let second = self.number(2, 2)?;
        let micros = if self.one_of(b".").is_some() {
            self.micros()
        } else {
            0
        };
        let offset = if self.0.is_empty() {
            None
        } else {
            Some(self.offset()?)
        };
        Some(Time {
            hour,
            minute,
            second,
            micros,
            offset,
        })
    }

    /// The first six digits of a fraction; the others are dropped, as Python does.
    fn micros(&mut self) -> u32 {
        let mut micros = 0;
        let mut place = 100_000;
        while let Some(digit) = self.number(1, 1) {
            micros += digit * place;
            place /= 10;
        }
        micros
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i32> {
        self.blanks();
        let sign = match self.one_of(b"Z+-")? {
            b'Z' => return Some(0),
            b'-' => -1,
            _ => 1,
        };
        let hours = self.number(1, 2)?;
        let minutes = if self.one_of(b":").is_some() {
            self.number(2, 2)?
        } else {
            0
        };
        Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?)
    }

    fn blanks(&mut self) -> bool {
        let before = self.0.len();
        while self.one_of(b" \t").is_some() {}
        self.0.len() < before
    }

    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        wanted.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let len = self
            .0
            .iter()
            .take(most)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if len < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        )
    }
}
