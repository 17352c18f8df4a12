//! A config as the values that would be written for it, every default filled in that is not the
//! machine's own.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::config::{Config, Directives, Settings, duration};
use crate::job::{Job, Task};
use crate::secret::Secrets;
use crate::trigger::{Bounds, Cron, Interval, Trigger, Unit, Zone};
use crate::value::Value;

/// The entries of a mapping whose keys are text.
#[derive(Default)]
struct Entries(Vec<(Value, Value)>);

/// The whole config, its secrets masked.
pub(super) fn config(config: &Config, secrets: &Secrets) -> Value {
    let mut root = Entries::default();
    directives(&mut root, &config.directives, secrets);
    let mut section = settings(&config.settings);
    jobs(&mut section, config.jobs.iter().map(Arc::as_ref), secrets);
    root.add("scheduler", section.value());
    root.value()
}

/// A config of these jobs alone, their secrets masked.
pub(super) fn of_jobs<'a>(selected: impl Iterator<Item = &'a Job>, secrets: &Secrets) -> Value {
    let (mut root, mut section) = (Entries::default(), Entries::default());
    jobs(&mut section, selected, secrets);
    root.add("scheduler", section.value());
    root.value()
}

impl Entries {
    fn add(&mut self, key: &str, value: Value) {
        self.0.push((text(key), value));
    }

    fn add_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, text(value));
        }
    }

    fn add_path(&mut self, key: &str, path: Option<&Path>) {
        self.add_text(key, path.map(Path::to_string_lossy).as_deref());
    }

    fn value(self) -> Value {
        Value::Map(self.0)
    }
}

fn directives(root: &mut Entries, directives: &Directives, secrets: &Secrets) {
    root.add_text(
        "appname",
        masked(directives.appname.as_deref(), secrets).as_deref(),
    );
    root.add_text(
        "external hostname",
        masked(directives.external_hostname.as_deref(), secrets).as_deref(),
    );
    let addresses = directives.error_notification_email.iter();
    let addresses: Vec<Value> = addresses
        .map(|address| text(&secrets.mask(address)))
        .collect();
    if !addresses.is_empty() {
        root.add("error notification email", Value::List(addresses));
    }
    if let Some(mail) = &directives.mail {
        root.add("mail", secrets.mask_value(mail));
    }
    root.add_path("log", directives.log.as_deref());
    root.add_text("log server", directives.log_server.as_deref());
}

fn settings(settings: &Settings) -> Entries {
    let mut section = Entries::default();
    section.add_text("log level", Some(settings.log_level.word()));
    section.add_path("log directory", settings.log_directory.as_deref());
    section.add_path("tasks directory", settings.tasks_directory.as_deref());
    section.add_path("python", settings.python.as_deref());
    section.add_text("timezone", Some(settings.timezone.name()));
    section.add_text("error handler", settings.error_handler.as_deref());
    let context = settings.docassemble_context;
    section.add_text("docassemble context", Some(context.word()));
    section.add("preload", texts(&settings.preload));
    if let Some(workers) = settings.max_workers {
        section.add("max workers", Value::Int(workers.into()));
    }
    section.add(
        "use docassemble database",
        Value::Bool(settings.use_docassemble_database),
    );
    section.add("keep history", length(settings.keep_history));
    section.add("recovery mail", Value::Bool(settings.recovery_mail));
    section
}

fn jobs<'a>(section: &mut Entries, jobs: impl Iterator<Item = &'a Job>, secrets: &Secrets) {
    for one in jobs {
        section.add(&one.name, job(one, secrets));
    }
}

fn job(job: &Job, secrets: &Secrets) -> Value {
    let mut entries = Entries::default();
    let description = masked(job.description.as_deref(), secrets);
    entries.add_text("description", description.as_deref());
    match &job.trigger {
        Trigger::Any(all) => {
            let all = all.iter().map(|one| {
                let mut entries = Entries::default();
                trigger(&mut entries, one);
                entries.value()
            });
            entries.add("triggers", Value::List(all.collect()));
        }
        one => trigger(&mut entries, one),
    }
    call(&mut entries, job, secrets);
    policy(&mut entries, job);
    surroundings(&mut entries, job, secrets);
    entries.value()
}

