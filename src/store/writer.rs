//! The one busy writer: a thread that writes down what it is told, much of it at once.
//!
//! Whoever tells it something never waits for the disk. All that has come in while one
//! transaction was at it goes into the next, so a thousand fires in a second are a handful of
//! transactions.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Begun, Error, Left, Note, Place, Store};
use crate::job::Seen;
use crate::run::{Ended, Level, Outcome, Recorded, Retry, Run, RunId};
use crate::secret::Secrets;
use crate::words::counted;

/// How much is written at once, and how much waits for a disk that takes nothing.
const BATCH: usize = 1_000;
const WAITING: usize = 10_000;

/// How many bytes of what runs wrote wait with it, and what stands in the place of more.
const WAITING_BYTES: usize = 16 << 20;
const LOST_TEXT: &str = "[lost: the history could not be written]";

/// After how long what could not be written is tried again, if nothing else comes.
const AGAIN: Duration = Duration::from_secs(5);

/// How long to wait for another process that writes: runs wait that long to begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often, and how long after each other, the last notes are tried: for ten seconds.
const LAST_TRIES: u32 = 100;
const BETWEEN_LAST_TRIES: Duration = Duration::from_millis(100);

/// How long nothing must come before some more old runs are forgotten.
const BREATH: Duration = Duration::from_millis(10);

/// Told once it is known whether a run is written down.
pub type Answer = Box<dyn FnOnce(Recorded) + Send>;

/// Told which runs were going on when the watcher before this one ended.
pub type Interrupted = Box<dyn FnOnce(&[(String, RunId)]) + Send>;

/// Told of trouble with the file, once, and of its end.
pub type Complain = Box<dyn FnMut(Level, &str) + Send>;

/// Says what time it is.
pub type Now = fn() -> DateTime<Utc>;

/// Hands over to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// Tells a writer, from another thread, what must not be written.
#[derive(Debug, Clone)]
pub struct Masks(Sender<Order>);

/// Something to write down.
enum Order {
    LookBack {
        left: Left,
        interrupted: Vec<(String, RunId)>,
        tell: Interrupted,
    },
    Begin {
        begun: Begun,
        note: Option<Note>,
        answer: Option<Answer>,
    },
    Foresee {
        job: String,
        fire_time: DateTime<Utc>,
        attempt: u32,
        once: bool,
        answer: Answer,
    },
    End {
        id: RunId,
        ended: Box<Ended>,
        retry: Option<DateTime<Utc>>,
    },
    GiveUp {
        job: String,
        retry: Retry,
    },
    Leave {
        job: String,
        fire_time: DateTime<Utc>,
    },
    Pass {
        outcome: Outcome,
        job: String,
        fire_times: Vec<DateTime<Utc>>,
        settled: DateTime<Utc>,
    },
    Remember {
        jobs: Arc<Vec<Seen>>,
        faulty: Vec<String>,
    },
    Amend {
        news: Vec<Seen>,
        gone: Vec<String>,
        faulty: Vec<String>,
    },
    Prune(DateTime<Utc>),
    Secrets(Secrets),
    /// Write what waits, and come to an end.
    Finish,
}

/// What the thread has.
struct Hand {
    /// The file; `None` while it cannot be opened.
    store: Option<Store>,
    place: Place,
    now: Now,
    complain: Complain,
    /// What is to be written, the oldest first.
    waiting: Vec<Order>,
    /// The jobs that are configured, and the names of the faulty ones: for a file that has to be
    /// begun anew, and where notes of them are lost.
    jobs: Arc<Vec<Seen>>,
    faulty: Vec<String>,
    secrets: Secrets,
    /// The runs that began before are to be forgotten.
    cutoff: Option<DateTime<Utc>>,
    troubled: bool,
    lost: usize,
}

