//! Jobs and instants for the tests of the scheduler.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use super::plan::{Known, owed_after};
use super::reload::follow;
use super::{Ledger, Message};
use crate::config::{Config, Directives, DocassembleContext, Settings, ZoneOrigin};
use crate::job::{Job, Memory, Policy, Seen, Task};
use crate::run::{Ended, Level, Outcome, Recorded, Retry, Run};
use crate::trigger::{Bounds, Date, Interval, Trigger, Zone};

/// `10:00:05` of the day of all tests, or an instant in full.
pub(super) fn at(text: &str) -> DateTime<Utc> {
    let full = if text.len() <= 8 {
        format!("2026-11-24T{text}Z")
    } else {
        text.to_owned()
    };
    full.parse().unwrap()
}

/// `seconds` after noon.
pub(super) fn noon(seconds: i64) -> DateTime<Utc> {
    at("12:00:00") + TimeDelta::seconds(seconds)
}

/// A job that fires every minute.
pub(super) fn job(name: &str) -> Job {
    Job::new(name, Task::Named("test.task".to_owned()), every(60, 0))
}

/// A trigger of every `seconds`, delayed by up to `jitter_s`.
pub(super) fn every(seconds: i64, jitter_s: u32) -> Trigger {
    let interval = Interval::new(seconds, Bounds::default(), Zone::utc(), jitter_s);
    Trigger::Interval(interval)
}

impl Job {
    pub(super) fn every(mut self, seconds: i64) -> Self {
        self.trigger = every(seconds, 0);
        self
    }

    pub(super) fn once(mut self, instant: DateTime<Utc>) -> Self {
        self.trigger = Trigger::Date(Date::new(instant, Zone::utc(), 0));
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(super) fn grace(self, seconds: u64) -> Self {
        self.with(|policy| policy.misfire_grace_time = Some(Duration::from_secs(seconds)))
    }

    pub(super) fn in_order(self) -> Self {
        self.with(|policy| policy.coalesce = false)
    }

    pub(super) fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// A ledger in memory, which outlives the scheduler that writes in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Notebook(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The outcome of each attempt at each fire; nothing while it is going on.
    pub(super) records: BTreeMap<(String, DateTime<Utc>, u32), Option<Outcome>>,
    /// The attempts that wait, and when they are due.
    pub(super) retries: BTreeMap<(String, DateTime<Utc>, u32), DateTime<Utc>>,
    /// The latest fires that waited when a scheduler was asked to end, by job.
    pub(super) waiting: BTreeMap<String, DateTime<Utc>>,
    memories: BTreeMap<String, Memory>,
    dates: HashSet<(String, DateTime<Utc>)>,
}

impl Notebook {
    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }

    /// What a scheduler of these jobs is to know when it begins.
    pub(super) fn known(&self, jobs: &[impl Borrow<Job>], now: DateTime<Utc>) -> Vec<Known> {
        let notes = self.notes();
        let known = |memory: &Memory| {
            let mut jobs = jobs.iter().map(Borrow::borrow);
            let job = jobs.find(|job| job.name == memory.job);
            let after = job.map_or_else(|| memory.decided_until(), |job| owed_after(job, memory));
            let recorded = after.map(|after| {
                let own = notes.records.iter().filter(|((job, at, _), outcome)| {
                    let passed = [Some(Outcome::Coalesced), Some(Outcome::Missed)];
                    let counts = *at <= now || !passed.contains(outcome);
                    *job == memory.job && *at > after && counts
                });
                own.map(|((_, at, _), _)| *at).collect()
            });
            let waiting = notes.retries.iter();
            let own = waiting.filter(|((job, ..), _)| *job == memory.job);
            Known {
                memory: memory.clone(),
                recorded: recorded.unwrap_or_default(),
                retries: own
                    .map(|((_, fire_time, attempt), due)| Retry {
                        fire_time: *fire_time,
                        attempt: *attempt,
                        due: *due,
                    })
                    .collect(),
                waiting: notes.waiting.get(&memory.job).copied(),
            }
        };
        notes.memories.values().map(known).collect()
    }

    /// Records as interrupted what was going on when the scheduler died.
    pub(super) fn recover(&self) {
        for outcome in self.notes().records.values_mut() {
            outcome.get_or_insert(Outcome::Interrupted);
        }
    }
}

impl Notes {
    /// Remembers a job; what is settled of it stays where its trigger is the same.
    fn keep(&mut self, seen: &Seen, before: Option<Memory>) {
        let memory = seen.memory();
        let same = before.filter(|before| before.trigger == memory.trigger);
        let settled = same.and_then(|before| before.settled);
        let memory = Memory { settled, ..memory };
        self.memories.insert(memory.job.clone(), memory);
    }

