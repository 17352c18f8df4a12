//! What is due: jobs, instants and the ends of runs in, decisions out.
//!
//! Not for carrying the decisions out. Nothing here reads a clock, so a test can let a year pass
//! in a loop. The cost of a fire grows with the logarithm of the number of jobs.
//!
//! A job has one *beat* on the agenda: its next fire time. When that comes, the fire is claimed,
//! perhaps delayed by its jitter, and then waits for a worker, mostly for no time at all.

mod beat;
mod change;
mod downtime;
mod fire;
mod passed;
mod shift;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

use crate::job::{Job, Roster, Seen};
use crate::run::{Cause, Outcome};

use beat::Beat;
pub use change::Dropped;
pub use downtime::{Downtime, GivenUp, Known, Why, owed_after};
use fire::{Claim, Wake};
pub use fire::{Decided, Decision, Fire};
use passed::Backlog;
pub use passed::Passed;
pub use shift::Shift;

/// How many fires [`Plan::soon`] looks ahead.
const FORESIGHT: usize = 16;

/// How many steps one call of [`Plan::due`] takes before it lets others have their turn.
const SLICE: usize = 1_000;

/// When each job fires next, and what runs and waits.
#[derive(Debug)]
pub struct Plan {
    jobs: Roster,
    /// One for each of the jobs, in their order.
    beats: Vec<Beat>,
    agenda: BinaryHeap<Reverse<Wake>>,
    waiting: BTreeMap<Place, Claim>,
    going: HashMap<String, Going>,
    workers: usize,
    busy: usize,
    now: DateTime<Utc>,
    tickets: u64,
    draw: fn(u32) -> u32,
}

/// A place in the queue for workers: by fire time, then by arrival.
type Place = (DateTime<Utc>, u64);

/// The runs of one job that are going on.
#[derive(Debug)]
struct Going {
    count: u32,
    began: DateTime<Utc>,
}

impl Plan {
    /// A plan of `jobs` that begins at `now`: intervals count from there, jobs with
    /// `run_at_start` fire there. At most `workers` runs go on at once.
    ///
    /// `draw(most)` gives a random number from 0 to `most`, for jitter.
    #[must_use]
    pub fn new(jobs: Roster, now: DateTime<Utc>, workers: usize, draw: fn(u32) -> u32) -> Self {
        let beats = jobs.iter().map(|job| Beat::new(Arc::clone(job), now));
        let mut plan = Self {
            beats: beats.collect(),
            agenda: BinaryHeap::with_capacity(jobs.len()),
            jobs,
            waiting: BTreeMap::new(),
            going: HashMap::new(),
            workers: workers.max(1),
            busy: 0,
            now,
            tickets: 0,
            draw,
        };
        for beat in 0..plan.beats.len() {
            plan.schedule(beat);
            let policy = &plan.beats[beat].job.policy;
            if policy.enabled && policy.run_at_start {
                // As it will be read again, so that a retry after a restart has the same.
                let fire_time = now.trunc_subsecs(6);
                plan.beats[beat].pending.push(fire_time);
                plan.put_off(Claim {
                    beat,
                    fire_time,
                    due: fire_time,
                    attempt: 1,
                    cause: Cause::Schedule,
                });
            }
        }
        plan
    }