impl Writer {
    /// Begins to write into the store at `place`, which is opened where it is not there yet.
    /// `complain` is told once when writing fails, and once when it works again.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(
        store: Option<Store>,
        place: Place,
        now: Now,
        complain: Complain,
    ) -> io::Result<Self> {
        let (orders, received) = channel();
        let hand = Hand {
            store,
            place,
            now,
            complain,
            waiting: Vec::new(),
            jobs: Arc::default(),
            faulty: Vec::new(),
            secrets: Secrets::default(),
            cutoff: None,
            troubled: false,
            lost: 0,
        };
        let thread = Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || hand.write_all(&received))?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Takes note of how the watcher before this one ended, as [`Store::look_back`] does, wipes out
    /// the notes that it left, and says what was going on: as soon as the file can be written.
    pub fn look_back(&self, left: Left, tell: Interrupted) {
        self.send(Order::LookBack {
            left,
            interrupted: Vec::new(),
            tell,
        });
    }

    /// Writes down that a run begins, as [`Store::begin`] does; `answer` is told when that is so.
    pub fn begin(&self, begun: Begun, answer: Answer) {
        self.send(Order::Begin {
            begun,
            note: None,
            answer: Some(answer),
        });
    }

    /// Writes down that a run has begun that is noted elsewhere, and then wipes out the `note`.
    pub fn take_over(&self, begun: Begun, note: Note) {
        self.send(Order::Begin {
            begun,
            note: Some(note),
            answer: None,
        });
    }

    /// Asks whether an attempt at a fire was written down before, as far as anybody knows now.
    pub fn foresee(
        &self,
        job: String,
        fire_time: DateTime<Utc>,
        attempt: u32,
        once: bool,
        answer: Answer,
    ) {
        self.send(Order::Foresee {
            job,
            fire_time,
            attempt,
            once,
            answer,
        });
    }

    /// Writes down how a run ended, and when it is tried again.
    pub fn end(&self, id: RunId, ended: Ended, retry: Option<DateTime<Utc>>) {
        let ended = Box::new(ended);
        self.send(Order::End { id, ended, retry });
    }

    /// Writes down that an attempt that waited is not made.
    pub fn give_up(&self, job: String, retry: Retry) {
        self.send(Order::GiveUp { job, retry });
    }

    /// Writes down the latest fire of a job that waits at the end.
    pub fn leave(&self, job: String, fire_time: DateTime<Utc>) {
        self.send(Order::Leave { job, fire_time });
    }

    /// Writes down fires that do not run, as [`Store::pass`] does.
    pub fn pass(
        &self,
        outcome: Outcome,
        job: String,
        fire_times: Vec<DateTime<Utc>>,
        settled: DateTime<Utc>,
    ) {
        self.send(Order::Pass {
            outcome,
            job,
            fire_times,
            settled,
        });
    }

    /// Remembers these jobs instead of those before; see [`Store::remember`].
    pub fn remember(&self, jobs: Vec<Seen>, faulty: Vec<String>) {
        let jobs = Arc::new(jobs);
        self.send(Order::Remember { jobs, faulty });
    }

    /// Remembers that these jobs are new or different, and those gone; see [`Store::amend`].
    pub fn amend(&self, news: Vec<Seen>, gone: Vec<String>, faulty: Vec<String>) {
        self.send(Order::Amend { news, gone, faulty });
    }

    /// Forgets the runs that began before `cutoff`.
    pub fn prune(&self, cutoff: DateTime<Utc>) {
        self.send(Order::Prune(cutoff));
    }

    /// Who can tell it what must not be written.
    #[must_use]
    pub fn masks(&self) -> Masks {
        Masks(self.orders.clone())
    }

    fn send(&self, order: Order) {
        if let Err(unsent) = self.orders.send(order) {
            // The thread is gone, which only a bug can do: jobs go on all the same.
            unsent.0.refuse();
        }
    }
}

impl Masks {
    /// From now on these never reach the file.
    pub fn set(&self, secrets: Secrets) {
        // Once the writer is gone, nothing is written.
        let _ = self.0.send(Order::Secrets(secrets));
    }
}

impl Drop for Writer {
    /// Waits until all is written.
    fn drop(&mut self) {
        self.send(Order::Finish);
        if let Some(thread) = self.thread.take() {
            // Where it panicked, that has been told.
            let _ = thread.join();
        }
    }
}

