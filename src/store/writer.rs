//! The one busy writer: a thread that writes down what it is told, much of it at once.
//!
//! Whoever tells it something never waits for the disk. All that has come in while one
//! transaction was at it goes into the next, so a thousand fires in a second are a handful of
//! transactions.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Error, Place, Store};
use crate::job::Memory;
use crate::run::{Ended, Outcome, Recorded, Run, RunId};
use crate::secret::Secrets;

/// How much is written at once, and how much waits for a disk that takes nothing.
const BATCH: usize = 1_000;
const WAITING: usize = 10_000;

/// After how long what could not be written is tried again, if nothing else comes.
const AGAIN: Duration = Duration::from_secs(5);

/// Told once it is known whether a run is written down.
pub type Answer = Box<dyn FnOnce(Recorded) + Send>;

/// Told of trouble with the file, once, and of its end.
pub type Complain = Box<dyn FnMut(&str) + Send>;

/// Says what time it is.
pub type Now = fn() -> DateTime<Utc>;

/// Hands over to the thread that writes.
#[derive(Debug)]
pub struct Writer {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// Something to write down.
enum Order {
    Begin {
        run: Run,
        once: bool,
        answer: Option<Answer>,
    },
    End {
        id: RunId,
        ended: Box<Ended>,
    },
    Pass {
        outcome: Outcome,
        job: String,
        fire_times: Vec<DateTime<Utc>>,
    },
    Remember {
        jobs: Vec<Memory>,
        faulty: Vec<String>,
    },
    Prune(DateTime<Utc>),
    Secrets(Secrets),
}

/// What the thread has.
struct Hand {
    store: Store,
    place: Place,
    now: Now,
    complain: Complain,
    /// What is to be written, the oldest first.
    waiting: Vec<Order>,
    /// The last that was remembered, for a file that has to be begun anew.
    memory: Option<(Vec<Memory>, Vec<String>)>,
    secrets: Secrets,
    troubled: bool,
    lost: usize,
}

impl Writer {
    /// Begins to write into the store, which is at `place`. `complain` is told once when that
    /// fails, and once when it works again.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(store: Store, place: Place, now: Now, complain: Complain) -> io::Result<Self> {
        let (orders, received) = channel();
        let hand = Hand {
            store,
            place,
            now,
            complain,
            waiting: Vec::new(),
            memory: None,
            secrets: Secrets::default(),
            troubled: false,
            lost: 0,
        };
        let thread = Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || hand.write_all(&received))?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Writes down that a run begins; `answer` is told when that is so. `once` for the fire time
    /// of a date.
    pub fn begin(&self, run: Run, once: bool, answer: Answer) {
        self.send(Order::Begin {
            run,
            once,
            answer: Some(answer),
        });
    }

    /// Writes down how a run ended.
    pub fn end(&self, id: RunId, ended: Ended) {
        let ended = Box::new(ended);
        self.send(Order::End { id, ended });
    }

    /// Writes down fires that do not run, in order of time.
    pub fn pass(&self, outcome: Outcome, job: String, fire_times: Vec<DateTime<Utc>>) {
        self.send(Order::Pass {
            outcome,
            job,
            fire_times,
        });
    }

    /// Remembers these jobs instead of those before; see [`Store::remember`].
    pub fn remember(&self, jobs: Vec<Memory>, faulty: Vec<String>) {
        self.send(Order::Remember { jobs, faulty });
    }

    /// Forgets the runs that began before `cutoff`.
    pub fn prune(&self, cutoff: DateTime<Utc>) {
        self.send(Order::Prune(cutoff));
    }

    /// From now on these never reach the file.
    pub fn set_secrets(&self, secrets: Secrets) {
        self.send(Order::Secrets(secrets));
    }

    fn send(&self, order: Order) {
        if let Some(orders) = &self.orders
            && let Err(unsent) = orders.send(order)
        {
            // The thread is gone, which only a bug can do: jobs go on all the same.
            unsent.0.refuse();
        }
    }
}

impl Drop for Writer {
    /// Waits until all is written.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Where it panicked, that has been told.
            let _ = thread.join();
        }
    }
}

