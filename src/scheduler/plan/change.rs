//! Jobs that change, and clocks that are set back.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::beat::Beat;
use super::fire::{Claim, Fire, Wake};
use super::passed::{Backlog, Passed};
use super::{Plan, Shift};
use crate::job::Roster;

/// The fires that do not run because other jobs are configured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dropped {
    /// They waited for a worker, their jitter or their retry, and their jobs are gone, disabled, or
    /// not tried so often any more.
    pub waiting: Vec<Fire>,
    /// They were due, and later than their grace; their jobs are gone, disabled, or have another
    /// trigger.
    pub missed: Vec<Passed>,
    /// They were owed, and their jobs are so, too.
    pub owed: Vec<Passed>,
}

impl Plan {
    /// Goes on at `now` with other jobs, and with so many runs at once. Gives what does not run for
    /// that.
    ///
    /// A job whose trigger is the same keeps its beat, whatever else changed; its runs go on.
    ///
    /// # Panics
    /// Where `shift` does not begin at the jobs of this plan: a bug of the caller.
    pub fn replace(&mut self, shift: &Shift, now: DateTime<Utc>, workers: usize) -> Dropped {
        self.reach(now);
        self.workers = workers.max(1);
        let places = self.places_after(shift);
        let mut dropped = Dropped::default();
        self.drop_owed(&places, shift, &mut dropped);
        dropped.waiting = self.move_claims(&places, &shift.jobs);
        if shift.moves {
            self.move_beats(shift);
        }
        self.jobs = shift.jobs.clone();
        self.unschedule(&shift.other);
        for &place in &shift.other {
            self.beats[place].change(Arc::clone(&shift.jobs[place]), now);
            self.schedule(place);
        }
        dropped
    }

    /// Finds what is due of jobs that go, or begin anew.
    fn drop_owed(&self, places: &[Option<usize>], shift: &Shift, dropped: &mut Dropped) {
        for (beat, place) in self.beats.iter().zip(places) {
            let goes_on = place.is_some_and(|place| !beat.begins_anew(&shift.jobs[place]));
            let Some(first) = beat.next.filter(|next| !goes_on && *next <= self.now) else {
                continue;
            };
            let Backlog {
                missed,
                coalesced: mut owed,
                latest,
                ..
            } = Backlog::until(self.now, first, beat, |fire_time| {
                beat.has_missed(fire_time, self.now)
            });
            if let Some(latest) = latest {
                owed.add(latest);
            }
            dropped.missed.extend(missed.of(&beat.job));
            dropped.owed.extend(owed.of(&beat.job));
        }
    }

    /// Where the claims of each job go: to its new place, unless it is gone or disabled.
    fn places_after(&self, shift: &Shift) -> Vec<Option<usize>> {
        let mut places = vec![None; self.beats.len()];
        for (place, from) in shift.from.iter().enumerate() {
            if let Some(from) = *from {
                places[from] = Some(place);
            }
        }
        for &place in &shift.other {
            if let Some(from) = shift.from[place].filter(|_| !shift.jobs[place].policy.enabled) {
                places[from] = None;
            }
        }
        places
    }

    /// Lets what is on the agenda and in the queue follow its jobs. Gives the fires that do not.
    fn move_claims(&mut self, places: &[Option<usize>], jobs: &Roster) -> Vec<Fire> {
        let mut gone = Vec::new();
        let mut follow = |claim: Claim| {
            // A retry that the job does not get any more goes, too.
            let place = places[claim.beat]
                .filter(|place| claim.attempt <= jobs[*place].policy.retries.saturating_add(1));
            if place.is_none() {
                gone.push(claim.of(&self.beats[claim.beat].job));
            }
            Some(Claim {
                beat: place?,
                ..claim
            })
        };
        let wakes = std::mem::take(&mut self.agenda).into_vec().into_iter();
        let wakes = wakes.filter_map(|Reverse(wake)| {
            let claim = match wake.claim {
                Some(claim) => Some(Box::new(follow(*claim)?)),
                None => None,
            };
            let beat = places[wake.beat]?;
            Some(Reverse(Wake {
                beat,
                claim,
                ..wake
            }))
        });
        self.agenda = wakes.collect::<Vec<_>>().into();
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let waiting = waiting.filter_map(|(place, claim)| Some((place, follow(claim)?)));
        self.waiting = waiting.collect();
        gone
    }

    /// Puts the beats where their jobs are now, with new ones among them.
    fn move_beats(&mut self, shift: &Shift) {
        let mut before: Vec<Option<Beat>> = self.beats.drain(..).map(Some).collect();
        let jobs = shift.from.iter().zip(&shift.jobs);
        self.beats.extend(jobs.map(|(from, job)| {
            let before = from.and_then(|from| before[from].take());
            before.unwrap_or_else(|| Beat::new(Arc::clone(job), self.now))
        }));
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
        for going in self.going.values_mut() {
            going.began = going.began.min(now);
        }
        for claim in agenda.into_iter().filter_map(|Reverse(wake)| wake.claim) {
            let due = claim.due - back;
            self.put_off(Claim { due, ..*claim });
        }
    }
}