    /// When something is due next: call [`Self::due`] then.
    #[must_use]
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.agenda.peek().map(|Reverse(wake)| wake.at)
    }

    /// What is due next, if that is by `until`: the first fires, in their order.
    #[must_use]
    pub fn soon(&self, until: DateTime<Utc>) -> Vec<Fire> {
        let wakes = self.wakes().take_while(|wake| wake.at <= until);
        let fires = wakes.filter_map(|wake| self.fire(wake));
        fires.take(FORESIGHT).collect()
    }

    /// The entries of the agenda in their order, each as costly as a few steps down its heap:
    /// none comes before the one above it.
    fn wakes(&self) -> impl Iterator<Item = &Wake> {
        let heap = self.agenda.as_slice();
        let numbered = |index: usize| heap.get(index).map(|wake| (wake, index));
        let mut frontier: BinaryHeap<_> = numbered(0).into_iter().collect();
        std::iter::from_fn(move || {
            let (Reverse(wake), index) = frontier.pop()?;
            frontier.extend(
                [2 * index + 1, 2 * index + 2]
                    .into_iter()
                    .filter_map(numbered),
            );
            Some(wake)
        })
    }

    /// The fire that a wake brings, if nothing happens before.
    fn fire(&self, wake: &Wake) -> Option<Fire> {
        let beat = &self.beats[wake.beat];
        let claim = wake.claim.as_deref().copied().or_else(|| {
            let fire_time = beat.next?;
            Some(Claim {
                beat: wake.beat,
                fire_time,
                due: wake.at,
                attempt: 1,
                cause: beat.cause(fire_time),
            })
        });
        Some(claim?.of(&beat.job))
    }

    /// The next fire time of the job of that name, jitter left aside.
    #[must_use]
    pub fn next_of(&self, job: &str) -> Option<DateTime<Utc>> {
        self.beats[self.jobs.place(job)?].next
    }

    /// The jobs, in their order.
    #[must_use]
    pub fn jobs(&self) -> &Roster {
        &self.jobs
    }

    /// The jobs, in their order, each with its next fire time, jitter left aside.
    pub fn beats(&self) -> impl Iterator<Item = (&Job, Option<DateTime<Utc>>)> {
        self.beats.iter().map(|beat| (&*beat.job, beat.next))
    }

    /// Up to where all fires of a job are decided, now that the one at `decided` is.
    #[must_use]
    pub fn settled(&self, job: &str, decided: DateTime<Utc>) -> DateTime<Utc> {
        let beat = self.jobs.place(job).map(|beat| &self.beats[beat]);
        beat.map_or(decided, |beat| beat.settled(decided))
    }

    /// What is to be remembered of the jobs.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.beats.iter().map(Beat::seen).collect()
    }

    /// What is to be remembered of the jobs that `shift` has changed or brought.
    #[must_use]
    pub fn seen_anew(&self, shift: &Shift) -> Vec<Seen> {
        let others = shift.other.iter();
        others.map(|place| self.beats[*place].seen()).collect()
    }

    /// The jobs of which fires wait for a worker, or for a run of the job to end, each with the
    /// latest of them. Attempts after the first are remembered as such.
    pub fn left_waiting(&self) -> impl Iterator<Item = (&Job, DateTime<Utc>)> {
        let claimed = self.claimed().filter(|claimed| self.is_of_trigger(claimed));
        let parked = self.beats.iter().enumerate();
        let parked = parked.filter(|(_, beat)| beat.parked);
        let parked = parked.filter_map(|(place, beat)| Some((place, beat.next?)));
        let mut latest = BTreeMap::new();
        for (place, fire_time) in claimed.chain(parked) {
            let latest = latest.entry(place).or_insert(fire_time);
            *latest = fire_time.max(*latest);
        }
        let told = |(place, fire_time): (usize, _)| (&*self.beats[place].job, fire_time);
        latest.into_iter().map(told)
    }

    /// The fires of this start that wait for a worker: at the next start they do not come again.
    pub fn left_behind(&self) -> impl Iterator<Item = (&Job, DateTime<Utc>)> {
        let claimed = self
            .claimed()
            .filter(|claimed| !self.is_of_trigger(claimed));
        claimed.map(|(place, fire_time)| (&*self.beats[place].job, fire_time))
    }

    fn is_of_trigger(&self, (place, fire_time): &(usize, DateTime<Utc>)) -> bool {
        self.beats[*place].trigger().fires_at(*fire_time)
    }

    /// The fires that wait for a worker for the first time, each with the place of its job.
    fn claimed(&self) -> impl Iterator<Item = (usize, DateTime<Utc>)> {
        let claims = self.waiting.values().filter(|claim| claim.attempt == 1);
        claims.map(|claim| (claim.beat, claim.fire_time))
    }

    /// How many fires wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Decides what is due at `now`, in order of time.
    ///
    /// After a long pause that may be much: then it decides a part of it, and [`Self::next`]
    /// still lies in the past. A `now` before the last one means that the clock was set back.
    pub fn due(&mut self, now: DateTime<Utc>) -> Vec<Decided> {
        self.reach(now);
        let mut decisions = Vec::new();
        let mut steps = 0;
        loop {
            while steps < SLICE
                && let Some(wake) = self.take_due()
            {
                steps += 1;
                match wake.claim {
                    Some(claim) => self.arrive(*claim, &mut decisions),
                    None => steps += self.beat(wake.beat, &mut decisions),
                }
            }
            self.begin_waiting(&mut decisions);
            if steps >= SLICE || self.next().is_none_or(|next| next > now) {
                return decisions;
            }
        }
    }

    /// Takes note that the run of `fire` is over; the time of its retry, if it gets one.
    ///
    /// A failed run is tried again after `retry_delay`, which doubles each time up to an hour.
    ///
    /// # Panics
    /// Where `fire` was never decided to run: a bug of the caller.
    pub fn ended(
        &mut self,
        fire: &Fire,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.reach(now);
        self.busy -= 1;
        let going = self.going.get_mut(&fire.job.name).expect("its run began");
        going.count -= 1;
        let idle = going.count == 0;
        if idle {
            self.going.remove(&fire.job.name);
        }
        let beat = self.jobs.place(&fire.job.name)?;
        if idle {
            self.unpark(beat);
        }
        let due = now + self.beats[beat].retry_after(fire.attempt, outcome)?;
        self.put_off(Claim {
            beat,
            fire_time: fire.fire_time,
            due,
            attempt: fire.attempt + 1,
            cause: Cause::Retry,
        });
        Some(due)
    }

    /// Puts the next beat of a job on the agenda.
    fn schedule(&mut self, beat: usize) {
        self.agenda.extend(self.beats[beat].next.map(|at| {
            Reverse(Wake {
                at,
                beat,
                claim: None,
            })
        }));
    }

    /// Takes the next beats of these jobs, which are in order, off the agenda.
    fn unschedule(&mut self, beats: &[usize]) {
        if !beats.is_empty() {
            let stays =
                |wake: &Wake| wake.claim.is_some() || beats.binary_search(&wake.beat).is_err();
            self.agenda.retain(|Reverse(wake)| stays(wake));
        }
    }

    /// Puts a claim on the agenda, for when it is due.
    fn put_off(&mut self, claim: Claim) {
        self.agenda.push(Reverse(Wake {
            at: claim.due,
            beat: claim.beat,
            claim: Some(Box::new(claim)),
        }));
    }

    /// The first entry of the agenda that is due.
    fn take_due(&mut self) -> Option<Wake> {
        self.next().filter(|at| *at <= self.now)?;
        self.agenda.pop().map(|Reverse(wake)| wake)
    }

    /// The beat of a job has come: claims one fire, or tells what becomes of it. Gives the number
    /// of fires that it looked at beyond the first.
    fn beat(&mut self, index: usize, decisions: &mut Vec<Decided>) -> usize {
        let now = self.now;
        let Some(first) = self.beats[index].next else {
            return 0;
        };
        if !self.beats[index].job.policy.coalesce {
            return self.beat_in_order(index, decisions);
        }
        let beat = &self.beats[index];
        let is_over = |fire_time| beat.has_missed(fire_time, now);
        let backlog = Backlog::until(now, first, beat, is_over);
        let steps = backlog.steps;
        self.beats[index].move_on(backlog.latest, backlog.next, steps == 0);
        self.schedule(index);
        let beat = &self.beats[index];
        let missed = backlog.missed.of(&beat.job).map(Decision::Miss);
        let coalesced = backlog.coalesced.of(&beat.job).map(Decision::Coalesce);
        let passed = missed.into_iter().chain(coalesced);
        decisions.extend(passed.map(|decision| beat.decided(decision)));
        if let Some(fire_time) = backlog.latest {
            self.claim(index, fire_time, decisions);
        }
        steps
    }

    /// The beat of a job without `coalesce`: each late fire runs, one after the other.
    ///
    /// What was due when the run before it began waits for that run; what came due during it
    /// overlaps with it.
    fn beat_in_order(&mut self, index: usize, decisions: &mut Vec<Decided>) -> usize {
        let backlog = Backlog::missed(self.now, &self.beats[index]);
        let steps = backlog.steps;
        if steps > 0 {
            self.beats[index].move_on(None, backlog.next, false);
            let beat = &self.beats[index];
            let missed = backlog.missed.of(&beat.job).map(Decision::Miss);
            decisions.extend(missed.map(|decision| beat.decided(decision)));
        }
        let Some(fire_time) = self.beats[index].next.filter(|next| *next <= self.now) else {
            self.schedule(index);
            return steps;
        };
        let beat = &self.beats[index];
        let going = self.going.get(&beat.job.name);
        if beat.place.is_some() || going.is_some_and(|going| fire_time <= going.began) {
            self.beats[index].parked = true;
        } else {
            let next = beat.after(fire_time);
            self.beats[index].move_on(Some(fire_time), next, true);
            self.schedule(index);
            self.claim(index, fire_time, decisions);
        }
        steps
    }

    /// Claims a fire: it arrives now, or after its jitter.
    fn claim(&mut self, beat: usize, fire_time: DateTime<Utc>, decisions: &mut Vec<Decided>) {
        let claim = Claim {
            beat,
            fire_time,
            due: self.beats[beat].due(fire_time, self.draw),
            attempt: 1,
            cause: self.beats[beat].cause(fire_time),
        };
        self.beats[beat].pending.push(fire_time);
        if claim.due > self.now {
            self.put_off(claim);
        } else {
            self.arrive(claim, decisions);
        }
    }

    /// A claim is due: it gets in line for a worker, unless its job has enough runs already.
    fn arrive(&mut self, claim: Claim, decisions: &mut Vec<Decided>) {
        if claim.attempt > 1 {
            self.get_in_line(claim);
            return;
        }
        if !self.has_room(&claim) {
            let beat = &mut self.beats[claim.beat];
            beat.decide(claim.fire_time);
            let skip = Decision::Skip(claim.of(&beat.job));
            decisions.push(beat.decided(skip));
            return;
        }
        let beat = &self.beats[claim.beat];
        let ahead = beat.place.filter(|_| beat.job.policy.coalesce);
        let ahead = ahead.and_then(|place| Some((place, *self.waiting.get(&place)?)));
        match ahead {
            // A late fire gives its place to the later one; two that only their jitter brought
            // together both run.
            Some((place, earlier)) if earlier.due < claim.due => {
                self.waiting.insert(place, claim);
                let beat = &mut self.beats[claim.beat];
                beat.decide(earlier.fire_time);
                let passed = Passed::one(&beat.job, earlier.fire_time);
                decisions.push(beat.decided(Decision::Coalesce(passed)));
            }
            _ => {
                let place = self.get_in_line(claim);
                self.beats[claim.beat].place = Some(place);
            }
        }
    }

    fn get_in_line(&mut self, claim: Claim) -> Place {
        self.tickets += 1;
        let place = (claim.fire_time, self.tickets);
        self.waiting.insert(place, claim);
        place
    }

    /// Gives free workers to those who wait, first come first served.
    fn begin_waiting(&mut self, decisions: &mut Vec<Decided>) {
        while self.busy < self.workers {
            // Only retries, and fires that jitter or want of workers brought together, wait for a
            // run of their own job, so few are passed over.
            let first = self.waiting.iter().find(|(_, claim)| self.has_room(claim));
            let Some((&place, &claim)) = first else {
                return;
            };
            self.waiting.remove(&place);
            if self.beats[claim.beat].place == Some(place) {
                self.beats[claim.beat].place = None;
            }
            if claim.attempt == 1 {
                self.beats[claim.beat].decide(claim.fire_time);
            }
            let beat = &self.beats[claim.beat];
            if claim.attempt == 1 && beat.is_missed(claim.due, self.now) {
                let passed = Passed::one(&beat.job, claim.fire_time);
                decisions.push(beat.decided(Decision::Miss(passed)));
            } else {
                decisions.push(beat.decided(Decision::Run(claim.of(&beat.job))));
                self.busy += 1;
                self.going
                    .entry(beat.job.name.clone())
                    .and_modify(|going| going.count += 1)
                    .or_insert(Going {
                        count: 1,
                        began: self.now,
                    })
                    .began = self.now;
            }
            self.unpark(claim.beat);
        }
    }

    /// Whether `max_instances` lets one more run of the claim's job begin.
    fn has_room(&self, claim: &Claim) -> bool {
        let job = &self.beats[claim.beat].job;
        self.going
            .get(&job.name)
            .is_none_or(|going| going.count < job.policy.max_instances.max(1))
    }

    /// Lets a job go on whose beat waited for a run.
    fn unpark(&mut self, beat: usize) {
        if std::mem::take(&mut self.beats[beat].parked) {
            self.schedule(beat);
        }
    }
}
