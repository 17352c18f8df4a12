//! How the jobs of one config stand to those of the config before it.

use std::sync::Arc;

use crate::job::Roster;

/// What a plan needs to go on with other jobs, as far as it can be worked out beforehand: what
/// stays as it is costs the plan almost nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The jobs to go on with.
    pub(super) jobs: Roster,
    /// Where each of them was before; nowhere, where it is new.
    pub(super) from: Vec<Option<usize>>,
    /// The places of those that are not the very same as before, in order.
    pub(super) other: Vec<usize>,
    /// Whether any job has another place than before, or is gone.
    pub(super) moves: bool,
}

impl Shift {
    /// The way from the jobs of `old` to `jobs`. What is the same is the very same, not merely
    /// alike.
    #[must_use]
    pub fn between(old: &Roster, jobs: Roster) -> Self {
        let mut from = Vec::with_capacity(jobs.len());
        let mut other = Vec::new();
        let mut likely = 0;
        for (place, job) in jobs.iter().enumerate() {
            let before = old.place_near(likely, &job.name);
            if before.is_none_or(|before| !Arc::ptr_eq(&old[before], job)) {
                other.push(place);
            }
            likely = before.unwrap_or(likely) + usize::from(before.is_some());
            from.push(before);
        }
        // The plan is not to be the first that asks.
        jobs.get_ready();
        let stay = from.iter().copied().eq((0..old.len()).map(Some));
        Self {
            jobs,
            from,
            other,
            moves: !stay,
        }
    }

    /// The jobs to go on with.
    #[must_use]
    pub fn jobs(&self) -> &Roster {
        &self.jobs
    }
}
