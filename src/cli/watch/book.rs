//! The ledger of `sched watch`: what the loop wants written down goes to the store's writer.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::pruning::Pruning;
use crate::config::{Config, Settings};
use crate::job::Seen;
use crate::run::{Ended, Level, Outcome, Recorded, Retry, Run, RunId};
use crate::scheduler::clock::{Clock, SystemClock};
use crate::scheduler::plan::{Known, owed_after};
use crate::scheduler::{Coming, Ledger, Message};
use crate::secret::Secrets;
use crate::store::{Begun, Error, Filter, Left, Lock, Masks, Note, Place, Slate, Store, Writer};

/// The state of a config, while it is watched.
pub(super) struct State {
    lock: Lock,
    place: Place,
    store: Option<Store>,
    slate: Option<Arc<Slate>>,
    /// The runs that had begun when the watcher before this one died, as far as they may not be
    /// in the store.
    begun: Left,
    /// Whether it is written down how that watcher ended.
    is_noted: bool,
    began: DateTime<Utc>,
    /// When the last run began that is recorded.
    newest: Option<DateTime<Utc>>,
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
    place: Place,
    /// Why the program stops, once that is known.
    stopped_by: Arc<OnceLock<&'static str>>,
    slate: Option<Arc<Slate>>,
    foreseen: Vec<Foreseen>,
    /// The runs that are noted on the slate and of which the writer does not know yet.
    noted: Vec<(Begun, Note)>,
    keep_history: Duration,
    pruning: Pruning,
    clock: SystemClock,
    /// For how long the machine had been suspended when that began.
    suspended: Duration,
    began: DateTime<Utc>,
    /// Whether the lock was taken away.
    is_robbed: bool,
    /// Where to ask for the end.
    messages: mpsc::Sender<Message>,
}

/// A run that begins within a moment.
struct Foreseen {
    id: RunId,
    job: String,
    /// Whether it may run as soon as it is noted: it is known that it was not recorded before.
    open: Arc<AtomicBool>,
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
        let (slate, begun, trouble) = match Slate::open(&place) {
            Ok((slate, begun)) => (Some(slate), begun, trouble),
            // Without it, runs wait until they are in the store.
            Err(error @ Error::Io { .. }) => {
                let trouble = trouble.unwrap_or_else(|| error.to_string());
                (None, Left::new(), Some(trouble))
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            lock,
            place,
            store,
            slate,
            begun,
            is_noted: false,
            began: now,
            newest: None,
            trouble,
            known: Vec::new(),
        })
    }

    /// Takes note of how the watcher before this one ended, and of what it knew of the jobs.
    pub(super) fn look_back(&mut self, config: &Config, now: DateTime<Utc>) {
        if let Some(trouble) = self.trouble.take() {
            tracing::error!(event = "store_failed", "{trouble}");
        }
        if let Some(store) = &self.store {
            // Where it cannot be read, neither can it be written, which is told.
            let newest = store.runs(&Filter::default(), 1).ok();
            self.newest = newest.and_then(|runs| Some(runs.first()?.run.started));
            match store.look_back(self.begun.iter().map(|(begun, _)| begun)) {
                Ok(interrupted) => {
                    self.begun.drain(..).for_each(|(_, note)| note.wipe());
                    self.is_noted = true;
                    tell_interrupted(&interrupted);
                }
                Err(error) => tracing::error!(event = "store_failed", "{error}"),
            }
        }
        match self.read_known(config, now) {
            Ok(known) => self.known = known,
            Err(error) => tracing::error!(event = "store_failed", "{error}"),
        }
    }

    /// What is known of the configured jobs, also where the file can only be read.
    fn read_known(&self, config: &Config, now: DateTime<Utc>) -> Result<Vec<Known>, Error> {
        let read_only = match &self.store {
            Some(_) => None,
            // Why it cannot be opened has been told.
            None => Store::read(&self.place).ok().flatten(),
        };
        let Some(store) = self.store.as_ref().or(read_only.as_ref()) else {
            return Ok(Vec::new());
        };
        let mut known = known(store, config, now)?;
        // What stands on the slate only has no record, and ran all the same.
        for (begun, _) in &self.begun {
            let run = &begun.run;
            let of_job = known.iter_mut().find(|known| known.memory.job == run.job);
            if let (Some(known), Some(fire_time)) = (of_job, run.scheduled_for) {
                known.recorded.push(fire_time);
                known
                    .retries
                    .retain(|retry| (retry.fire_time, retry.attempt) != (fire_time, run.attempt));
            }
        }
        Ok(known)
    }

    /// Begins to write. At the end it is noted by what signal the program was `stopped_by`.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn book(
        self,
        secrets: Secrets,
        stopped_by: Arc<OnceLock<&'static str>>,
        messages: mpsc::Sender<Message>,
    ) -> io::Result<Book> {
        let complain = |level, text: &str| match level {
            Level::Debug | Level::Info => tracing::info!(event = "store", "{text}"),
            Level::Warning | Level::Error | Level::Critical => {
                tracing::error!(event = "store", "{text}");
            }
        };
        let now = SystemClock::wall_time;
        let writer = Writer::start(self.store, self.place.clone(), now, Box::new(complain))?;
        writer.masks().set(secrets);
        let clock = SystemClock::new();
        if !self.is_noted {
            writer.look_back(self.begun, Box::new(tell_interrupted));
        }
        Ok(Book {
            writer,
            lock: self.lock,
            place: self.place,
            stopped_by,
            slate: self.slate,
            foreseen: Vec::new(),
            noted: Vec::new(),
            keep_history: Duration::MAX,
            pruning: Pruning::new(self.began, self.newest),
            suspended: clock.suspended(),
            clock,
            began: self.began,
            is_robbed: false,
            messages,
        })
    }
}

