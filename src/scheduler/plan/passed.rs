//! Fires that came and went: counted, and the latest of them listed.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::beat::Beat;
use crate::job::Job;

/// How many fires are listed; the others are only counted.
const LISTED: usize = 1_000;

/// How many fires are counted one by one.
const COUNTED: usize = 1_000_000;

/// Fires of one job that do not run.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// The job.
    pub job: Arc<Job>,
    /// The first fire time among them.
    pub first: DateTime<Utc>,
    /// The last one.
    pub last: DateTime<Utc>,
    /// The latest fire times among them, at most 1,000, in order.
    pub latest: Vec<DateTime<Utc>>,
    /// How many there are.
    pub count: u64,
    /// Whether there are more than `count`: after a million, counting ends.
    pub and_more: bool,
}

impl Passed {
    /// One fire.
    pub(super) fn one(job: &Arc<Job>, fire_time: DateTime<Utc>) -> Self {
        Self {
            job: Arc::clone(job),
            first: fire_time,
            last: fire_time,
            latest: vec![fire_time],
            count: 1,
            and_more: false,
        }
    }
}

/// A count of fires with the latest of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    first: Option<DateTime<Utc>>,
    latest: VecDeque<DateTime<Utc>>,
    count: u64,
    and_more: bool,
}

impl Tally {
    pub(super) fn add(&mut self, fire_time: DateTime<Utc>) {
        if self.latest.len() == LISTED {
            self.latest.pop_front();
        }
        self.first.get_or_insert(fire_time);
        self.latest.push_back(fire_time);
        self.count += 1;
    }

    /// Adds a count of later fires.
    pub(super) fn append(&mut self, later: Self) {
        self.and_more |= later.and_more;
        self.first = self.first.or(later.first);
        let unlisted = later.count - later.latest.len() as u64;
        later.latest.into_iter().for_each(|one| self.add(one));
        self.count += unlisted;
    }

    /// Takes out the latest fire.
    pub(super) fn take_latest(&mut self) -> Option<DateTime<Utc>> {
        let latest = self.latest.pop_back()?;
        self.count -= 1;
        Some(latest)
    }

    /// The fires of this count as those of `job`; `None` where there are none.
    pub(super) fn of(self, job: &Arc<Job>) -> Option<Passed> {
        Some(Passed {
            job: Arc::clone(job),
            first: self.first?,
            last: *self.latest.back()?,
            latest: self.latest.into(),
            count: self.count,
            and_more: self.and_more,
        })
    }
}

/// What has become due for a job since it was last looked at.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Later than they may be.
    pub(super) missed: Tally,
    /// Not so, and not the latest.
    pub(super) coalesced: Tally,
    /// The latest, if it is not too late.
    pub(super) latest: Option<DateTime<Utc>>,
    /// The fire time that comes after these.
    pub(super) next: Option<DateTime<Utc>>,
    /// How many fires it holds beyond `latest`.
    pub(super) steps: usize,
    /// Whether counting ended before all of them were seen.
    unfinished: bool,
}

impl Backlog {
    /// The undecided fires from `first`, which is due, up to `now`; `is_over` tells which are too
    /// late.
    pub(super) fn until(
        now: DateTime<Utc>,
        first: DateTime<Utc>,
        beat: &Beat,
        is_over: impl Fn(DateTime<Utc>) -> bool,
    ) -> Self {
        let mut backlog = Self::default();
        backlog.walk(first, now, COUNTED, beat, &is_over);
        if backlog.unfinished {
            backlog.skip_to_the_end(now, beat, &is_over);
        }
        if let Some(latest) = backlog.latest.filter(|latest| is_over(*latest)) {
            backlog.missed.add(latest);
            backlog.latest = None;
            backlog.steps += 1;
        }
        backlog
    }

    /// Only those that are later than their grace, from the beat's next on.
    pub(super) fn missed(now: DateTime<Utc>, beat: &Beat) -> Self {
        let mut backlog = Self {
            next: beat.next,
            ..Self::default()
        };
        while let Some(fire_time) = backlog.next
            && fire_time <= now
            && beat.has_missed(fire_time, now)
        {
            backlog.missed.add(fire_time);
            backlog.steps += 1;
            // The middle is left out, as in `skip_to_the_end`.
            let end = beat.missed_until(now).filter(|_| backlog.steps == COUNTED);
            let end = end.map(|end| end - TimeDelta::seconds(1_000));
            let reached = end.filter(|end| *end > fire_time);
            backlog.missed.and_more |= reached.is_some();
            backlog.next = beat.after(reached.unwrap_or(fire_time));
        }
        backlog
    }

    /// Goes through the fires from `first` to `now`, at most `most` of them.
    fn walk(
        &mut self,
        first: DateTime<Utc>,
        now: DateTime<Utc>,
        most: usize,
        beat: &Beat,
        is_over: &impl Fn(DateTime<Utc>) -> bool,
    ) {
        self.next = Some(first);
        let mut left = most;
        while let Some(fire_time) = self.next
            && fire_time <= now
        {
            if left == 0 {
                self.unfinished = true;
                return;
            }
            left -= 1;
            if let Some(earlier) = self.latest.replace(fire_time) {
                self.steps += 1;
                if is_over(earlier) {
                    self.missed.add(earlier);
                } else {
                    self.coalesced.add(earlier);
                }
            }
            self.next = beat.after(fire_time);
        }
        self.unfinished = false;
    }

    /// Leaves out the middle of a backlog that is too long to be counted: a job of every second
    /// has 31 million fires a year, and seeing each would keep all others waiting.
    fn skip_to_the_end(
        &mut self,
        now: DateTime<Utc>,
        beat: &Beat,
        is_over: &impl Fn(DateTime<Utc>) -> bool,
    ) {
        let reached = self.next.unwrap_or(now);
        let mut window = TimeDelta::seconds(1_000);
        loop {
            let from = (now - window).max(reached);
            let mut end = Self::default();
            if let Some(first) = beat.after(from) {
                end.walk(first, now, usize::MAX, beat, is_over);
            }
            if end.steps >= LISTED || from == reached {
                self.append(end);
                return;
            }
            window = window * 2;
        }
    }

    fn append(&mut self, end: Self) {
        for (tally, more) in [
            (&mut self.missed, end.missed),
            (&mut self.coalesced, end.coalesced),
        ] {
            tally.and_more = true;
            more.latest.into_iter().for_each(|one| tally.add(one));
        }
        self.latest = end.latest.or(self.latest);
        self.next = end.next;
        self.unfinished = false;
        self.steps += end.steps;
    }
}
