//! Telling a job's error handler of failures that Python could not tell it of: no exception is
//! left of a timeout, a signal or an exit code.

use std::time::Duration;

use tokio::sync::watch;

use super::{Error, Observer, Tasks, chain, python};
use crate::job::Job;
use crate::process::Launch;
use crate::run::{Cause, Ended, Level, Order, Outcome, Run};

/// How long a handler may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A failure without an exception, as the exception that its handler gets.
pub(super) struct Failure {
    /// A class that Python has built in.
    pub(super) class: &'static str,
    /// Its text.
    pub(super) message: String,
}

/// Whether no other attempt follows when this one fails.
pub(super) fn is_final(run: &Run, job: &Job) -> bool {
    run.cause == Cause::Manual || run.attempt > job.policy.retries
}

impl Failure {
    /// What a run failed of; `None` where it did not fail.
    fn of(ended: &Ended) -> Option<Self> {
        let class = match ended.outcome {
            Outcome::Timeout => "TimeoutError",
            Outcome::Failure | Outcome::Killed => "ChildProcessError",
            Outcome::Success
            | Outcome::Interrupted
            | Outcome::Skipped
            | Outcome::Coalesced
            | Outcome::Missed => return None,
        };
        let message = match (&ended.error, ended.outcome, ended.signal, ended.exit_code) {
            (error, Outcome::Timeout, ..) => {
                let raised = error.as_ref();
                let raised = raised.map(|error| format!(": {}: {}", error.class, error.message));
                let after = ended.took.as_secs_f64();
                format!("timeout after {after:.1} s{}", raised.unwrap_or_default())
            }
            (Some(error), ..) => error.message.clone(),
            (None, _, Some(signal), _) => format!("ended by signal {signal}"),
            (None, _, None, Some(code)) => format!("exit code {code}"),
            (None, _, None, None) => "ended without an exit code".to_owned(),
        };
        Some(Self { class, message })
    }
}

impl Tasks {
    /// Calls the job's error handler in a process of its own, if there is one and the run failed
    /// for good.
    pub(super) async fn tell_handler(
        &self,
        job: &Job,
        ended: &Ended,
        order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) {
        let (Some(handler), Some(failure)) = (&job.error_handler, Failure::of(ended)) else {
            return;
        };
        if !is_final(observer.run, job) {
            return;
        }
        let called = self.call_handler(job, &failure, order, observer).await;
        let why = match called {
            // It reports the failure that it was told of.
            Ok(ended) if ended.error.is_some() => return,
            Ok(ended) => format!("it ended as {}", ended.outcome.word()),
            Err(error) => chain(&error),
        };
        let message = format!("The error handler '{handler}' failed: {why}");
        observer.note(Level::Error, ended.took, message);
    }

    async fn call_handler(
        &self,
        job: &Job,
        failure: &Failure,
        order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, Error> {
        let launch = Launch {
            timeout: Some(PATIENCE),
            ..self.told_launch(job, observer).await?
        };
        let call = python::Call {
            failure: Some(failure),
            ..self.call(job.function(), job, observer.run)
        };
        let interpreter = self.interpreter().await?;
        Ok(python::run(&interpreter, &call, launch, order, observer).await?)
    }
}
