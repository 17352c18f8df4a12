//! Children that are there before they are needed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::python::{self, Primed, Started};
use super::resolve::{Named, named};
use super::{Tasks, can_be_forked};
use crate::job::{Job, Task};
use crate::run::{Run, RunId};

/// How many children wait at most.
const MOST: usize = 8;

/// The children that wait for the runs that come next.
#[derive(Debug, Default)]
pub(super) struct Armed(Mutex<Vec<Waiting>>);

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

/// A child that waits for one run. It has run nothing of the user's, and where it is dropped,
/// it ends.
#[derive(Debug)]
struct Waiting {
    run: RunId,
    child: JoinHandle<Option<Primed>>,
}

impl Armed {
    fn take(&self, run: &Run) -> Option<Waiting> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|one| one.run == run.id)?;
        Some(all.swap_remove(place))
    }
}

impl Ready {
    /// The child that waits for this run.
    pub(super) async fn child(&mut self) -> Option<Primed> {
        match &mut self.0 {
            What::Forked(waiting) => (&mut waiting.child).await.ok()?,
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
    /// Makes ready for the runs that come next, which begin when they are said to have `started`,
    /// and lets go of what was ready for others. Nothing of the user's runs before its time: no
    /// import, no context.
    ///
    /// It must be called where futures can be spawned, and does nothing where Python is not kept
    /// warm.
    pub fn prepare(self: &Arc<Self>, soon: impl Iterator<Item = (Arc<Job>, Run)>) {
        if self.servers.is_none() {
            return;
        }
        let soon: Vec<_> = soon
            .filter(|(job, _)| self.is_forked(job))
            .take(MOST)
            .collect();
        let count = soon.len();
        let mut armed = self.armed.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.retain(|waiting| soon.iter().any(|(_, run)| run.id == waiting.run));
        for (job, run) in soon {
            if !armed.iter().any(|waiting| waiting.run == run.id) {
                armed.push(self.arm(job, run));
            }
        }
        drop(armed);
        tokio::spawn(Arc::clone(self).warm(count));
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
            let launch = self.launch(run, job).await.ok()?;
            let started = python::start(&interpreter, &self.setup, launch);
            started.await.ok()
        };
        let started = started.await.map(Box::new);
        Ready(started.map_or(What::Nothing, What::Started))
    }

    fn arm(self: &Arc<Self>, job: Arc<Job>, run: Run) -> Waiting {
        let tasks = Arc::clone(self);
        let id = run.id;
        let child = async move {
            let interpreter = tasks.interpreter().await.ok()?;
            tasks.fork(&interpreter, &job, &run, true).await
        };
        Waiting {
            run: id,
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
