//! Jobs that change, and clocks that are set back.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Plan;
use super::beat::Beat;
use super::fire::{Claim, Fire};
use crate::job::Job;

impl Plan {
    /// Changes the jobs at `now`, and how many runs go on at once. Gives the fires that waited
    /// (for a worker, their jitter or their retry) and whose jobs are gone or disabled.
    ///
    /// A job whose trigger is the same keeps its beat, whatever else changed; its runs go on.
    pub fn replace(
        &mut self,
        jobs: impl IntoIterator<Item = Arc<Job>>,
        now: DateTime<Utc>,
        workers: usize,
    ) -> Vec<Fire> {
        self.reach(now);
        self.workers = workers.max(1);
        let old_jobs: Vec<Arc<Job>> = self.jobs().cloned().collect();
        let mut old: Vec<Option<Beat>> = self.beats.drain(..).map(Some).collect();
        let old_names = std::mem::take(&mut self.by_name);
        let agenda = std::mem::take(&mut self.agenda);
        let waiting = std::mem::take(&mut self.waiting);
        let mut moved = vec![None; old.len()];
        self.by_name.reserve(old.len());
        for job in jobs {
            let enabled = job.policy.enabled;
            let before = old_names.get(&*job.name).copied();
            let kept = before.and_then(|at| old[at].take());
            let beat = self.add(match kept {
                Some(kept) => kept.with(job, now),
                None => Beat::new(job, now),
            });
            if let (Some(before), true) = (before, enabled) {
                moved[before] = Some(beat);
            }
        }
        let mut gone = Vec::new();
        let put_off = agenda.into_iter().filter_map(|Reverse(wake)| wake.claim);
        for claim in put_off {
            match moved[claim.beat] {
                Some(beat) => self.put_off(Claim { beat, ..*claim }),
                None => gone.push(claim.of(&old_jobs[claim.beat])),
            }
        }
        for (place, claim) in waiting {
            match moved[claim.beat] {
                Some(beat) => {
                    self.waiting.insert(place, Claim { beat, ..claim });
                }
                None => gone.push(claim.of(&old_jobs[claim.beat])),
            }
        }
        gone
    }

    /// Brings the plan to `now`. Where the clock was set back, fire times that come again are
    /// planned again unless they have been decided; what was put off waits no longer than before.
    pub(super) fn reach(&mut self, now: DateTime<Utc>) {
        let back = self.now - now;
        self.now = now;
        if back <= TimeDelta::zero() {
            return;
        }
        let agenda = std::mem::take(&mut self.agenda);
        for beat in 0..self.beats.len() {
            self.beats[beat].set_back(now);
            self.schedule(beat);
        }
        for claim in agenda.into_iter().filter_map(|Reverse(wake)| wake.claim) {
            let due = claim.due - back;
            self.put_off(Claim { due, ..*claim });
        }
    }
}