impl Order {
    fn write(&mut self, store: &Store) -> Result<Recorded, Error> {
        match self {
            Self::Foresee { .. } | Self::Prune(_) | Self::Secrets(_) | Self::Finish => {}
            Self::LookBack {
                left, interrupted, ..
            } => {
                *interrupted = store.look_back(left.iter().map(|(begun, _)| begun))?;
            }
            Self::Begin { begun, .. } => {
                let Begun { run, once, settled } = begun;
                return store.begin(run, *once, Some(*settled), None);
            }
            Self::End { id, ended, retry } => {
                store.end(*id, ended)?;
                if let Some(due) = retry {
                    store.await_retry(*id, *due)?;
                }
            }
            Self::GiveUp { job, retry } => store.give_up(job, retry)?,
            Self::Leave { job, fire_time } => store.leave(job, *fire_time)?,
            Self::Pass {
                outcome,
                job,
                fire_times,
                settled,
            } => store.pass(*outcome, job, fire_times, *settled)?,
            Self::Remember { jobs, faulty } => store.remember(jobs, faulty)?,
            Self::Amend { news, gone, .. } => store.amend(news, gone)?,
        }
        Ok(Recorded::Now)
    }

    /// Says that it could not be written down, where anybody waits for that.
    fn refuse(mut self) {
        self.answer(Recorded::Not);
    }

    fn answer(&mut self, recorded: Recorded) {
        if let Self::Begin { answer, .. } = self
            && let Some(answer) = answer.take()
        {
            answer(recorded);
        }
    }

    /// Takes note that it is in the file.
    fn settle(mut self, recorded: Recorded) {
        self.answer(recorded);
        match self {
            Self::Begin {
                note: Some(note), ..
            } => note.wipe(),
            Self::LookBack {
                left,
                interrupted,
                tell,
            } => {
                for (_, note) in left {
                    note.wipe();
                }
                tell(&interrupted);
            }
            _ => {}
        }
    }

    /// Whether it says which jobs are configured.
    fn is_of_jobs(&self) -> bool {
        matches!(self, Self::Remember { .. } | Self::Amend { .. })
    }
}

impl Hand {
    /// Writes until it is told to finish.
    fn write_all(mut self, received: &Receiver<Order>) {
        while let ControlFlow::Continue(()) = self.wait(received) {
            self.write();
        }
        self.write_last();
        let unwritten = std::mem::take(&mut self.waiting);
        unwritten.into_iter().for_each(Order::refuse);
    }

    /// Writes what waits at the end, as soon as another process or the disk lets it.
    fn write_last(&mut self) {
        self.write();
        for _ in 0..LAST_TRIES {
            if self.waiting.is_empty() {
                return;
            }
            std::thread::sleep(BETWEEN_LAST_TRIES);
            self.write();
        }
        if !self.waiting.is_empty() {
            let lost = counted(self.lost + self.waiting.len(), "note");
            let path = self.place.database();
            (self.complain)(
                Level::Error,
                &format!("{lost} lost: {} takes none", path.display()),
            );
        }
    }

