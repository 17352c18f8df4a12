//! The words for what the scheduler does: in `scheduler.log` upstream's, on the terminal shorter.

mod downtime;
mod faulty;
mod late;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Utc};

use super::heading::Heading;
use super::repeats::Repeats;
use super::{failure, short_name};
use crate::cli::time;
use crate::config::{Settings, duration};
use crate::job::Job;
use crate::logging::Logging;
use crate::logging::console::{Console, Stream};
use crate::run::{Ended, Outcome, Run};
use crate::scheduler::clock::SystemClock;
use crate::scheduler::plan::Plan;
use crate::scheduler::reload::Changes;
use crate::scheduler::{Event, Journal, Late};
use crate::trigger::{Zone, ordinal};
use faulty::Faulty;

/// How upstream writes when a job runs next. Its description is read once, as there may be many
/// jobs.
static UPSTREAM_TIME: LazyLock<Vec<Item<'static>>> =
    LazyLock::new(|| StrftimeItems::new("%m/%d/%y %I:%M %p").collect());

/// Tells of events in the log and on the terminal.
pub(in crate::cli) struct Voice {
    logging: Arc<Logging>,
    config: PathBuf,
    zone: Zone,
    /// Whether everything is told, whatever the config says.
    verbose: bool,
    /// What is shown first.
    heading: Option<(Heading, Console)>,
    /// Whether nothing begins any more.
    stopping: bool,
    /// What was faulty when the config was last read.
    faulty: Faulty,
    /// The failures that were shown already.
    repeats: Repeats,
}

impl Voice {
    pub(in crate::cli) fn new(
        logging: Arc<Logging>,
        config: PathBuf,
        zone: Zone,
        verbose: bool,
    ) -> Self {
        Self {
            logging,
            config,
            zone,
            verbose,
            heading: None,
            stopping: false,
            faulty: Faulty::default(),
            repeats: Repeats::default(),
        }
    }

    /// The same, with first lines to show when the plan is made.
    pub(super) fn with_heading(self, heading: Heading, console: Console) -> Self {
        Self {
            heading: Some((heading, console)),
            ..self
        }
    }

    /// What is shown first, and the lines that upstream writes when it starts.
    fn planned(&mut self, plan: &Plan) {
        if let Some((heading, console)) = self.heading.take() {
            let text = heading.text(plan, SystemClock::wall_time());
            console.write(Stream::Stderr, text.into_bytes());
        }
        tracing::debug!(only = "file", "Scheduler is starting...");
        for job in plan.jobs() {
            tracing::debug!(only = "file", job = job.name, "Adding job '{}'", job.name);
        }
        let count = plan.jobs().len();
        tracing::debug!(
            event = "started",
            only = "file",
            jobs = count,
            "Started scheduler with '{count}' jobs"
        );
        for (index, (job, next)) in plan.beats().enumerate() {
            let next = next.map_or_else(|| "None".to_owned(), |next| self.upstream_time(next));
            tracing::info!(
                event = "job_planned",
                only = "file",
                job = job.name,
                "Job '{index}' '{}' next_run_time={next}",
                job.name
            );
        }
    }

    fn started(&self, run: &Run, late: Option<Late>) {
        let run_id = run.id.to_string();
        let cause = run.cause.word();
        let attempt = run.attempt;
        if let Some(late) = late {
            self.late(run, late);
        }
        tracing::info!(
            event = "run_started",
            tag = "start",
            job = run.job,
            run_id,
            cause,
            attempt,
            only = "terminal",
            short = "",
            "'{}' starts",
            run.job
        );
    }

    fn ended(&mut self, run: &Run, job: &Job, ended: &Ended, retry: Option<DateTime<Utc>>) {
        let run_id = run.id.to_string();
        let outcome = ended.outcome.word();
        let duration = ended.took.as_secs_f64();
        let took = time::span(ended.took);
        if ended.outcome == Outcome::Success {
            self.repeats.forget(&run.job);
        }
        match ended.outcome {
            Outcome::Success => tracing::info!(
                event = "run_finished",
                tag = "ok",
                job = run.job,
                run_id,
                outcome,
                duration,
                short = took,
                "'{}' succeeded in {took}",
                run.job
            ),
            Outcome::Interrupted => tracing::warn!(
                event = "run_finished",
                tag = "stop",
                job = run.job,
                run_id,
                outcome,
                duration,
                short = format!("ended after {took}; recorded as interrupted"),
                "'{}' was interrupted after {took}",
                run.job
            ),
            Outcome::Failure
            | Outcome::Timeout
            | Outcome::Killed
            | Outcome::Skipped
            | Outcome::Coalesced
            | Outcome::Missed => {
                let tries = self.tries(run, job, retry);
                // What could not begin took no time.
                let after = if ended.took.is_zero() {
                    String::new()
                } else {
                    format!(" after {took}")
                };
                let why = format!("{}{after}{tries}", failure::cause(ended));
                tracing::error!(
                    event = "run_finished",
                    tag = if ended.outcome == Outcome::Timeout {
                        "TIMEOUT"
                    } else {
                        "FAILED"
                    },
                    job = run.job,
                    run_id,
                    outcome,
                    duration,
                    short = self.shown(run, ended, &why, &tries),
                    "{}",
                    failure::message(run, ended, &why)
                );
            }
        }
    }