impl Order {
    fn write(&self, store: &Store) -> Result<Recorded, Error> {
        match self {
            Self::Begin { run, once, .. } => return store.begin(run, *once, None),
            Self::End { id, ended } => store.end(*id, ended)?,
            Self::Pass {
                outcome,
                job,
                fire_times,
            } => store.pass(*outcome, job, fire_times)?,
            Self::Remember { jobs, faulty } => store.remember(jobs, faulty)?,
            Self::Prune(_) | Self::Secrets(_) => {}
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
}

impl Hand {
    /// Writes until nobody can send anything any more.
    fn write_all(mut self, received: &Receiver<Order>) {
        while self.wait(received) {
            while self.waiting.len() < BATCH
                && let Ok(order) = received.try_recv()
            {
                self.take(order);
            }
            self.write();
        }
        self.write();
        let unwritten = std::mem::take(&mut self.waiting);
        unwritten.into_iter().for_each(Order::refuse);
    }

    /// Waits for something to do; gives whether there can be more.
    fn wait(&mut self, received: &Receiver<Order>) -> bool {
        let order = if self.waiting.is_empty() {
            received.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            received.recv_timeout(AGAIN)
        };
        match order {
            Ok(order) => self.take(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Secrets(secrets) => {
                self.secrets = secrets.clone();
                self.store.set_secrets(secrets);
            }
            Order::Prune(cutoff) => self.prune(cutoff),
            Order::Remember { jobs, faulty } => {
                self.memory = Some((jobs.clone(), faulty.clone()));
                self.waiting.push(Order::Remember { jobs, faulty });
            }
            order @ (Order::Begin { .. } | Order::End { .. } | Order::Pass { .. }) => {
                self.waiting.push(order);
            }
        }
    }

    /// Writes what waits, all of it or nothing.
    fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut written = self.transaction();
        if let Err(error) = &written
            && error.is_damage()
            && self.begin_anew()
        {
            written = self.transaction();
        }
        match written {
            Ok(answers) => {
                let orders = std::mem::take(&mut self.waiting);
                for (mut order, recorded) in orders.into_iter().zip(answers) {
                    order.answer(recorded);
                }
                self.recovered();
            }
            Err(error) => self.put_off(&error),
        }
    }

    fn transaction(&self) -> Result<Vec<Recorded>, Error> {
        let store = &self.store;
        store.begin_transaction()?;
        let written: Result<Vec<Recorded>, Error> = self
            .waiting
            .iter()
            .map(|order| order.write(store))
            .collect();
        let written = written.and_then(|answers| store.commit().map(|()| answers));
        if written.is_err() {
            store.roll_back();
        }
        written
    }

    /// Goes on with another file, where this one is damaged; gives whether that worked.
    fn begin_anew(&mut self) -> bool {
        match Store::replace(&self.place, (self.now)()) {
            Ok((store, aside)) => {
                let path = self.store.path().display();
                (self.complain)(&format!(
                    "{path} is damaged; it was moved to {} and a new one begun",
                    aside.display()
                ));
                self.store = store;
                self.store.set_secrets(self.secrets.clone());
                let memory = self.memory.clone();
                let memory = memory.map(|(jobs, faulty)| Order::Remember { jobs, faulty });
                self.waiting.splice(0..0, memory);
                true
            }
            Err(error) => {
                self.trouble(&error);
                false
            }
        }
    }

    /// Jobs go on although nothing can be written; what waits is tried again.
    fn put_off(&mut self, error: &Error) {
        self.trouble(error);
        for order in &mut self.waiting {
            order.answer(Recorded::Not);
        }
        let surplus = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..surplus);
        self.lost += surplus;
    }

    fn trouble(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            let text = format!("runs cannot be recorded, jobs go on: {error}");
            (self.complain)(&text);
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.troubled) {
            let path = self.store.path().display();
            let lost = std::mem::take(&mut self.lost);
            (self.complain)(&format!(
                "{path} can be written again; {lost} notes are lost"
            ));
        }
    }

    fn prune(&mut self, cutoff: DateTime<Utc>) {
        loop {
            match self.store.prune(cutoff) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.trouble(&error),
            }
        }
    }
}
