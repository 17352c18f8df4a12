//! What fell into the time when nothing ran: missed, or caught up on.

use chrono::{DateTime, TimeDelta, Utc};

use super::Plan;
use super::beat::Beat;
use super::fire::{Claim, Fire};
use super::passed::{Backlog, Passed, Tally};
use crate::job::{Job, Memory};
use crate::run::{Cause, Retry};

/// How long after the start a fire runs whose lateness does not matter.
///
/// Source: docassemble.Scheduler.
const SETTLING: TimeDelta = TimeDelta::seconds(5);

/// How late an attempt that waited while nothing ran is still made.
const LATEST_RETRY: TimeDelta = TimeDelta::days(1);

/// What is known of a job from before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What was remembered.
    pub memory: Memory,
    /// The fire times after [`owed_after`] that have a record.
    pub recorded: Vec<DateTime<Utc>>,
    /// The attempts that waited when the scheduler ended.
    pub retries: Vec<Retry>,
    /// The latest fire that waited for a worker when the scheduler was asked to end.
    pub waiting: Option<DateTime<Utc>>,
}

impl Known {
    /// The attempts that waited, where the job is gone.
    fn given_up(self) -> impl Iterator<Item = GivenUp> {
        let job = self.memory.job;
        self.retries.into_iter().map(move |retry| GivenUp {
            job: job.clone(),
            retry,
            why: Why::Gone,
        })
    }
}

/// The fires of the down time that do not run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Downtime {
    /// Too late to run.
    pub missed: Vec<Passed>,
    /// A later one runs in their stead.
    pub coalesced: Vec<Passed>,
    /// Attempts that waited and are made after all.
    pub retried: Vec<Fire>,
    /// Attempts that waited and are not made any more.
    pub given_up: Vec<GivenUp>,
}

/// An attempt that waited when the scheduler ended, and is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The name of its job.
    pub job: String,
    /// The attempt.
    pub retry: Retry,
    /// Why it is not made.
    pub why: Why,
}

/// Why an attempt that waited is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its job is not configured any more.
    Gone,
    /// Its job has another trigger, is disabled, or has no retries left.
    Changed,
    /// It was due more than a day ago.
    Late,
}

/// After which instant the fires of `job` were not all decided, by what is remembered of it;
/// `None` where it starts anew, or does not fire.
#[must_use]
pub fn owed_after(job: &Job, memory: &Memory) -> Option<DateTime<Utc>> {
    let is_same = job.policy.enabled && job.trigger.identity() == memory.trigger;
    memory.decided_until().filter(|_| is_same)
}

impl Plan {
    /// Takes up where the scheduler was when it ended: with the anchors that intervals had, and
    /// with the fires that are due since. To be called before anything is decided, for all jobs at
    /// the start, and for those that a reload has mended.
    ///
    /// A fire within a given `misfire_grace_time` runs. Without one, so does the latest that waited
    /// when the scheduler was asked to end, or whose jitter is not over. With `at_any_lateness`, so
    /// does the latest fire of a job that is called as before. An attempt that waited is made when
    /// it is due, at once where that has passed, unless it is a day late, or its job has another
    /// trigger or no retries left; nor are those of jobs that are gone.
    pub fn resume(&mut self, known: Vec<Known>, at_any_lateness: bool) -> Downtime {
        let mut downtime = Downtime::default();
        let mut placed = Vec::with_capacity(known.len());
        for known in known {
            match self.jobs.place(&known.memory.job) {
                Some(beat) => placed.push((beat, known)),
                None => downtime.given_up.extend(known.given_up()),
            }
        }
        placed.sort_unstable_by_key(|(beat, _)| *beat);
        let beats: Vec<usize> = placed.iter().map(|(beat, _)| *beat).collect();
        self.unschedule(&beats);
        for (beat, known) in placed {
            self.resume_job(beat, known, at_any_lateness, &mut downtime);
            self.schedule(beat);
        }
        downtime
    }

    fn resume_job(
        &mut self,
        index: usize,
        known: Known,
        at_any_lateness: bool,
        downtime: &mut Downtime,
    ) {
        let now = self.now;
        let beat = &mut self.beats[index];
        let Known {
            memory,
            recorded,
            retries,
            waiting,
        } = known;
        let owed = owed_after(&beat.job, &memory);
        let is_same = beat.remember(&memory, recorded, now);
        for retry in retries {
            self.resume_retry(index, retry, is_same, downtime);
        }
        let beat = &self.beats[index];
        let first = owed.filter(|_| is_same).and_then(|owed| beat.after(owed));
        let Some(first) = first.filter(|first| *first <= now) else {
            return;
        };
        let lenient = at_any_lateness && beat.job.call_digest() == memory.call;
        let policy = &beat.job.policy;
        if policy.misfire_grace_time.is_some() && !policy.coalesce {
            self.resume_in_order(index, first, lenient, downtime);
        } else {
            let has_waited = |fire_time| waiting.is_some_and(|waiting| fire_time <= waiting);
            let is_over = |fire_time| match policy.misfire_grace_time {
                Some(_) => beat.has_missed(fire_time, now),
                None => !lenient && !has_waited(fire_time) && !beat.may_come(fire_time, now),
            };
            let backlog = Backlog::until(now, first, beat, is_over);
            self.resume_latest(index, first, backlog, lenient, downtime);
        }
    }

