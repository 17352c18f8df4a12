//! The offset changes of a zone, as a table to search in.
//!
//! Instants are seconds since 1970. A reading is what the wall clock shows, in seconds since 1970
//! as if it showed UTC; so that a reading is an instant plus the offset in force.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

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

/// The zone database's first change is of 1844 (Manila), its last repeated one of 2099.
const PROBED: (i64, i64) = (-4_102_444_800, 4_133_980_800);

/// No zone keeps an offset for less: the shortest span lasts some days.
const STEP_S: i64 = 3 * 86_400;

/// How long the stretches of `Spans::starts` are.
const STRETCH_S: i64 = 1 << 24;

/// More than any two offsets differ by.
const TWO_DAYS_S: i64 = 2 * 86_400;

impl Spans {
    /// Finds the changes by asking for the offset every few days, and halving where it differs.
    pub(super) fn of(tz: Tz) -> Self {
        let mut spans = Vec::new();
        let (mut start, mut offset_s) = (i64::MIN, offset_at(tz, PROBED.0));
        let mut at = PROBED.0;
        while at < PROBED.1 {
            at += STEP_S;
            let next = offset_at(tz, at);
            if next != offset_s {
                let change = first_with_other_offset(tz, at - STEP_S, at);
                push(&mut spans, start, change, offset_s);
                (start, offset_s) = (change, offset_at(tz, change));
                at = change;
            }
        }
        push(&mut spans, start, i64::MAX, offset_s);
        let starts = (0..=(PROBED.1 - PROBED.0) / STRETCH_S)
            .map(|stretch| PROBED.0 + stretch * STRETCH_S)
            .map(|at| spans.partition_point(|span| span.start <= at) - 1)
            .collect();
        Self { spans, starts }
    }

    /// A span that begins not after `at`, and shortly before it.
    fn shortly_before(&self, at: i64) -> usize {
        let stretch = at.saturating_sub(PROBED.0) / STRETCH_S;
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

fn offset_at(tz: Tz, at: i64) -> i64 {
    let offset = tz.offset_from_utc_datetime(&naive(at));
    i64::from(offset.fix().local_minus_utc())
}

fn naive(at: i64) -> NaiveDateTime {
    DateTime::from_timestamp(at, 0)
        .expect("only years of the database are probed")
        .naive_utc()
}

/// The first instant after `low` and up to `high` whose offset is not that of `low`.
fn first_with_other_offset(tz: Tz, mut low: i64, mut high: i64) -> i64 {
    let before = offset_at(tz, low);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset_at(tz, middle) == before {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_database_says() {
        for tz in chrono_tz::TZ_VARIANTS {
            let spans = Spans::of(tz);
            let mut index = 0;
            // Six hours and a bit, so that all times of the day are met.
            for at in (PROBED.0..PROBED.1).step_by(50 * 3_607) {
                while spans.spans[index].end <= at {
                    index += 1;
                }
                assert_eq!(
                    spans.spans[index].offset_s,
                    offset_at(tz, at),
                    "{tz} at {at}"
                );
            }
        }
    }

    #[test]
    fn the_table_begins_and_ends_with_constant_offsets() {
        let century = 100 * 365 * 86_400;
        for tz in chrono_tz::TZ_VARIANTS {
            assert_eq!(
                offset_at(tz, PROBED.0),
                offset_at(tz, PROBED.0 - century),
                "{tz}"
            );
            assert_eq!(
                offset_at(tz, PROBED.1),
                offset_at(tz, PROBED.1 + century),
                "{tz}"
            );
        }
    }
}
