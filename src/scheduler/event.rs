//! What the loop tells of its doings.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::plan::{Downtime, Fire, Passed, Plan};
use super::reload::Changes;
use crate::config::Settings;
use crate::job::Job;
use crate::run::{Ended, Outcome, Run};

/// Something that the scheduler did, or that happened to it.
#[derive(Debug)]
pub enum Event<'a> {
    /// It begins with this plan.
    Planned {
        /// The jobs and their next fire times.
        plan: &'a Plan,
    },
    /// A run begins.
    Started {
        /// The run.
        run: &'a Run,
        /// How late it is, where that is worth a word.
        late: Option<Late>,
    },
    /// A run is over.
    Ended {
        /// The run.
        run: &'a Run,
        /// Its job, as configured when it began.
        job: &'a Job,
        /// How it ended.
        ended: &'a Ended,
        /// When it is tried again.
        retry: Option<DateTime<Utc>>,
    },
    /// A fire does not run: `max_instances` runs of its job are going on.
    Skipped {
        /// The fire.
        fire: &'a Fire,
        /// When the oldest of these runs began.
        since: Option<DateTime<Utc>>,
    },
    /// Fires do not run: coalesced, missed, or skipped because their job has changed.
    Passed {
        /// Which of these.
        outcome: Outcome,
        /// The fires.
        passed: &'a Passed,
        /// For how long the machine was suspended, where they were due before that ended.
        suspended: Option<Duration>,
    },
    /// Fires came and went while nothing ran.
    Resumed {
        /// These fires.
        downtime: &'a Downtime,
        /// Whether because their jobs were faulty, and not because the scheduler was down.
        mended: bool,
    },
    /// A run does not begin after all: that attempt at its fire was recorded before.
    Repeated {
        /// The run.
        run: &'a Run,
    },
    /// A fire that waited does not run: its job is no longer configured, or disabled.
    Dropped {
        /// The fire.
        fire: &'a Fire,
    },
    /// Another config holds from now on.
    Reloaded {
        /// What is different about the jobs.
        changes: &'a Changes,
        /// The settings that hold now.
        settings: &'a Settings,
        /// The jobs and their next fire times.
        plan: &'a Plan,
    },
    /// It was asked to stop: nothing begins any more.
    Stopping {
        /// The runs that are going on.
        runs: &'a [&'a Run],
        /// How long they may go on.
        grace: Duration,
    },
    /// The runs that are still going on are ended.
    Ending {
        /// These runs.
        runs: &'a [&'a Run],
        /// Whether at once, with KILL.
        at_once: bool,
    },
    /// It has come to its end: nothing runs any more.
    Stopped,
}

/// A run begins later than it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// When it was due: its fire time with its jitter, or the time of its retry.
    pub due: DateTime<Utc>,
    /// How long after that.
    pub by: Duration,
    /// For how long the machine was suspended, where it was due before that ended.
    pub suspended: Option<Duration>,
}

/// Whoever is told what the scheduler does.
pub trait Journal {
    /// Takes note of `event`. It must not block.
    fn note(&mut self, event: &Event<'_>);
}