    fn settle(&mut self, job: &str, settled: DateTime<Utc>) {
        if let Some(memory) = self.memories.get_mut(job) {
            memory.settled = Some(settled);
        }
    }
}

impl Notebook {
    /// Writes down at once that a run begins.
    pub(super) fn write_begin(&self, run: &Run, once: bool, settled: DateTime<Utc>) -> Recorded {
        let mut notes = self.notes();
        let at = run.scheduled_for.expect("it is not run by hand");
        let key = (run.job.clone(), at, run.attempt);
        let date = (run.job.clone(), at);
        // One that came and went without a run may run when its time comes again.
        let ran = |outcome: &Option<Outcome>| {
            !matches!(outcome, Some(Outcome::Coalesced | Outcome::Missed))
        };
        let before = notes.records.get(&key).is_some_and(ran)
            || once && run.attempt == 1 && !notes.dates.insert(date);
        if before {
            return Recorded::Before;
        }
        notes.retries.remove(&key);
        notes.records.insert(key, None);
        if run.attempt == 1 {
            notes.settle(&run.job, settled);
        }
        Recorded::Now
    }
}

impl Ledger for Notebook {
    fn begin(
        &mut self,
        run: &Run,
        once: bool,
        settled: DateTime<Utc>,
    ) -> impl Future<Output = Recorded> + Send + 'static {
        ready(self.write_begin(run, once, settled))
    }

    fn end(&mut self, run: &Run, ended: &Ended, retry: Option<DateTime<Utc>>) {
        let at = run.scheduled_for.expect("it is not run by hand");
        let key = (run.job.clone(), at, run.attempt);
        let mut notes = self.notes();
        let before = notes.records.insert(key, Some(ended.outcome));
        assert_eq!(before, Some(None), "an end without a beginning: {run:?}");
        let next = (run.job.clone(), at, run.attempt + 1);
        notes.retries.extend(retry.map(|due| (next, due)));
    }

    fn give_up(&mut self, job: &str, retry: &Retry) {
        let key = (job.to_owned(), retry.fire_time, retry.attempt);
        self.notes().retries.remove(&key);
    }

    fn leave(&mut self, job: &str, fire_time: DateTime<Utc>) {
        self.notes().waiting.insert(job.to_owned(), fire_time);
    }

    fn pass(
        &mut self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    ) {
        let mut notes = self.notes();
        for at in fire_times {
            let key = (job.to_owned(), *at, 1);
            notes.records.entry(key).or_insert(Some(outcome));
        }
        notes.settle(job, settled);
    }

    fn remember(&mut self, jobs: Vec<Seen>, faulty: &[String], _: &Settings) {
        let mut notes = self.notes();
        let mut old = std::mem::take(&mut notes.memories);
        for name in faulty {
            notes.memories.extend(old.remove_entry(name));
        }
        for seen in &jobs {
            notes.keep(seen, old.remove(&seen.job.name));
        }
    }

    fn amend(&mut self, news: Vec<Seen>, gone: Vec<String>, _: &[String], _: &Settings) {
        let mut notes = self.notes();
        for name in gone {
            notes.memories.remove(&name);
        }
        for seen in &news {
            let before = notes.memories.remove(&seen.job.name);
            notes.keep(seen, before);
        }
    }
}

/// What asks the loop to go on with another config, after `before`, which becomes it.
pub(super) fn reload(before: &mut Config, next: Config) -> Message {
    let reload = Box::new(follow(before, next));
    *before = reload.config.clone();
    let (done, _) = oneshot::channel();
    Message::Reload { reload, done }
}

/// A config of these jobs.
pub(super) fn config(jobs: impl IntoIterator<Item = Job>) -> Config {
    Config {
        settings: Settings {
            log_level: Level::Info,
            log_directory: None,
            tasks_directory: None,
            python: None,
            timezone: Zone::utc(),
            timezone_from: ZoneOrigin::Scheduler,
            error_handler: None,
            docassemble_context: DocassembleContext::Auto,
            preload: Vec::new(),
            max_workers: Some(100),
            use_docassemble_database: false,
            keep_history: Duration::from_secs(86_400),
            recovery_mail: true,
            faulty: Vec::new(),
        },
        directives: Directives::default(),
        jobs: jobs.into_iter().map(Arc::new).collect(),
        faulty: Vec::new(),
    }
}
