//! The event loop: it begins runs when they are due, and takes note of how they end.
//!
//! Not for what a run does (that is the [`Runner`]'s), nor for reading files: it is handed configs
//! that have been read. It runs on one thread and owns the plan; others send it messages.

pub mod clock;
mod event;
mod ledger;
pub mod plan;
pub mod reload;
mod shutdown;
mod suspension;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timer;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};

pub use clock::Clock;
pub use event::{Event, Journal, Late};
pub use ledger::Ledger;

use crate::config::{Config, Settings};
use crate::job::Job;
use crate::run::{Ended, Order, Outcome, Recorded, Run, RunError, RunId};
use plan::{Decided, Decision, Downtime, Fire, GivenUp, Known, Passed, Plan};
use reload::{Changes, Reload};
use suspension::Suspension;

/// How long before it is due the runner is told of a fire: far more than it takes to make ready.
const AHEAD: TimeDelta = TimeDelta::milliseconds(100);

/// How late a run may begin without a word about it.
const PUNCTUAL: TimeDelta = TimeDelta::seconds(5);

/// What carries out runs.
pub trait Runner {
    /// Begins `run` of `job` as soon as the future is asked first, and not before. The future gives
    /// how it ended; it obeys the last of `orders`.
    fn start(
        &mut self,
        job: Arc<Job>,
        run: Run,
        orders: watch::Receiver<Order>,
    ) -> impl Future<Output = Ended> + Send + 'static;

    /// Learns which fires come within a moment, in their order. Those that it was told of before
    /// and that are not among them do not come. It may make ready for them, unseen.
    fn prepare(&mut self, _soon: &[Coming]) {}

    /// Takes note of another config: runs that begin from now on follow it.
    fn configure(&mut self, config: &Config);
}

/// What others ask of the loop.
#[derive(Debug)]
pub enum Message {
    /// Go on with another config.
    Reload {
        /// What follows from it.
        reload: Box<Reload>,
        /// Told as soon as it holds. Whoever keeps the jobs before until then frees them, which
        /// takes its time, in the loop's stead.
        done: oneshot::Sender<()>,
    },
    /// Begin nothing more and come to an end; the second time, at once.
    Stop,
}

/// The scheduler of one config.
#[derive(Debug)]
pub struct Scheduler<C, R, J, L> {
    clock: C,
    runner: R,
    journal: J,
    ledger: L,
    plan: Plan,
    /// What the time brought in which nothing ran; to be told at the beginning.
    downtime: Downtime,
    /// The settings, and the names of the jobs that are left out.
    settings: Settings,
    faulty: Vec<String>,
    /// What is known from before of jobs that were left out at the start.
    asleep: Vec<Known>,
    /// Each gives how its run ended, or nothing where the fire had been recorded before.
    runs: JoinSet<Option<Ended>>,
    going: HashMap<Id, Going>,
    /// The runs that began and have not been told of, and how late they are, if that matters.
    begun: Vec<(Run, Option<Late>)>,
    /// Whether the machine was suspended lately.
    suspension: Suspension,
    /// What the runner was told of last.
    soon: Vec<Coming>,
}

/// A fire that comes within a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Coming {
    /// The fire.
    pub fire: Fire,
    /// The name that its run will have, if nothing happens before.
    pub id: RunId,
}

/// A run that is going on.
#[derive(Debug)]
struct Going {
    fire: Fire,
    run: Run,
    orders: watch::Sender<Order>,
}

impl<C: Clock, R: Runner, J: Journal, L: Ledger> Scheduler<C, R, J, L> {
    /// A scheduler of `config` that begins now, with what is `known` from before.
    #[must_use]
    pub fn new(
        config: Config,
        known: Vec<Known>,
        clock: C,
        runner: R,
        journal: J,
        ledger: L,
    ) -> Self {
        let workers = workers(&config);
        let suspension = Suspension::new(clock.suspended());
        let mut plan = Plan::new(config.jobs, clock.now(), workers, |most| {
            fastrand::u32(0..=most)
        });
        let faulty: HashSet<&String> = config.faulty.iter().collect();
        let is_faulty = |known: &Known| faulty.contains(&known.memory.job);
        let (asleep, known) = known.into_iter().partition(is_faulty);
        let downtime = plan.resume(known, config.settings.use_docassemble_database);
        Self {
            clock,
            runner,
            journal,
            ledger,
            plan,
            downtime,
            settings: config.settings,
            faulty: config.faulty,
            asleep,
            runs: JoinSet::new(),
            going: HashMap::new(),
            begun: Vec::new(),
            suspension,
            soon: Vec::new(),
        }
    }