    /// What the terminal shows of a failure: all of it, or that it is the same as before.
    fn shown(&mut self, run: &Run, ended: &Ended, why: &str, tries: &str) -> String {
        let last_words = failure::last_words(ended);
        let all = format!("{}{last_words}", failure::cause(ended));
        let now = SystemClock::wall_time();
        match self.repeats.failed(&run.job, &all, now) {
            Some(streak) => format!(
                "(same error, {} time since {}){tries}",
                ordinal(streak.times),
                self.clock(streak.since)
            ),
            None => format!("{why}{last_words}"),
        }
    }

    /// Which of its tries a run was, and whether there is another one.
    fn tries(&self, run: &Run, job: &Job, retry: Option<DateTime<Utc>>) -> String {
        let tries = job.policy.retries.saturating_add(1);
        let number = (tries > 1).then(|| format!(", try {} of {tries}", run.attempt));
        let again = retry.map(|retry| format!("; again {}", self.again(retry)));
        number.unwrap_or_default() + &again.unwrap_or_default()
    }

    /// When a failed run is tried again.
    fn again(&self, due: DateTime<Utc>) -> String {
        if self.stopping {
            return "at the next start".to_owned();
        }
        match (due - SystemClock::wall_time()).to_std() {
            Ok(wait) if !wait.is_zero() => format!("in {}", time::about(wait)),
            Ok(_) | Err(_) => "now".to_owned(),
        }
    }

    fn reloaded(&mut self, changes: &Changes, settings: &Settings, plan: &Plan) {
        if !self.verbose {
            self.logging.set_level(settings.log_level);
        }
        self.logging.set_zone(settings.timezone.clone());
        self.zone = settings.timezone.clone();
        for gone in &changes.removed {
            self.repeats.forget(gone);
        }
        let name = short_name(&self.config);
        let faulty = Faulty::of(changes);
        let mended = std::mem::replace(&mut self.faulty, faulty).mended(&self.faulty, changes);
        let told = if changes.is_empty() && !mended.is_empty() {
            "no job is different".to_owned()
        } else {
            changes.to_string()
        };
        tracing::info!(event = "reloaded", tag = "reload", "{name}: {told}{mended}");
        let now = SystemClock::wall_time();
        let changed = changes.changed.iter().map(|(name, _)| name);
        for job in changes.added.iter().chain(changed) {
            let Some(next) = plan.next_of(job) else {
                continue;
            };
            let (at, away) = (time::absolute(next, &self.zone), time::relative(next, now));
            tracing::info!(
                event = "job_planned",
                tag = "",
                job,
                short = format!("next {at}, {away}"),
                "'{job}' runs next at {at}"
            );
        }
    }

    fn stopping(&mut self, runs: &[&Run], grace: Duration) {
        self.stopping = true;
        let going = if runs.len() == 1 {
            "run is"
        } else {
            "runs are"
        };
        tracing::info!(
            event = "stopping",
            tag = "stop",
            runs = runs.len(),
            "{} {going} going on ({}); waiting up to {}, a second signal ends them now",
            runs.len(),
            names(runs),
            duration::text(grace)
        );
    }

    fn stopped() {
        tracing::info!(
            event = "stopped",
            tag = "stop",
            short = "nothing runs any more",
            "Scheduler has been shut down"
        );
    }

    fn ending(runs: &[&Run], at_once: bool) {
        let how = if at_once {
            "KILL"
        } else {
            "TERM, after 5 s KILL"
        };
        tracing::warn!(event = "ending", tag = "stop", "{}: {how}", names(runs));
    }

    /// The time of day of today, else the date too.
    fn clock(&self, at: DateTime<Utc>) -> String {
        time::of_day(at, SystemClock::wall_time(), &self.zone)
    }

    fn upstream_time(&self, at: DateTime<Utc>) -> String {
        let local = self.zone.local(at).naive_local();
        let mut text = String::with_capacity("05/14/23 04:00 AM".len());
        local
            .format_with_items(UPSTREAM_TIME.iter())
            .write_to(&mut text)
            .expect("a String takes all");
        text
    }

    fn rfc3339(&self, at: DateTime<Utc>) -> String {
        self.zone.local(at).to_rfc3339()
    }
}

impl Journal for Voice {
    fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { plan } => self.planned(plan),
            Event::Started { run, late } => self.started(run, *late),
            Event::Ended {
                run,
                job,
                ended,
                retry,
            } => self.ended(run, job, ended, *retry),
            Event::Skipped { fire, since } => self.skipped(fire, *since),
            Event::Passed {
                outcome,
                passed,
                suspended,
            } => self.passed(*outcome, passed, *suspended),
            Event::Resumed { downtime, mended } => self.resumed(downtime, *mended),
            Event::Repeated { run } => tracing::warn!(
                event = "run_repeated",
                tag = "SKIP",
                job = run.job,
                short = "not run again: its fire time has a record",
                "'{}' is not run again: its fire time has a record",
                run.job
            ),
            Event::Dropped { fire } => {
                let why = if fire.attempt > 1 {
                    "its job is gone, disabled, or not tried so often any more"
                } else {
                    "its job is gone or disabled"
                };
                tracing::warn!(
                    event = "run_skipped",
                    tag = "SKIP",
                    job = fire.job.name,
                    short = why,
                    "a waiting run of '{}' is dropped: {why}",
                    fire.job.name
                );
            }
            Event::Reloaded {
                changes,
                settings,
                plan,
            } => self.reloaded(changes, settings, plan),
            Event::Stopping { runs, grace } => self.stopping(runs, *grace),
            Event::Ending { runs, at_once } => Self::ending(runs, *at_once),
            Event::Stopped => Self::stopped(),
        }
    }
}

fn names(runs: &[&Run]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.job.as_str()).collect();
    names.join(", ")
}
