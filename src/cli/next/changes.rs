//! What is remarkable about a fire time: the clocks changed before it, or moved it.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::trigger::Trigger;
use crate::trigger::zone::Change;

/// A note for `fire`, the fire before it (or the beginning of the window) being `before`.
pub(super) fn note(
    trigger: &Trigger,
    before: DateTime<Utc>,
    fire: DateTime<Utc>,
) -> Option<String> {
    let zone = trigger.zone();
    let change = zone.last_change(before, fire)?;
    if change.at == fire
        && let Some(reading) = trigger.skipped_reading(fire)
    {
        return Some(format!(
            "{} does not exist that day: clocks go from {} to {}",
            reading.format("%H:%M"),
            reading_before(&change).format("%H:%M"),
            zone.local(fire).format("%H:%M"),
        ));
    }
    let forward = change.after.local_minus_utc() > change.before.local_minus_utc();
    let way = if forward { "forward" } else { "back" };
    Some(format!(
        "clocks went {way} on {}",
        zone.local(change.at).format("%a %Y-%m-%d")
    ))
}

/// What the clock would have read at the change, had it not changed.
fn reading_before(change: &Change) -> NaiveDateTime {
    change.at.with_timezone(&change.before).naive_local()
}