    /// Runs jobs until a [`Message::Stop`] comes or nobody can send one any more. What runs then
    /// may go on for `grace`; afterwards nothing runs.
    pub async fn run(&mut self, messages: &mut mpsc::Receiver<Message>, grace: Duration) {
        self.journal.note(&Event::Planned { plan: &self.plan });
        self.remember();
        self.tell_downtime(false);
        while self.turn(messages).await.is_continue() {}
        self.drain(messages, grace).await;
        self.journal.note(&Event::Stopped);
    }

    /// Does what is due and waits for the next thing to happen.
    async fn turn(&mut self, messages: &mut mpsc::Receiver<Message>) -> ControlFlow<()> {
        self.decide_due();
        if !self.begun.is_empty() {
            // What begins now waits for nothing else, not even for a word about it.
            tokio::task::yield_now().await;
            self.tell_begun();
        }
        let behind = self
            .plan
            .next()
            .is_some_and(|next| next <= self.clock.now());
        let wake = self.prepare();
        tokio::select! {
            biased;
            message = messages.recv() => match message {
                Some(Message::Reload { reload, done }) => {
                    self.reload(*reload);
                    // Nobody need wait for it.
                    let _ = done.send(());
                }
                Some(Message::Stop) | None => return ControlFlow::Break(()),
            },
            ended = self.runs.join_next_with_id(), if !self.runs.is_empty() => {
                self.take_ended(ended);
            }
            // A long backlog is worked off in slices, so that messages have their turn.
            () = tokio::task::yield_now(), if behind => {}
            () = sleep_until(&mut self.clock, wake), if !behind => {}
        }
        ControlFlow::Continue(())
    }

    /// Tells the runner of what is due soon, where that is news, and gives the time of the next
    /// thing to do.
    fn prepare(&mut self) -> Option<DateTime<Utc>> {
        let now = self.clock.now();
        let soon = self.plan.soon(now + AHEAD);
        if !soon.iter().eq(self.soon.iter().map(|coming| &coming.fire)) {
            self.soon = soon.into_iter().map(|fire| self.named(fire)).collect();
            self.runner.prepare(&self.soon);
            self.ledger.foresee(&self.soon);
        }
        let next = self.plan.next()?;
        Some(if next - AHEAD > now {
            next - AHEAD
        } else {
            next
        })
    }

    /// A fire with the name that its run has, which stays the one that was foreseen.
    fn named(&self, fire: Fire) -> Coming {
        let foreseen = self.soon.iter().find(|coming| coming.fire == fire);
        let id = foreseen.map(|coming| coming.id);
        Coming {
            id: id.unwrap_or_else(|| {
                let begins = fire.due.max(self.clock.now());
                RunId::new(begins, fastrand::u128(..))
            }),
            fire,
        }
    }

    /// Carries out what the plan decides now.
    fn decide_due(&mut self) {
        let now = self.clock.now();
        self.suspension.look(now, self.clock.suspended());
        for Decided { decision, settled } in self.plan.due(now) {
            match decision {
                Decision::Run(fire) => self.begin(fire, settled),
                Decision::Skip(fire) => {
                    self.tell_begun();
                    let (job, fire_times) = (&fire.job.name, &[fire.fire_time]);
                    self.ledger.pass(Outcome::Skipped, job, fire_times, settled);
                    let since = self.oldest_run_of(&fire.job.name);
                    self.journal.note(&Event::Skipped { fire: &fire, since });
                }
                Decision::Coalesce(passed) => {
                    self.note_passed(Outcome::Coalesced, &passed, settled);
                }
                Decision::Miss(passed) => self.note_passed(Outcome::Missed, &passed, settled),
            }
        }
    }

