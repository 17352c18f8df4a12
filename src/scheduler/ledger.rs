//! What the loop wants written down.

use std::future::Future;

use chrono::{DateTime, Utc};

use super::Coming;
use crate::config::Settings;
use crate::job::Seen;
use crate::run::{Ended, Outcome, Recorded, Retry, Run};

/// Whoever writes down what must survive the end of the program. None of it may block.
///
/// `settled` is up to where all fires of the job are decided; [`Memory::settled`](crate::job::Memory::settled) is the last of
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
    fn foresee(&mut self, _soon: &[Coming]) {}

    /// Learns that the runs that it was told of last have begun: what takes time may be done now.
    fn begun(&mut self) {}

    /// Writes down how a run ended, and when the next attempt is due, where there is to be one.
    fn end(&mut self, run: &Run, ended: &Ended, retry: Option<DateTime<Utc>>);

    /// Writes down that an attempt that was due again is not made.
    fn give_up(&mut self, job: &str, retry: &Retry);

    /// Writes down the latest fire of a job that waits when the end comes.
    fn leave(&mut self, job: &str, fire_time: DateTime<Utc>);

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
    fn remember(&mut self, jobs: Vec<Seen>, faulty: &[String], settings: &Settings);

    /// Writes down that another config holds: the jobs in `news` are new or different, those
    /// called as in `gone` are gone. All others are as they were, and what is remembered of those
    /// called as in `faulty` stays.
    fn amend(&mut self, news: Vec<Seen>, gone: Vec<String>, faulty: &[String], settings: &Settings);
}