fn call(entries: &mut Entries, job: &Job, secrets: &Secrets) {
    match &job.task {
        Task::Named(_) => {}
        Task::Command(words) => entries.add("command", secrets.mask_value(&texts(words))),
        Task::Shell(line) => entries.add("command", secrets.mask_value(&text(line))),
    }
    entries.add("args", secrets.mask_value(&Value::List(job.args.clone())));
    entries.add("kwargs", Value::Map(secrets.mask_entries(&job.kwargs)));
    entries.add_text("contextmanager", job.contextmanager.as_deref());
    entries.add_text("error handler", job.error_handler.as_deref());
}

fn policy(entries: &mut Entries, job: &Job) {
    let policy = &job.policy;
    let limit = |limit: Option<Duration>| limit.map_or(Value::None, length);
    entries.add("max_instances", Value::Int(policy.max_instances.into()));
    entries.add("coalesce", Value::Bool(policy.coalesce));
    entries.add("misfire_grace_time", limit(policy.misfire_grace_time));
    entries.add("timeout", limit(policy.timeout));
    entries.add("retries", Value::Int(policy.retries.into()));
    entries.add("retry_delay", length(policy.retry_delay));
    entries.add("run_at_start", Value::Bool(policy.run_at_start));
    entries.add("enabled", Value::Bool(policy.enabled));
}

fn surroundings(entries: &mut Entries, job: &Job, secrets: &Secrets) {
    let surroundings = &job.surroundings;
    let variables = surroundings.environment.iter();
    let variables: Vec<_> = variables
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    entries.add("environment", Value::Map(secrets.mask_entries(&variables)));
    entries.add_path("environment file", surroundings.environment_file.as_deref());
    entries.add_path("directory", surroundings.directory.as_deref());
    entries.add_text("user", surroundings.user.as_deref());
}

fn trigger(entries: &mut Entries, trigger: &Trigger) {
    match trigger {
        Trigger::Interval(one) => {
            entries.add_text("type", Some("interval"));
            interval(entries, one);
            bounds(entries, one.bounds(), one.zone());
        }
        Trigger::Cron(one) => {
            entries.add_text("type", Some("cron"));
            cron(entries, one);
            bounds(entries, one.bounds(), one.zone());
        }
        Trigger::Date(one) => {
            entries.add_text("type", Some("date"));
            entries.add("run_date", instant(one.at(), one.zone()));
        }
        // A list has no lists in it.
        Trigger::Any(_) => {}
    }
    entries.add_text("timezone", Some(trigger.zone().name()));
    let jitter_s = match trigger {
        Trigger::Interval(one) => one.jitter_s(),
        Trigger::Cron(one) => one.jitter_s(),
        Trigger::Date(one) => one.jitter_s(),
        Trigger::Any(_) => 0,
    };
    entries.add("jitter", Value::Int(jitter_s.into()));
}

fn interval(entries: &mut Entries, interval: &Interval) {
    let mut rest = interval.every_s();
    for unit in Unit::ALL {
        let length = unit.in_seconds();
        if rest >= length {
            entries.add(unit.key(), Value::Int(rest / length));
            rest %= length;
        }
    }
}

fn cron(entries: &mut Entries, cron: &Cron) {
    if let Some(expression) = cron.expression() {
        return entries.add_text("expression", Some(&expression.text));
    }
    for field in cron.fields() {
        let number = field
            .text()
            .parse()
            .ok()
            .filter(|number: &i64| number.to_string() == field.text());
        entries.add(
            field.name().key(),
            number.map_or_else(|| text(field.text()), Value::Int),
        );
    }
}

fn bounds(entries: &mut Entries, bounds: Bounds, zone: &Zone) {
    if let Some(start) = bounds.start {
        entries.add("start_date", instant(start, zone));
    }
    if let Some(end) = bounds.end {
        entries.add("end_date", instant(end, zone));
    }
}

/// With its offset, so that it is the same instant also where the clocks change.
fn instant(at: DateTime<Utc>, zone: &Zone) -> Value {
    text(&zone.local(at).to_rfc3339_opts(SecondsFormat::Secs, false))
}

/// `1h30m`, or seconds where it has a fraction of one.
fn length(length: Duration) -> Value {
    if length.subsec_nanos() == 0 {
        text(&duration::text(length))
    } else {
        Value::Float(length.as_secs_f64())
    }
}

fn masked<'a>(text: Option<&'a str>, secrets: &Secrets) -> Option<Cow<'a, str>> {
    text.map(|text| secrets.mask(text))
}

fn texts(items: &[String]) -> Value {
    Value::List(items.iter().map(|item| text(item)).collect())
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}
