//! Tests of the triggers as a whole; those of one part are beside it.

mod laws;
mod vectors;

use super::*;

/// An instant, such as `2024-03-31T02:30:00+01:00`.
fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The first `count` fire times from `from` on, inclusive.
fn fires(trigger: &Trigger, from: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
    let before = from - TimeDelta::nanoseconds(1);
    std::iter::successors(trigger.next_after(before), |fire| trigger.next_after(*fire))
        .take(count)
        .collect()
}