    /// Waits for something to do, and takes what else has come.
    fn wait(&mut self, received: &Receiver<Order>) -> ControlFlow<()> {
        let order = match (self.waiting.is_empty(), self.cutoff) {
            (false, _) => received.recv_timeout(AGAIN),
            (true, Some(_)) => received.recv_timeout(BREATH),
            (true, None) => received.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(order) => self.take(order)?,
            // Runs wait to be written down, so what is old is forgotten bit by bit.
            Err(RecvTimeoutError::Timeout) if self.waiting.is_empty() => self.prune(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return ControlFlow::Break(()),
        }
        let mut more = BATCH;
        while more > 0
            && let Ok(order) = received.try_recv()
        {
            self.take(order)?;
            more -= 1;
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, order: Order) -> ControlFlow<()> {
        match order {
            Order::Finish => return ControlFlow::Break(()),
            Order::Secrets(secrets) => {
                self.secrets = secrets;
                self.hide();
            }
            Order::Prune(cutoff) => self.cutoff = Some(cutoff),
            Order::Remember { jobs, faulty } => {
                self.jobs = Arc::clone(&jobs);
                self.faulty.clone_from(&faulty);
                self.waiting.push(Order::Remember { jobs, faulty });
            }
            Order::Amend { news, gone, faulty } => {
                self.amend(&news, &gone);
                self.faulty.clone_from(&faulty);
                self.waiting.push(Order::Amend { news, gone, faulty });
            }
            Order::Foresee {
                job,
                fire_time,
                attempt,
                once,
                answer,
            } => {
                answer(self.foresee(&job, fire_time, attempt, once));
            }
            mut order @ (Order::LookBack { .. }
            | Order::Begin { .. }
            | Order::End { .. }
            | Order::GiveUp { .. }
            | Order::Leave { .. }
            | Order::Pass { .. }) => {
                if self.troubled {
                    order.answer(Recorded::Not);
                }
                self.waiting.push(order);
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether an attempt at a fire may run, by what is in the file and by what waits. Nobody has to
    /// wait for another process that writes to learn that.
    fn foresee(
        &mut self,
        job: &str,
        fire_time: DateTime<Utc>,
        attempt: u32,
        once: bool,
    ) -> Recorded {
        let is_it = |run: &Run| {
            (&*run.job, run.scheduled_for, run.attempt) == (job, Some(fire_time), attempt)
        };
        let waits =
            |order: &Order| matches!(order, Order::Begin { begun, .. } if is_it(&begun.run));
        if self.waiting.iter().any(waits) {
            return Recorded::Before;
        }
        // Where that fails, the next thing that is written tells why.
        let opened = self.troubled || self.open().is_ok();
        let store = self.store.as_ref().filter(|_| opened);
        match store.map(|store| store.is_open(job, fire_time, attempt, once)) {
            Some(Ok(true)) => Recorded::Now,
            Some(Ok(false)) => Recorded::Before,
            Some(Err(_)) | None => Recorded::Not,
        }
    }

    /// Puts the news among the configured jobs, and takes out what is gone.
    fn amend(&mut self, news: &[Seen], gone: &[String]) {
        let named = news.iter().map(|seen| (&*seen.job.name, Some(seen)));
        let gone = gone.iter().map(|name| (&**name, None));
        let mut news: HashMap<&str, Option<&Seen>> = gone.chain(named).collect();
        let jobs = Arc::make_mut(&mut self.jobs);
        jobs.retain_mut(|old| match news.remove(&*old.job.name) {
            Some(Some(seen)) => {
                old.clone_from(seen);
                true
            }
            Some(None) => false,
            None => true,
        });
        jobs.extend(news.into_values().flatten().cloned());
    }

    /// All that is to be remembered of jobs.
    fn all_jobs(&self) -> Order {
        Order::Remember {
            jobs: Arc::clone(&self.jobs),
            faulty: self.faulty.clone(),
        }
    }

    fn hide(&mut self) {
        if let Some(store) = &mut self.store {
            store.set_secrets(self.secrets.clone());
        }
    }

    /// Writes what waits, all of it or nothing.
    fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if self.troubled {
            // With what has come since it was tried the last time.
            self.shed_text();
        }
        let mut written = self.transaction();
        if let Err(error) = &written
            && error.is_damage()
        {
            written = self.begin_anew().and_then(|()| self.transaction());
        }
        match written {
            Ok(answers) => {
                let orders = std::mem::take(&mut self.waiting);
                for (order, recorded) in orders.into_iter().zip(answers) {
                    order.settle(recorded);
                }
                self.recovered();
            }
            Err(error) => self.put_off(&error),
        }
    }

    fn transaction(&mut self) -> Result<Vec<Recorded>, Error> {
        if self
            .store
            .as_ref()
            .is_some_and(|store| !store.is_in_place())
        {
            self.miss_file();
        }
        self.open()?;
        let store = self.store.as_ref().expect("it was just opened");
        // Once it is known that another process keeps the file, runs need not wait for it.
        store.set_patience(if self.troubled {
            Duration::ZERO
        } else {
            PATIENCE
        })?;
        store.begin_transaction()?;
        let orders = self.waiting.iter_mut();
        let written: Result<Vec<Recorded>, Error> =
            orders.map(|order| order.write(store)).collect();
        let written = written.and_then(|answers| store.commit().map(|()| answers));
        if written.is_err() {
            store.roll_back();
        }
        written
    }

    /// Opens the file where it is not open.
    fn open(&mut self) -> Result<(), Error> {
        if self.store.is_none() {
            self.store = Some(Store::join(&self.place)?);
            self.hide();
        }
        Ok(())
    }

    /// Goes on with another file, where somebody took this one away.
    fn miss_file(&mut self) {
        self.store = None;
        (self.complain)(
            Level::Error,
            &format!(
                "{} was taken away; a new one is begun",
                self.place.database().display()
            ),
        );
        self.remember_anew();
    }

    /// Goes on with another file, where this one is damaged.
    fn begin_anew(&mut self) -> Result<(), Error> {
        // Closed first: what SQLite does at its end must not reach the new file.
        self.store = None;
        let (store, aside) = Store::replace(&self.place, (self.now)())?;
        (self.complain)(
            Level::Error,
            &format!(
                "{} is damaged; it was moved to {} and a new one begun",
                store.path().display(),
                aside.display()
            ),
        );
        self.store = Some(store);
        self.hide();
        self.remember_anew();
        Ok(())
    }

    /// Puts the jobs into a file that knows of none. What they did before is not in it, and concerns
    /// nobody any more: else the next start would take it for missed.
    fn remember_anew(&mut self) {
        let now = (self.now)();
        for seen in Arc::make_mut(&mut self.jobs) {
            seen.since = seen.since.map(|since| since.max(now));
        }
        self.waiting.insert(0, self.all_jobs());
    }

    /// Jobs go on although nothing can be written; what waits is tried again.
    fn put_off(&mut self, error: &Error) {
        self.trouble(error);
        for order in &mut self.waiting {
            order.answer(Recorded::Not);
        }
        let surplus = self.waiting.len().saturating_sub(WAITING);
        let lost = self.waiting.drain(..surplus);
        let (first, lost): (Vec<_>, Vec<_>) =
            lost.partition(|order| matches!(order, Order::LookBack { .. }));
        if lost.iter().any(Order::is_of_jobs) {
            self.waiting.insert(0, self.all_jobs());
        }
        self.waiting.splice(0..0, first);
        self.lost += lost.len();
        self.shed_text();
    }

    /// Lets go of what runs wrote where that is too much: the newest stays.
    fn shed_text(&mut self) {
        let mut room = WAITING_BYTES;
        for order in self.waiting.iter_mut().rev() {
            let Order::End { ended, .. } = order else {
                continue;
            };
            let Ended {
                stdout,
                stderr,
                error,
                returned,
                ..
            } = &mut **ended;
            let error = error.iter_mut();
            let error = error.flat_map(|error| [&mut error.traceback, &mut error.message]);
            for text in [stdout, stderr].into_iter().chain(error).chain(returned) {
                match room.checked_sub(text.len()) {
                    Some(left) => room = left,
                    None => LOST_TEXT.clone_into(text),
                }
            }
        }
    }

    fn trouble(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            let text = format!("runs cannot be recorded, jobs go on: {error}");
            (self.complain)(Level::Error, &text);
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.troubled) {
            let path = self.place.database();
            let lost = std::mem::take(&mut self.lost);
            let lost = match lost {
                0 => "nothing is lost".to_owned(),
                _ => format!("{} lost", counted(lost, "note")),
            };
            let text = format!("{} can be written again; {lost}", path.display());
            (self.complain)(Level::Info, &text);
        }
    }

    /// Forgets a few of the runs that are too old.
    fn prune(&mut self) {
        let Some(cutoff) = self.cutoff.take() else {
            return;
        };
        // Without a file nothing is too old in it.
        match self.store.as_ref().map(|store| store.prune(cutoff)) {
            Some(Ok(true)) => self.cutoff = Some(cutoff),
            Some(Ok(false)) | None => {}
            Some(Err(error)) => {
                (self.complain)(
                    Level::Error,
                    &format!("old runs cannot be forgotten: {error}"),
                );
            }
        }
    }
}