/// How long runs are kept: for ever, where nobody can tell what was meant.
fn kept(settings: &Settings) -> Duration {
    if settings.faulty.contains(&"keep history") {
        Duration::MAX
    } else {
        settings.keep_history
    }
}

/// Tells of the runs that were going on when the watcher before this one died.
fn tell_interrupted(runs: &[(String, RunId)]) {
    for (job, id) in runs {
        let run_id = id.to_string();
        tracing::warn!(
            event = "run_interrupted",
            job,
            run_id,
            tag = "stop",
            short = "sched died while it ran; recorded as interrupted",
            "sched died while '{job}' ran; recorded as interrupted"
        );
    }
}

/// What is known of the configured jobs.
fn known(store: &Store, config: &Config, now: DateTime<Utc>) -> Result<Vec<Known>, Error> {
    let mut known = Vec::new();
    let mut retries: HashMap<String, Vec<Retry>> = HashMap::new();
    for (job, retry) in store.retries()? {
        retries.entry(job).or_default().push(retry);
    }
    let waiting: HashMap<_, _> = store.left_waiting()?.into_iter().collect();
    for memory in store.memories()? {
        let job = config.jobs.named(&memory.job);
        // A job that is left out because it is faulty may be mended later.
        let owed = job.map_or_else(|| memory.decided_until(), |job| owed_after(job, &memory));
        let recorded = owed.map(|after| store.recorded(&memory.job, after, now));
        let recorded = recorded.transpose()?.unwrap_or_default();
        known.push(Known {
            recorded,
            retries: retries.remove(&memory.job).unwrap_or_default(),
            waiting: waiting.get(&memory.job).copied(),
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

    /// Asks whether a fire that comes was recorded before.
    fn ask_about(&self, Coming { fire, id }: &Coming) -> Foreseen {
        let foreseen = Foreseen {
            id: *id,
            job: fire.job.name.clone(),
            open: Arc::default(),
        };
        let open = Arc::clone(&foreseen.open);
        let tell = move |recorded| open.store(recorded == Recorded::Now, Ordering::Release);
        let once = fire.job.trigger.is_once(fire.fire_time);
        let job = foreseen.job.clone();
        self.writer
            .foresee(job, fire.fire_time, fire.attempt, once, Box::new(tell));
        foreseen
    }

    /// Notes that a run begins, where it is known that it may.
    fn noted(&mut self, begun: &Begun) -> Option<Note> {
        let is_it = |one: &Foreseen| one.id == begun.run.id;
        let place = self.foreseen.iter().position(is_it)?;
        let foreseen = self.foreseen.swap_remove(place);
        let is_open = foreseen.open.load(Ordering::Acquire);
        self.slate.as_ref().filter(|_| is_open)?.note(begun)
    }

    /// Lets it be written down that a run begins.
    fn written(&self, begun: Begun) -> oneshot::Receiver<Recorded> {
        let (answer, answered) = oneshot::channel();
        let tell = move |recorded| {
            // A run that was ended meanwhile does not wait for it.
            let _ = answer.send(recorded);
        };
        self.writer.begin(begun, Box::new(tell));
        answered
    }

    /// Makes the files of the state folder anew, where somebody took them away: else a second
    /// watcher could begin beside this one.
    fn start_over(&mut self) {
        let folder = self.place.folder().display();
        match Lock::take(&self.place, self.began) {
            Ok(lock) => {
                self.lock = lock;
                // Without a slate, runs wait until they are in the store.
                let slate = Slate::open(&self.place);
                self.slate = slate.ok().map(|(slate, _)| slate);
                super::answer_on(&self.place.socket());
                let text = "the state was taken away; it is begun anew";
                tracing::error!(event = "store", "{folder}: {text}");
            }
            Err(error @ Error::Watched(_)) => {
                tracing::error!(
                    event = "store",
                    "{folder}: the state was taken away, and {error}; this one stops: where two \
                     watch, jobs run twice"
                );
                // Where a stop is on its way already, that is enough.
                let _ = self.messages.try_send(Message::Stop);
            }
            Err(error) => tracing::error!(
                event = "store",
                "{folder}: the state was taken away: {error}"
            ),
        }
    }

    /// Forgets what is too old, now and then.
    fn prune(&mut self, now: DateTime<Utc>) {
        let passed = self.clock.monotonic() + self.clock.suspended().saturating_sub(self.suspended);
        let cutoff = self.pruning.turn(now, passed, self.keep_history);
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
        let begun = Begun {
            run: run.clone(),
            once,
            settled,
        };
        let answered = match self.noted(&begun) {
            Some(note) => {
                self.noted.push((begun, note));
                None
            }
            None => Some(self.written(begun)),
        };
        async move {
            match answered {
                Some(answered) => answered.await.unwrap_or(Recorded::Not),
                None => Recorded::Now,
            }
        }
    }

    fn foresee(&mut self, soon: &[Coming]) {
        if self.slate.is_none() {
            return;
        }
        self.foreseen
            .retain(|one| soon.iter().any(|coming| coming.id == one.id));
        for coming in soon {
            if !self.foreseen.iter().any(|one| coming.id == one.id) {
                let one = self.ask_about(coming);
                self.foreseen.push(one);
            }
        }
    }

    fn begun(&mut self) {
        // Not before: a thread that is woken takes a processor that what begins has need of.
        for (begun, note) in self.noted.drain(..) {
            self.writer.take_over(begun, note);
        }
        if self.lock.is_in_place() {
            self.is_robbed = false;
        } else if !std::mem::replace(&mut self.is_robbed, true) {
            self.start_over();
        }
    }

    fn end(&mut self, run: &Run, ended: &Ended, retry: Option<DateTime<Utc>>) {
        self.writer.end(run.id, ended.clone(), retry);
    }

    fn give_up(&mut self, job: &str, retry: &Retry) {
        self.writer.give_up(job.to_owned(), *retry);
    }

    fn leave(&mut self, job: &str, fire_time: DateTime<Utc>) {
        self.writer.leave(job.to_owned(), fire_time);
    }

    fn pass(
        &mut self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    ) {
        self.foreseen.retain(|one| one.job != job);
        let (job, fire_times) = (job.to_owned(), fire_times.to_vec());
        self.writer.pass(outcome, job, fire_times, settled);
    }

    fn remember(&mut self, jobs: Vec<Seen>, faulty: &[String], settings: &Settings) {
        self.keep_history = kept(settings);
        self.writer.remember(jobs, faulty.to_vec());
    }

    fn amend(
        &mut self,
        news: Vec<Seen>,
        gone: Vec<String>,
        faulty: &[String],
        settings: &Settings,
    ) {
        self.keep_history = kept(settings);
        self.writer.amend(news, gone, faulty.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::load;
    use crate::source::Source;

    #[test]
    fn where_nobody_can_tell_how_long_runs_are_kept_they_are_kept_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yml");
        let kept = |keep: &str| {
            let jobs = "a.b: {type: interval, hours: 1}";
            let text = format!("scheduler: {{keep history: {keep}, {jobs}}}\n");
            std::fs::write(&path, text).unwrap();
            let source = Source::read(&path).unwrap();
            let loaded = load::understand(path.clone(), source, SystemClock::wall_time());
            kept(&loaded.config().unwrap().settings)
        };
        assert_eq!(kept("1d"), Duration::from_secs(24 * 3600));
        assert_eq!(kept("2 eons"), Duration::MAX);
    }
}
