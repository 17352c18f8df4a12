//! The beat of one job: its next fire time, and the fire times that are over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Place;
use super::fire::{Decided, Decision};
use crate::job::{Job, Memory, Seen};
use crate::run::{Cause, Outcome, Retry};
use crate::trigger::Trigger;

/// The longest wait between two attempts.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(3600);

/// How many stretches of decided fire times are remembered, for when the clock is set back.
const SPANS: usize = 32;

/// One job of the plan.
#[derive(Debug)]
pub(super) struct Beat {
    /// The job as configured.
    pub(super) job: Arc<Job>,
    /// When it was first seen with this trigger.
    anchor: DateTime<Utc>,
    /// Its trigger counted from there, where that needs an anchor.
    anchored: Option<Box<Trigger>>,
    /// Its fires up to here concern nobody; `None` while it is disabled.
    since: Option<DateTime<Utc>>,
    /// The next fire time that is not decided.
    pub(super) next: Option<DateTime<Utc>>,
    /// Up to when its fires fell into a time in which nothing ran, where each of them is to run.
    owed_until: Option<DateTime<Utc>>,
    /// The decided fire times: first and last of each stretch, the newest last.
    decided: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Fire times that were decided before the start, in order.
    recorded: Box<[DateTime<Utc>]>,
    /// Whether `next` follows directly on the last decided fire time.
    follows: bool,
    /// Whether `next` is due and waits for a run of the job to end.
    pub(super) parked: bool,
    /// The fire times that are claimed and not decided: few, mostly none.
    pub(super) pending: Vec<DateTime<Utc>>,
    /// Where a fire of it waits for a worker.
    pub(super) place: Option<Place>,
}

impl Beat {
    /// The beat of a job that is first seen at `now`.
    pub(super) fn new(job: Arc<Job>, now: DateTime<Utc>) -> Self {
        let mut beat = Self {
            job,
            anchor: now,
            anchored: None,
            since: None,
            next: None,
            owed_until: None,
            decided: Vec::new(),
            recorded: Box::default(),
            follows: false,
            parked: false,
            pending: Vec::new(),
            place: None,
        };
        beat.count_from(now);
        beat.since = beat.job.policy.enabled.then_some(now);
        beat.next = beat.first_after(now);
        beat
    }

    /// Takes up what was remembered of the job before the start at `now`; gives whether that holds
    /// for it still.
    pub(super) fn remember(
        &mut self,
        memory: &Memory,
        recorded: Vec<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        if self.job.trigger.identity() != memory.trigger {
            return false;
        }
        // What lies in the future was read from a clock that went wrong.
        self.count_from(self.job.trigger.anchor_until(memory.anchor, now));
        self.since = self
            .since
            .map(|since| memory.since.unwrap_or(since).min(now));
        self.recorded = recorded.into();
        self.recorded.sort_unstable();
        self.next = self.first_after(now);
        true
    }

    /// Lets each of its fires from `first` to `now` run after all, one after the other.
    pub(super) fn owe(&mut self, first: DateTime<Utc>, now: DateTime<Utc>) {
        self.owed_until = Some(now);
        self.move_on(None, Some(first), false);
    }

    /// Why the fire at `fire_time` begins, where it is the first attempt.
    pub(super) fn cause(&self, fire_time: DateTime<Utc>) -> Cause {
        if self.owed_until.is_some_and(|until| fire_time <= until) {
            Cause::CatchUp
        } else {
            Cause::Schedule
        }
    }

