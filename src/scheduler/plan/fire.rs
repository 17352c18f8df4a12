//! Fires, on their way from the agenda to a decision.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Passed;
use crate::job::Job;
use crate::run::{Cause, Retry, Run, RunId};

/// One job due at one fire time: a run is to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// The job, as configured when the fire was claimed.
    pub job: Arc<Job>,
    /// The fire time.
    pub fire_time: DateTime<Utc>,
    /// When it was to begin: the fire time and its jitter, or the time of the retry.
    pub due: DateTime<Utc>,
    /// Why it begins.
    pub cause: Cause,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

impl Fire {
    /// The attempt that it stands for, if that is not the first.
    #[must_use]
    pub fn retry(&self) -> Option<Retry> {
        (self.attempt > 1).then_some(Retry {
            fire_time: self.fire_time,
            attempt: self.attempt,
            due: self.due,
        })
    }

    /// Its run of that name, begun at `started`.
    #[must_use]
    pub fn run(&self, id: RunId, started: DateTime<Utc>) -> Run {
        Run {
            id,
            job: self.job.name.clone(),
            cause: self.cause,
            scheduled_for: Some(self.fire_time),
            started,
            attempt: self.attempt,
        }
    }
}

/// A decision, and what follows from it for the memory of its job.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What was decided.
    pub decision: Decision,
    /// Up to where all fires of the job are decided by then. Decisions are written down one after
    /// the other: what is decided later must not be taken for decided if that comes to an end here.
    pub settled: DateTime<Utc>,
}

/// What becomes of fires.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It begins now; [`super::Plan::ended`] must be told when it is over.
    Run(Fire),
    /// It does not begin: as many runs of the job are going on as may.
    Skip(Fire),
    /// They do not begin: a later one runs in their stead.
    Coalesce(Passed),
    /// They do not begin: they are later than their grace.
    Miss(Passed),
}

/// A fire that is to run, with its job by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) beat: usize,
    pub(super) fire_time: DateTime<Utc>,
    pub(super) due: DateTime<Utc>,
    pub(super) attempt: u32,
    pub(super) cause: Cause,
}

/// An entry of the agenda: at `at`, the beat comes, or a claim that was put off, which is rare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wake {
    pub(super) at: DateTime<Utc>,
    pub(super) beat: usize,
    pub(super) claim: Option<Box<Claim>>,
}

impl Ord for Wake {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let fire_time = |wake: &Self| wake.claim.as_ref().map(|claim| claim.fire_time);
        let key = |wake: &Self| (wake.at, wake.beat, fire_time(wake));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Wake {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Claim {
    /// This fire, of `job`.
    pub(super) fn of(&self, job: &Arc<Job>) -> Fire {
        Fire {
            job: Arc::clone(job),
            fire_time: self.fire_time,
            due: self.due,
            cause: self.cause,
            attempt: self.attempt,
        }
    }
}
