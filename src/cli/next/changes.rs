//! What is remarkable about a fire time: the clocks changed before it, or moved it.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::trigger::cron::Cron;
use crate::trigger::zone::Change;
use crate::trigger::{Bounds, Trigger, Zone};

/// A note for `fire`, the fire before it (or the beginning of the window) being `before`.
pub(super) fn note(
    trigger: &Trigger,
    before: DateTime<Utc>,
    fire: DateTime<Utc>,
) -> Option<String> {
    let zone = trigger.zone();
    let change = zone.last_change(before, fire)?;
    if change.at == fire
        && let Some(reading) = skipped_reading(trigger, &change)
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

/// The first reading that the change skips and at which the trigger should have fired.
fn skipped_reading(trigger: &Trigger, change: &Change) -> Option<NaiveDateTime> {
    match trigger {
        Trigger::Cron(cron) => skipped_by(cron, change),
        Trigger::Any(triggers) => triggers
            .iter()
            .filter_map(|one| skipped_reading(one, change))
            .min(),
        Trigger::Interval(_) | Trigger::Date(_) => None,
    }
}

/// The same trigger on a clock that never changes tells which readings it wants.
fn skipped_by(cron: &Cron, change: &Change) -> Option<NaiveDateTime> {
    let steady = match cron.expression() {
        Some(expression) => {
            Cron::of_expression(&expression.text, Bounds::default(), Zone::utc(), 0).ok()?
        }
        None => Cron::of_fields(cron.fields().to_vec(), Bounds::default(), Zone::utc(), 0),
    };
    let first = reading_before(change).and_utc();
    let end = change
        .at
        .with_timezone(&change.after)
        .naive_local()
        .and_utc();
    let wanted = steady.next_after(first - chrono::TimeDelta::nanoseconds(1))?;
    (wanted < end).then(|| wanted.naive_utc())
}

/// What the clock would have read at the change, had it not changed.
fn reading_before(change: &Change) -> NaiveDateTime {
    change.at.with_timezone(&change.before).naive_local()
}