    /// Tells of the runs that have begun since this was called last.
    fn tell_begun(&mut self) {
        self.ledger.begun();
        for (run, late) in self.begun.drain(..) {
            self.journal.note(&Event::Started { run: &run, late });
        }
    }

    fn note_passed(&mut self, outcome: Outcome, passed: &Passed, settled: DateTime<Utc>) {
        let job = &passed.job.name;
        self.ledger.pass(outcome, job, &passed.latest, settled);
        let suspended = self.suspension.since(passed.last);
        self.journal.note(&Event::Passed {
            outcome,
            passed,
            suspended,
        });
    }

    fn pass(&mut self, outcome: Outcome, job: &str, fire_times: &[DateTime<Utc>]) {
        if let Some(last) = fire_times.last() {
            let settled = self.plan.settled(job, *last);
            self.ledger.pass(outcome, job, fire_times, settled);
        }
    }

    /// Writes down and tells what the time brought in which nothing ran.
    fn tell_downtime(&mut self, mended: bool) {
        let downtime = std::mem::take(&mut self.downtime);
        for (outcome, all) in [
            (Outcome::Missed, &downtime.missed),
            (Outcome::Coalesced, &downtime.coalesced),
        ] {
            for passed in all {
                self.pass(outcome, &passed.job.name, &passed.latest);
            }
        }
        for GivenUp { job, retry, .. } in &downtime.given_up {
            self.ledger.give_up(job, retry);
        }
        if downtime != Downtime::default() {
            let downtime = &downtime;
            self.journal.note(&Event::Resumed { downtime, mended });
        }
    }

    /// Writes down that a retry is not made any more.
    fn give_up(&mut self, fire: &Fire) {
        if let Some(retry) = fire.retry() {
            self.ledger.give_up(&fire.job.name, &retry);
        }
    }

    /// Writes down the jobs that are configured now.
    fn remember(&mut self) {
        let seen = self.plan.seen();
        self.ledger.remember(seen, &self.faulty, &self.settings);
    }

    /// The names of the jobs that are neither configured nor faulty any more, where `config`
    /// follows, with these changes.
    fn forgotten(&self, config: &Config, changes: &Changes) -> Vec<String> {
        let faulty: HashSet<&String> = config.faulty.iter().collect();
        let is_left = |name: &String| !faulty.contains(name) && config.jobs.place(name).is_none();
        let left = self.faulty.iter().filter(|name| is_left(name));
        changes.removed.iter().chain(left).cloned().collect()
    }

    /// Begins a run: the one place where runs begin.
    fn begin(&mut self, fire: Fire, settled: DateTime<Utc>) {
        let started = self.clock.now();
        let Coming { fire, id } = self.named(fire);
        let run = fire.run(id, started);
        let late = started - fire.due;
        let late = (late > PUNCTUAL).then(|| Late {
            due: fire.due,
            by: late.to_std().unwrap_or_default(),
            suspended: self.suspension.since(fire.due),
        });
        let once = fire.job.trigger.is_once(fire.fire_time);
        let recorded = self.ledger.begin(&run, once, settled);
        let orders = watch::Sender::new(Order::GoOn);
        let job = Arc::clone(&fire.job);
        let ended = self.runner.start(job, run.clone(), orders.subscribe());
        self.begun.push((run.clone(), late));
        let id = self
            .runs
            .spawn(once_recorded(recorded, orders.subscribe(), ended))
            .id();
        self.going.insert(id, Going { fire, run, orders });
    }

    /// Takes note of the end of a run: the one place where runs end.
    fn take_ended(&mut self, joined: Option<Result<(Id, Option<Ended>), JoinError>>) {
        let (id, ended) = match joined {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => (error.id(), Some(ended_by_a_bug(&error))),
            None => return,
        };
        let going = self.going.remove(&id).expect("every spawned run is noted");
        let now = self.clock.now();
        let Some(mut ended) = ended else {
            self.plan.ended(&going.fire, Outcome::Skipped, now);
            self.journal.note(&Event::Repeated { run: &going.run });
            return;
        };
        if *going.orders.borrow() != Order::GoOn {
            ended.outcome = Outcome::Interrupted;
        }
        let retry = self.plan.ended(&going.fire, ended.outcome, now);
        self.ledger.end(&going.run, &ended, retry);
        self.journal.note(&Event::Ended {
            run: &going.run,
            job: &going.fire.job,
            ended: &ended,
            retry,
        });
    }

