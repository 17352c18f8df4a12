//! The times of a day in words.

use super::words::{counted, joined, step};

/// The times of a day at which a cron trigger fires.
pub(super) struct Clock {
    /// The hours, ascending.
    pub(super) hours: Vec<u16>,
    /// The step of an hour field that is `*` or `*/n`: it fires by elapsed time when clocks change.
    pub(super) wildcard: Option<u16>,
    /// The minutes, ascending.
    pub(super) minutes: Vec<u16>,
    /// The seconds, ascending.
    pub(super) seconds: Vec<u16>,
}

/// So many times are listed one by one.
const FEW: usize = 4;

impl Clock {
    /// The times in words, such as `at 09:00 and 17:30` or `at minute 5 of every hour`.
    ///
    /// `by the clock` tells a cron trigger from an interval, which counts from its anchor.
    pub(super) fn english(&self) -> String {
        self.listed()
            .or_else(|| self.by_the_clock())
            .or_else(|| self.within_hours())
            .unwrap_or_else(|| format!("at {}", self.by_parts()))
    }

    /// Whether the words leave open that it is about every day, as those of hours do.
    pub(super) fn names_hours(&self) -> bool {
        self.wildcard.is_none()
    }

    fn listed(&self) -> Option<String> {
        let count = self.hours.len() * self.minutes.len() * self.seconds.len();
        if self.wildcard.is_some() || count > FEW {
            return None;
        }
        let mut times = Vec::new();
        for hour in &self.hours {
            for minute in &self.minutes {
                times.extend(
                    self.seconds
                        .iter()
                        .map(|second| time(*hour, *minute, *second)),
                );
            }
        }
        Some(format!("at {}", joined(&times, "and")))
    }

    fn by_the_clock(&self) -> Option<String> {
        let hours = self.wildcard?;
        let minutes = beat(&self.minutes, 60)?;
        let seconds = beat(&self.seconds, 60)?;
        let every = match (hours, minutes, seconds) {
            (hours, 60, 60) if 24_u16.is_multiple_of(hours) => every(hours, "hour"),
            (1, minutes, 60) => every(minutes, "minute"),
            (1, 1, seconds) => every(seconds, "second"),
            _ => return None,
        };
        Some(format!("{every} by the clock"))
    }

    fn within_hours(&self) -> Option<String> {
        let (first, last) = (*self.hours.first()?, *self.hours.last()?);
        let in_a_row = self.hours.len() == 1 || step(&self.hours) == Some(1);
        if self.wildcard.is_some() || !in_a_row || self.seconds != [0] {
            return None;
        }
        let last_minute = *self.minutes.last()?;
        let every = match (self.minutes.as_slice(), beat(&self.minutes, 60)) {
            ([_], _) => every(1, "hour"),
            (_, Some(minutes)) => every(minutes, "minute"),
            (_, None) => return None,
        };
        let from = time(first, *self.minutes.first()?, 0);
        Some(format!(
            "{every} from {from} to {}",
            time(last, last_minute, 0)
        ))
    }

    fn by_parts(&self) -> String {
        let hours = match self.wildcard {
            Some(1) => "every hour".to_owned(),
            Some(step) => format!("every {} hour from 0", super::words::ordinal(step.into())),
            None => counted("hour", &self.hours),
        };
        let minutes = part("minute", &self.minutes);
        match (
            self.seconds.as_slice(),
            self.wildcard,
            beat(&self.minutes, 60),
        ) {
            ([0], ..) => format!("{minutes} of {hours}"),
            (seconds, Some(1), Some(1)) => format!("{} of every minute", part("second", seconds)),
            (seconds, ..) => format!("{} of {minutes} of {hours}", part("second", seconds)),
        }
    }
}

/// `every minute` for all of them, else `minutes 0 and 30`.
fn part(noun: &str, numbers: &[u16]) -> String {
    if numbers.len() == 60 {
        format!("every {noun}")
    } else {
        counted(noun, numbers)
    }
}

/// The distance of numbers that divide `round` evenly from 0 on: 15 for 0, 15, 30 and 45; `round`
/// for 0 alone.
fn beat(numbers: &[u16], round: u16) -> Option<u16> {
    match numbers {
        [0] => Some(round),
        [0, ..] => step(numbers).filter(|step| {
            round.is_multiple_of(*step) && numbers.len() == usize::from(round / step)
        }),
        _ => None,
    }
}

fn every(number: u16, noun: &str) -> String {
    if number == 1 {
        format!("every {noun}")
    } else {
        format!("every {number} {noun}s")
    }
}

/// `09:00`, with the seconds where there are any.
fn time(hour: u16, minute: u16, second: u16) -> String {
    if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}
