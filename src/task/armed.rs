//! Children that are there before they are needed.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use super::python::servers::Forked;
use super::python::{self, Started};
use super::resolve::{Named, named};
use super::{Tasks, can_be_forked};
use crate::job::{Job, Task};
use crate::run::Run;

/// How many children wait at most.
const MOST: usize = 8;

/// The children that wait for the fires that come next.
#[derive(Debug, Default)]
pub(super) struct Armed(Mutex<Vec<Waiting>>);

/// A fire that comes next.
#[derive(Debug, Clone, Copy)]
pub struct Coming<'a> {
    /// Its job.
    pub job: &'a Job,
    /// Its fire time.
    pub fire_time: DateTime<Utc>,
    /// When it begins: the fire time and its jitter, or the time of the retry.
    pub due: DateTime<Utc>,
}

/// What is ready for a run, if anything is.
#[derive(Debug, Default)]
pub struct Ready(What);

#[derive(Debug, Default)]
enum What {
    #[default]
    Nothing,
    Forked(Waiting),
    Started(Box<Started>),
}

/// A child that waits for one fire. It has run nothing of the user's, and where it is dropped,
/// it ends.
#[derive(Debug)]
struct Waiting {
    job: String,
    fire_time: DateTime<Utc>,
    child: JoinHandle<Option<Forked>>,
}

impl Armed {
    fn take(&self, run: &Run) -> Option<Waiting> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_for = |one: &Waiting| one.job == run.job && Some(one.fire_time) == run.scheduled_for;
        let place = all.iter().position(is_for)?;
        Some(all.swap_remove(place))
    }
}

impl Waiting {
    fn is_for(&self, coming: &Coming<'_>) -> bool {
        self.job == coming.job.name && self.fire_time == coming.fire_time
    }
}

impl Ready {
    /// The child.
    pub(super) async fn child(self) -> Option<Forked> {
        match self.0 {
            What::Forked(waiting) => waiting.child.await.ok()?,
            What::Nothing | What::Started(_) => None,
        }
    }

    /// A Python that has been started for this run alone.
    pub(super) fn started(&mut self) -> Option<Started> {
        match std::mem::take(&mut self.0) {
            What::Started(started) => Some(*started),
            other => {
                self.0 = other;
                None
            }
        }
    }
}

impl Tasks {
    /// Makes ready for the fires that come next, and lets go of what was ready for others. Nothing
    /// of the user's runs before its time: no import, no context.
    ///
    /// It must be called where futures can be spawned, and does nothing where Python is not kept
    /// warm.
    pub fn prepare<'a>(self: &Arc<Self>, soon: impl Iterator<Item = Coming<'a>>) {
        if self.servers.is_none() {
            return;
        }
        let soon: Vec<_> = soon
            .filter(|one| self.is_forked(one.job))
            .take(MOST)
            .collect();
        let mut armed = self.armed.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.retain(|waiting| soon.iter().any(|coming| waiting.is_for(coming)));
        for coming in &soon {
            if !armed.iter().any(|waiting| waiting.is_for(coming)) {
                armed.push(self.arm(coming));
            }
        }
        drop(armed);
        tokio::spawn(Arc::clone(self).warm(soon.len()));
    }

    /// What is ready for `run`. It is to be taken before [`Self::prepare`] is called again.
    #[must_use]
    pub fn ready(&self, run: &Run) -> Ready {
        Ready(self.armed.take(run).map_or(What::Nothing, What::Forked))
    }

    /// Starts what `run` of `job` needs, as far as that can be done before it begins. What goes
    /// wrong here goes wrong again in [`Self::run_with`].
    pub async fn start(&self, run: &Run, job: &Job) -> Ready {
        let started = async {
            if !self.is_python(job) {
                return None;
            }
            let interpreter = self.interpreter().await.ok()?;
            let launch = self.launch(run, job).ok()?;
            python::start(&interpreter, &self.setup, launch).ok()
        };
        let started = started.await.map(Box::new);
        Ready(started.map_or(What::Nothing, What::Started))
    }

    fn arm(self: &Arc<Self>, coming: &Coming<'_>) -> Waiting {
        let tasks = Arc::clone(self);
        let job = coming.job.clone();
        let due = coming.due;
        let name = job.name.clone();
        let child = async move {
            let interpreter = tasks.interpreter().await.ok()?;
            tasks.fork(&interpreter, &job, Some(due)).await
        };
        Waiting {
            job: name,
            fire_time: coming.fire_time,
            child: tokio::spawn(child),
        }
    }

    /// Starts as many servers as `runs` that begin at once have use for.
    async fn warm(self: Arc<Self>, runs: usize) {
        // Without a Python, the runs themselves will say so.
        if let (Some(servers), Ok(interpreter)) = (&self.servers, self.interpreter().await) {
            servers.warm(&interpreter, &self.setup, runs);
        }
    }

    /// Whether runs of `job` are children of a server.
    fn is_forked(&self, job: &Job) -> bool {
        can_be_forked(job) && self.is_python(job)
    }

    /// Whether `job` calls a Python function.
    pub(super) fn is_python(&self, job: &Job) -> bool {
        let is_python = |name: &str| matches!(named(&self.setup, name), Ok(Named::Python));
        matches!(&job.task, Task::Named(name) if is_python(name))
    }
}
