//! The ledger of `sched watch`: what the loop wants written down goes to the store's writer.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use crate::config::{Config, Settings};
use crate::job::Seen;
use crate::run::{Ended, Outcome, Recorded, Retry, Run};
use crate::scheduler::Ledger;
use crate::scheduler::clock::SystemClock;
use crate::scheduler::plan::{Known, owed_after};
use crate::secret::Secrets;
use crate::store::{Error, Lock, Masks, Place, Store, Writer};

/// How often old runs are forgotten.
const PRUNE_EVERY: TimeDelta = TimeDelta::hours(1);

/// The state of a config, while it is watched.
pub(super) struct State {
    lock: Lock,
    place: Place,
    store: Option<Store>,
    /// What was wrong with the file, to be told once there is a log.
    trouble: Option<String>,
    /// What is known of jobs from before.
    pub(super) known: Vec<Known>,
}

/// Writes down what the loop tells.
pub(super) struct Book {
    // Dropped in this order: the lock is held until all is written.
    writer: Writer,
    lock: Lock,
    /// Why the program stops, once that is known.
    stopped_by: Arc<OnceLock<&'static str>>,
    keep_history: Duration,
    pruned: DateTime<Utc>,
}

impl State {
    /// Becomes the one watcher of a config at `now`.
    ///
    /// # Errors
    /// Where another one watches it, or the folder is not fit for it. A full disk is no error: jobs
    /// go on.
    pub(super) fn open(place: Place, now: DateTime<Utc>) -> Result<Self, Error> {
        let lock = Lock::take(&place, now)?;
        let (store, trouble) = match Store::open(&place, now) {
            Ok((store, damage)) => (Some(store), damage.map(|damage| damage.to_string())),
            Err(error @ Error::Database { .. }) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        Ok(Self {
            lock,
            place,
            store,
            trouble,
            known: Vec::new(),
        })
    }

    /// Takes note of how the watcher before this one ended, and of what it knew of the jobs.
    pub(super) fn look_back(&mut self, config: &Config, now: DateTime<Utc>) {
        if let Some(trouble) = self.trouble.take() {
            tracing::error!(event = "store_failed", "{trouble}");
        }
        let Some(store) = &self.store else {
            return;
        };
        match store.recover() {
            Ok(interrupted) => interrupted.iter().for_each(|(job, id)| {
                let run_id = id.to_string();
                tracing::warn!(
                    event = "run_interrupted",
                    job,
                    run_id,
                    tag = "stop",
                    short = "sched died while it ran; recorded as interrupted",
                    "sched died while '{job}' ran; recorded as interrupted"
                );
            }),
            Err(error) => tracing::error!(event = "store_failed", "{error}"),
        }
        match known(store, config, now) {
            Ok(known) => self.known = known,
            Err(error) => tracing::error!(event = "store_failed", "{error}"),
        }
    }

    /// Where it is to be asked whether the watcher is alive.
    pub(super) fn socket(&self) -> PathBuf {
        self.place.socket()
    }

    /// Begins to write. At the end it is noted by what signal the program was `stopped_by`.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn book(
        self,
        secrets: Secrets,
        stopped_by: Arc<OnceLock<&'static str>>,
    ) -> io::Result<Book> {
        let complain = |text: &str| tracing::error!(event = "store", "{text}");
        let now = SystemClock::wall_time;
        let writer = Writer::start(self.store, self.place, now, Box::new(complain))?;
        writer.masks().set(secrets);
        Ok(Book {
            writer,
            lock: self.lock,
            stopped_by,
            keep_history: Duration::MAX,
            pruned: DateTime::UNIX_EPOCH,
        })
    }
}

/// What is known of the configured jobs.
fn known(store: &Store, config: &Config, now: DateTime<Utc>) -> Result<Vec<Known>, Error> {
    let mut known = Vec::new();
    let jobs = config.by_name();
    let mut retries: HashMap<String, Vec<Retry>> = HashMap::new();
    for (job, retry) in store.retries()? {
        retries.entry(job).or_default().push(retry);
    }
    for memory in store.memories()? {
        let job = jobs.get(memory.job.as_str());
        // A job that is left out because it is faulty may be mended later.
        let owed = job.map_or_else(|| memory.decided_until(), |job| owed_after(job, &memory));
        let recorded = owed.map(|after| store.recorded(&memory.job, after, now));
        let recorded = recorded.transpose()?.unwrap_or_default();
        known.push(Known {
            recorded,
            retries: retries.remove(&memory.job).unwrap_or_default(),
            memory,
        });
    }
    Ok(known)
}

impl Book {
    /// Who can tell it what must not be written.
    pub(super) fn masks(&self) -> Masks {
        self.writer.masks()
    }

    /// Forgets what is too old, now and then.
    fn prune(&mut self, now: DateTime<Utc>) {
        let keep = TimeDelta::from_std(self.keep_history).unwrap_or(TimeDelta::MAX);
        let cutoff = now.checked_sub_signed(keep);
        // The clock may have been set back meanwhile.
        if (now - self.pruned).abs() < PRUNE_EVERY {
            return;
        }
        self.pruned = now;
        if let Some(cutoff) = cutoff {
            self.writer.prune(cutoff);
        }
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        if let Some(why) = self.stopped_by.get() {
            self.lock.note_end(SystemClock::wall_time(), why);
        }
    }
}

impl Ledger for Book {
    fn begin(
        &mut self,
        run: &Run,
        once: bool,
        settled: DateTime<Utc>,
    ) -> impl Future<Output = Recorded> + Send + 'static {
        self.prune(run.started);
        let (answer, answered) = oneshot::channel();
        let tell = move |recorded| {
            // A run that was ended meanwhile does not wait for it.
            let _ = answer.send(recorded);
        };
        self.writer
            .begin(run.clone(), once, settled, Box::new(tell));
        async move { answered.await.unwrap_or(Recorded::Not) }
    }

    fn end(&mut self, run: &Run, ended: &Ended, retry: Option<DateTime<Utc>>) {
        self.writer.end(run.id, ended.clone(), retry);
    }

    fn give_up(&mut self, job: &str, retry: &Retry) {
        self.writer.give_up(job.to_owned(), *retry);
    }

    fn pass(
        &mut self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    ) {
        let (job, fire_times) = (job.to_owned(), fire_times.to_vec());
        self.writer.pass(outcome, job, fire_times, settled);
    }

    fn remember(&mut self, jobs: Arc<[Seen]>, faulty: &[String], settings: &Settings) {
        self.keep_history = settings.keep_history;
        self.writer.remember(jobs, faulty.to_vec());
    }
}