    /// Lets each fire from `first` on that is within its grace run, one after the other; where none
    /// is, and lateness does not matter, the latest.
    fn resume_in_order(
        &mut self,
        index: usize,
        first: DateTime<Utc>,
        lenient: bool,
        downtime: &mut Downtime,
    ) {
        let now = self.now;
        let beat = &mut self.beats[index];
        beat.owe(first, now);
        let mut backlog = Backlog::missed(now, beat);
        let is_empty = backlog.next.is_none_or(|next| next > now);
        let latest = if lenient && is_empty {
            backlog.missed.take_latest()
        } else {
            None
        };
        beat.move_on(latest, backlog.next, false);
        downtime.missed.extend(backlog.missed.of(&beat.job));
        if let Some(fire_time) = latest {
            self.catch_up(index, fire_time, now + SETTLING);
        }
    }

    /// Lets at most the latest fire of the `backlog` from `first` on run.
    fn resume_latest(
        &mut self,
        index: usize,
        first: DateTime<Utc>,
        backlog: Backlog,
        lenient: bool,
        downtime: &mut Downtime,
    ) {
        let now = self.now;
        let draw = self.draw;
        let beat = &mut self.beats[index];
        let verdict = Verdict::of(backlog, beat, lenient, now, draw);
        beat.decide_all(first, now);
        let job = &beat.job;
        downtime.missed.extend(verdict.missed.of(job));
        downtime.coalesced.extend(verdict.coalesced.of(job));
        if let Some((fire_time, due)) = verdict.caught_up {
            self.catch_up(index, fire_time, due);
        }
    }

    /// Claims a fire that came before the start.
    fn catch_up(&mut self, beat: usize, fire_time: DateTime<Utc>, due: DateTime<Utc>) {
        self.beats[beat].pending.push(fire_time);
        self.put_off(Claim {
            beat,
            fire_time,
            due,
            attempt: 1,
            cause: Cause::CatchUp,
        });
    }

    /// Lets an attempt that waited wait on, or gives it up.
    fn resume_retry(&mut self, index: usize, retry: Retry, is_same: bool, downtime: &mut Downtime) {
        let beat = &self.beats[index];
        let wait = beat.wait_for(&retry, self.now).filter(|_| is_same);
        let claim = Claim {
            beat: index,
            fire_time: retry.fire_time,
            due: wait.unwrap_or(retry.due),
            attempt: retry.attempt,
            cause: Cause::Retry,
        };
        let why = match wait {
            None => Why::Changed,
            Some(due) if self.now - due > LATEST_RETRY => Why::Late,
            Some(_) => {
                downtime.retried.push(claim.of(&beat.job));
                self.put_off(claim);
                return;
            }
        };
        downtime.given_up.push(GivenUp {
            job: beat.job.name.clone(),
            retry,
            why,
        });
    }
}

/// What becomes of the fires of one job.
#[derive(Debug, Default)]
struct Verdict {
    missed: Tally,
    coalesced: Tally,
    /// The fire time of the one that runs, and when it is to run.
    caught_up: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Verdict {
    /// What becomes of a backlog.
    fn of(
        backlog: Backlog,
        beat: &Beat,
        lenient: bool,
        now: DateTime<Utc>,
        draw: fn(u32) -> u32,
    ) -> Self {
        let Backlog {
            mut missed,
            coalesced: mut in_time,
            latest,
            ..
        } = backlog;
        let has_grace = beat.job.policy.misfire_grace_time.is_some();
        // One that is over may come after those that are not.
        let latest = latest.or_else(|| in_time.take_latest());
        let due = |fire_time| {
            if lenient && !has_grace {
                now + SETTLING
            } else {
                beat.due(fire_time, draw)
            }
        };
        let mut caught_up = latest.map(|latest| (latest, due(latest)));
        // With the jitter that it draws it may be later than its grace after all.
        if let Some((latest, _)) = caught_up.take_if(|(_, due)| beat.is_missed(*due, now)) {
            missed.append(std::mem::take(&mut in_time));
            missed.add(latest);
        }
        // Even the latest is later than its grace.
        if caught_up.is_none() && lenient {
            let latest = missed.take_latest();
            caught_up = latest.map(|latest| (latest, now + SETTLING));
        }
        Self {
            missed,
            coalesced: in_time,
            caught_up,
        }
    }
}
