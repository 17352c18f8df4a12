//! What the loop wants written down.

use std::future::Future;

use chrono::{DateTime, Utc};

use super::plan::Fire;
use crate::config::Settings;
use crate::job::Memory;
use crate::run::{Ended, Outcome, Recorded, Run};

/// Whoever writes down what must survive the end of the program. None of it may block.
///
/// `settled` is up to where all fires of the job are decided; [`Memory::settled`] is the last of
/// these.
pub trait Ledger {
    /// Writes down that `run` begins; the future says when that is done. `once` where it is the
    /// fire of a date, which must never run again.
    fn begin(
        &mut self,
        run: &Run,
        once: bool,
        settled: DateTime<Utc>,
    ) -> impl Future<Output = Recorded> + Send + 'static;

    /// Learns which fires come within a moment, in their order, as a
    /// [`Runner`](super::Runner) does. It may make ready to write them down.
    fn foresee(&mut self, _soon: &[Fire]) {}

    /// Writes down how a run ended.
    fn end(&mut self, run: &Run, ended: &Ended);

    /// Writes down fires of a job that do not run, in order of time.
    fn pass(
        &mut self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    );

    /// Writes down the jobs that are configured from now on. What is remembered of those called as
    /// in `faulty` stays.
    fn remember(&mut self, jobs: Vec<Memory>, faulty: &[String], settings: &Settings);
}
