//! Jobs and instants for the tests of the scheduler.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{Config, Directives, DocassembleContext, Settings, ZoneOrigin};
use crate::diagnostic::Span;
use crate::job::{Job, Policy, Surroundings, Task};
use crate::run::Level;
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
    Job {
        name: name.to_owned(),
        span: Span::default(),
        task: Task::Named("test.task".to_owned()),
        trigger: every(60, 0),
        args: Vec::new(),
        kwargs: Vec::new(),
        contextmanager: None,
        error_handler: None,
        policy: Policy::default(),
        surroundings: Surroundings::default(),
        description: None,
    }
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
        },
        directives: Directives::default(),
        jobs: jobs.into_iter().collect(),
        faulty: Vec::new(),
    }
}