    /// What is to be remembered of the job.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            job: Arc::clone(&self.job),
            anchor: self.anchor,
            since: self.since,
        }
    }

    /// A claimed fire is decided.
    pub(super) fn decide(&mut self, fire_time: DateTime<Utc>) {
        if let Some(place) = self.pending.iter().position(|one| *one == fire_time) {
            self.pending.swap_remove(place);
        }
    }

    /// A decision about fires that do not wait any more.
    pub(super) fn decided(&self, decision: Decision) -> Decided {
        let latest = match &decision {
            Decision::Run(fire) | Decision::Skip(fire) => fire.fire_time,
            Decision::Coalesce(passed) | Decision::Miss(passed) => passed.last,
        };
        Decided {
            decision,
            settled: self.settled(latest),
        }
    }

    /// Up to where all fires are decided, now that the one at `decided` is.
    pub(super) fn settled(&self, decided: DateTime<Utc>) -> DateTime<Utc> {
        let undecided = self.pending.iter().chain(&self.next).min();
        // Fire times are whole seconds.
        let before = undecided.map(|first| *first - TimeDelta::milliseconds(1));
        before.map_or(decided, |before| before.min(decided))
    }

    /// All fire times from `first` to `last` are decided.
    pub(super) fn decide_all(&mut self, first: DateTime<Utc>, last: DateTime<Utc>) {
        self.decided.push((first, last));
        self.follows = false;
    }

    /// Whether another form of the job fires at other times.
    pub(super) fn begins_anew(&self, job: &Job) -> bool {
        job.trigger.fires_otherwise(&self.job.trigger)
    }

    /// Goes on with another form of the job; from the beginning where the trigger changed.
    pub(super) fn change(&mut self, job: Arc<Job>, now: DateTime<Utc>) {
        let was_enabled = self.job.policy.enabled;
        let other_words = job.trigger != self.job.trigger;
        if self.begins_anew(&job) {
            *self = Self {
                pending: std::mem::take(&mut self.pending),
                place: self.place,
                ..Self::new(job, now)
            };
        } else {
            self.job = job;
            if other_words {
                self.count_from(self.anchor);
            }
            self.parked = false;
        }
        if !self.job.policy.enabled {
            self.since = None;
            self.next = None;
            self.pending.clear();
            self.place = None;
        } else if !was_enabled {
            self.since = Some(now);
            self.next = self.first_after(now);
            self.follows = false;
        }
    }

    /// The trigger, anchored where it needs to be.
    pub(super) fn trigger(&self) -> &Trigger {
        match &self.anchored {
            Some(anchored) => anchored,
            None => &self.job.trigger,
        }
    }

    /// The first fire time after `after` that is not decided.
    pub(super) fn after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut fire_time = self.trigger().next_after(after)?;
        while let Some(last) = self.decided_with(fire_time) {
            fire_time = self.trigger().next_after(last)?;
        }
        Some(fire_time)
    }

    /// Where `fire_time` is decided, the last fire time that is so together with it.
    fn decided_with(&self, fire_time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut spans = self.decided.iter();
        let span = spans.find(|(first, last)| (*first..=*last).contains(&fire_time));
        let recorded = || self.recorded.binary_search(&fire_time).ok();
        let last = span.map(|(_, last)| *last);
        last.or_else(|| recorded().map(|_| fire_time))
    }

    /// Goes on to `next` after `decided` was decided; `follows` where no fire time between the
    /// last decided one and this one was passed over.
    pub(super) fn move_on(
        &mut self,
        decided: Option<DateTime<Utc>>,
        next: Option<DateTime<Utc>>,
        follows: bool,
    ) {
        self.next = next;
        if let Some(fire_time) = decided {
            match self.decided.last_mut() {
                Some(span) if follows && self.follows => span.1 = fire_time,
                _ => {
                    if self.decided.len() == SPANS {
                        self.decided.remove(0);
                    }
                    self.decided.push((fire_time, fire_time));
                }
            }
        }
        self.follows = decided.is_some();
    }

    /// Plans again from `now`, which the clock was set back to.
    pub(super) fn set_back(&mut self, now: DateTime<Utc>) {
        // An anchor in the future was read from a clock that went wrong: counting from it would
        // silence the job until then.
        if self.anchored.is_some() && self.anchor > now {
            self.count_from(self.job.trigger.anchor_until(self.anchor, now));
            self.next = None;
        }
        self.since = self.since.map(|since| since.min(now));
        self.owed_until = self.owed_until.map(|until| until.min(now));
        let again = self.first_after(now);
        let next = self.next.into_iter().chain(again).min();
        if next != self.next {
            self.next = next;
            self.follows = false;
        }
        self.parked = false;
    }

    /// Whether a fire that was due at `due` is later than its grace at `now`.
    pub(super) fn is_missed(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let grace = self.job.policy.misfire_grace_time;
        let grace = grace.and_then(|grace| TimeDelta::from_std(grace).ok());
        grace.is_some_and(|grace| now - due > grace)
    }

    /// When a fire is to begin: after a jitter that `draw(most)` draws.
    pub(super) fn due(&self, fire_time: DateTime<Utc>, draw: fn(u32) -> u32) -> DateTime<Utc> {
        let jitter_s = match self.trigger().jitter_s(fire_time) {
            0 => 0,
            most => draw(most).min(most),
        };
        fire_time + TimeDelta::seconds(jitter_s.into())
    }

    /// Whether the jitter of a fire may not be over at `now`.
    pub(super) fn may_come(&self, fire_time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        // Which of several triggers fires then takes a while to find out, for each of many fires.
        let longest = TimeDelta::seconds(self.trigger().longest_jitter_s().into());
        fire_time + longest > now && self.latest_due(fire_time) > now
    }

    /// The latest at which a fire may be to begin.
    fn latest_due(&self, fire_time: DateTime<Utc>) -> DateTime<Utc> {
        self.due(fire_time, |most| most)
    }

    /// Whether a fire is later than its grace at `now`, whatever its jitter would have been.
    pub(super) fn has_missed(&self, fire_time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.job.policy.misfire_grace_time.is_some()
            && self.is_missed(self.latest_due(fire_time), now)
    }

    /// Up to when all fires are later than their grace at `now`, whatever their jitter.
    pub(super) fn missed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let grace = TimeDelta::from_std(self.job.policy.misfire_grace_time?).ok()?;
        let jitter = TimeDelta::seconds(self.trigger().longest_jitter_s().into());
        let before = now.checked_sub_signed(grace)?.checked_sub_signed(jitter)?;
        Some(before - TimeDelta::seconds(1))
    }

    /// How long to wait before the attempt after number `attempt`, if there is to be one.
    pub(super) fn retry_after(&self, attempt: u32, outcome: Outcome) -> Option<Duration> {
        let policy = &self.job.policy;
        (outcome.is_failure() && policy.enabled && attempt <= policy.retries)
            .then(|| retry_delay(policy.retry_delay, attempt))
    }

    /// Until when an attempt waits on that waited before the start at `now`; `None` where it is not
    /// to be made: its fire is from before the job was configured like this, or no retry is left.
    pub(super) fn wait_for(&self, retry: &Retry, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let since = self.since.filter(|since| *since <= retry.fire_time);
        let failed = retry.attempt.checked_sub(1).filter(|failed| *failed > 0)?;
        let delay = self.retry_after(failed, Outcome::Failure);
        // A clock that was set back meanwhile makes no wait longer.
        let longest = now.checked_add_signed(TimeDelta::from_std(delay?).ok()?)?;
        since.map(|_| retry.due.min(longest))
    }

    /// The first undecided fire time after `after`, unless the job is not to fire at all.
    fn first_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.job.policy.enabled.then(|| self.after(after))?
    }

    fn count_from(&mut self, anchor: DateTime<Utc>) {
        let trigger = &self.job.trigger;
        self.anchor = anchor;
        self.anchored = trigger
            .wants_anchor()
            .then(|| Box::new(trigger.clone().anchored(anchor)));
    }
}

/// The wait before the attempt after number `attempt`.
fn retry_delay(first: Duration, attempt: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
    // One that was configured longer stays as it is.
    first
        .saturating_mul(doubled)
        .min(LONGEST_RETRY_DELAY.max(first))
}