    /// Goes on with another config.
    fn reload(&mut self, reload: Reload) {
        let Reload {
            config,
            changes,
            shift,
        } = reload;
        self.runner.configure(&config);
        let workers = workers(&config);
        let forgotten = self.forgotten(&config, &changes);
        self.settings = config.settings;
        self.faulty = config.faulty;
        let dropped = self.plan.replace(&shift, self.clock.now(), workers);
        for (outcome, all) in [
            (Outcome::Missed, dropped.missed),
            (Outcome::Skipped, dropped.owed),
        ] {
            for passed in all {
                let settled = passed.last;
                self.note_passed(outcome, &passed, settled);
            }
        }
        for fire in dropped.waiting {
            if fire.attempt == 1 {
                self.pass(Outcome::Skipped, &fire.job.name, &[fire.fire_time]);
            }
            self.give_up(&fire);
            self.journal.note(&Event::Dropped { fire: &fire });
        }
        self.wake_mended();
        let news = self.plan.seen_anew(&shift);
        self.ledger
            .amend(news, forgotten, &self.faulty, &self.settings);
        self.journal.note(&Event::Reloaded {
            changes: &changes,
            settings: &self.settings,
            plan: &self.plan,
        });
        self.tell_downtime(true);
    }

    /// Lets jobs that were faulty at the start take up where they were before it.
    fn wake_mended(&mut self) {
        let asleep = std::mem::take(&mut self.asleep);
        if asleep.is_empty() {
            return;
        }
        let faulty: HashSet<&String> = self.faulty.iter().collect();
        let is_faulty = |known: &Known| faulty.contains(&known.memory.job);
        let (asleep, mended) = asleep.into_iter().partition(is_faulty);
        self.asleep = asleep;
        let lenient = self.settings.use_docassemble_database;
        self.downtime = self.plan.resume(mended, lenient);
    }

    /// When the oldest run of that job that is going on began.
    fn oldest_run_of(&self, job: &str) -> Option<DateTime<Utc>> {
        let runs = self.going.values().map(|going| &going.run);
        runs.filter(|run| run.job == job)
            .map(|run| run.started)
            .min()
    }
}

/// How many runs may go on at once.
#[must_use]
pub fn workers(config: &Config) -> usize {
    let four_per_core = || std::thread::available_parallelism().map_or(4, |cores| 4 * cores.get());
    config
        .settings
        .max_workers
        .map_or_else(four_per_core, |most| most as usize)
}

async fn sleep_until(clock: &mut impl Clock, instant: Option<DateTime<Utc>>) {
    match instant {
        Some(instant) => clock.sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Carries out a run once its record is written; gives nothing where there was one before.
///
/// An order to end comes through also while the disk takes its time.
async fn once_recorded(
    recorded: impl Future<Output = Recorded>,
    mut orders: watch::Receiver<Order>,
    run: impl Future<Output = Ended>,
) -> Option<Ended> {
    let recorded = tokio::select! {
        biased;
        recorded = recorded => recorded,
        _ = orders.wait_for(|order| *order != Order::GoOn) => return Some(Ended::of(Outcome::Interrupted)),
    };
    match recorded {
        Recorded::Now | Recorded::Not => Some(run.await),
        Recorded::Before => None,
    }
}

/// The end of a run whose runner failed: a bug, which must not harm other jobs.
fn ended_by_a_bug(error: &JoinError) -> Ended {
    Ended {
        error: Some(RunError {
            class: "InternalError".to_owned(),
            message: format!("a fault of sched: {error}"),
            traceback: String::new(),
        }),
        ..Ended::of(Outcome::Failure)
    }
}
