//! `sched next`: when jobs will run.
//!
//! It asks the triggers as the scheduler does, so it cannot disagree with it.

mod changes;
mod text;

use std::collections::HashMap;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::arguments::{Format, Global, Next};
use super::output::{self, Refusal};
use super::time::{self, Side};
use super::{Exit, faulty, load, select, state, usable};
use crate::config::Config;
use crate::diagnostic::render::Style;
use crate::job::Job;
use crate::secret::Secrets;
use crate::store::{Error, Place, Store};
use crate::trigger::Trigger;

/// What the answer depends on besides the config and the arguments.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// From when the intervals count that `sched watch` has started, by their jobs' names.
    pub anchors: HashMap<String, DateTime<Utc>>,
    /// What the screen can do.
    pub style: Style,
    /// What must not be shown.
    pub secrets: Secrets,
}

/// Which fire times are asked for; both ends are inclusive.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    count: usize,
}

/// The coming fires of one job.
struct Upcoming<'a> {
    job: &'a Job,
    fires: Vec<DateTime<Utc>>,
    /// Whether the trigger ends after these.
    exhausted: bool,
    /// Whether it counts from now, because no `sched watch` has started it.
    not_started: bool,
}

/// Writes the coming fires of the jobs that the arguments name.
///
/// # Errors
/// [`Refusal`] for an unknown job or a wrong time, [`io::Error`] where `out` cannot be written.
pub fn write(
    out: &mut dyn Write,
    config: &Config,
    global: &Global,
    arguments: &Next,
    around: &Surroundings,
) -> anyhow::Result<()> {
    let window = Window::of(arguments, config, around.now)?;
    let jobs = select::jobs(config, &arguments.jobs, global)?;
    let mut screen = text::Screen::new(window, around);
    for job in jobs {
        let upcoming = Upcoming::of(job, window, around);
        match arguments.format {
            Format::Text => screen.block(out, &upcoming)?,
            Format::Json => line(out, &upcoming)?,
        }
    }
    if arguments.format == Format::Text {
        let faulty = config.faulty.iter().map(String::as_str);
        let asked: Vec<_> = faulty.filter(|name| is_asked(name, arguments)).collect();
        screen.faulty(out, &asked)?;
    }
    out.flush()?;
    Ok(())
}

/// Whether a job that is left out because it is faulty is among those that are asked for.
fn is_asked(name: &str, arguments: &Next) -> bool {
    let words = &arguments.jobs;
    words.is_empty() || words.iter().any(|word| faulty::is_meant(name, word))
}

/// Writes the coming fires to stdout.
///
/// # Errors
/// Where there is no config, no such job or time, or nobody reads the answer.
pub fn run(global: &Global, arguments: &Next, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    let loaded = load::load(&global.given(), now).map_err(Refusal::from)?;
    let Some(config) = usable(&loaded, global) else {
        return Ok(Exit::Failed);
    };
    if let Some(exit) = faulty::refuse(&loaded, config, &arguments.jobs, global) {
        return Ok(exit);
    }
    let style = output::style(global.color, &io::stdout());
    let anchors = anchors(&state::place(&global.given(), &loaded.path), config, now);
    let anchors = anchors.unwrap_or_else(|error| {
        output::warn(&format!("{error}; intervals are counted from now"), global);
        HashMap::new()
    });
    let around = Surroundings {
        now,
        anchors,
        style,
        secrets: loaded.written_secrets(),
    };
    write(
        &mut io::BufWriter::new(output::stdout()),
        config,
        global,
        arguments,
        &around,
    )?;
    Ok(Exit::Done)
}

fn anchors(
    place: &Place,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<HashMap<String, DateTime<Utc>>, Error> {
    let anchors = Store::read(place)?.map(|store| state::anchors(&store, config, now));
    Ok(anchors.transpose()?.unwrap_or_default())
}

impl Window {
    fn of(arguments: &Next, config: &Config, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let zone = &config.settings.timezone;
        let read = |flag: &str, text: &Option<String>| {
            let text = text.as_deref();
            let instant = text.map(|text| time::parse(text, now, zone, Side::Ahead));
            let instant = instant.transpose();
            instant.map_err(|why| Refusal::new(format!("{flag}: {why}")))
        };
        let from = read("--from", &arguments.from)?.unwrap_or(now);
        let until = read("--until", &arguments.until)?;
        if until.is_some_and(|until| until < from) {
            return Err(Refusal::new("--until is before --from"));
        }
        let count = usize::try_from(arguments.count).unwrap_or(usize::MAX);
        Ok(Self { from, until, count })
    }
}

impl<'a> Upcoming<'a> {
    fn of(job: &'a Job, window: Window, around: &Surroundings) -> Self {
        let anchor = around.anchors.get(&job.name).copied();
        let trigger = job.trigger.clone().anchored(anchor.unwrap_or(around.now));
        let (fires, exhausted) = if job.policy.enabled {
            window.fires(&trigger)
        } else {
            (Vec::new(), false)
        };
        let not_started = anchor.is_none() && job.trigger.wants_anchor();
        Self {
            job,
            fires,
            exhausted,
            not_started,
        }
    }
}

impl Window {
    /// The fires within, and whether the trigger has none after them.
    fn fires(self, trigger: &Trigger) -> (Vec<DateTime<Utc>>, bool) {
        let mut fires = Vec::new();
        // Fires are whole seconds, so that this finds one at `from` itself.
        let mut after = self.from - TimeDelta::nanoseconds(1);
        while let Some(fire) = trigger.next_after(after) {
            if fires.len() == self.count || self.until.is_some_and(|until| fire > until) {
                return (fires, false);
            }
            fires.push(fire);
            after = fire;
        }
        (fires, true)
    }
}

/// One job as programs read it: the contract's keys, and those added since.
#[derive(Serialize)]
struct Line<'a> {
    job: &'a str,
    function: &'a str,
    trigger: Texts,
    description: String,
    timezone: &'a str,
    fires: Vec<String>,
    exhausted: bool,
    enabled: bool,
    jitter: u32,
}

/// APScheduler's text of a trigger; of several a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn of(trigger: &Trigger) -> Self {
        match trigger {
            Trigger::Any(all) => Self::Several(all.iter().map(Trigger::to_string).collect()),
            Trigger::Interval(_) | Trigger::Cron(_) | Trigger::Date(_) => {
                Self::One(trigger.to_string())
            }
        }
    }
}

fn line(out: &mut dyn Write, upcoming: &Upcoming<'_>) -> io::Result<()> {
    let job = upcoming.job;
    let zone = job.trigger.zone();
    let text = |fire: &DateTime<Utc>| {
        zone.local(*fire)
            .to_rfc3339_opts(SecondsFormat::Secs, false)
    };
    let line = Line {
        job: &job.name,
        function: job.function(),
        trigger: Texts::of(&job.trigger),
        description: job.trigger.english(),
        timezone: zone.name(),
        fires: upcoming.fires.iter().map(text).collect(),
        exhausted: upcoming.exhausted,
        enabled: job.policy.enabled,
        jitter: upcoming
            .fires
            .first()
            .map_or(0, |fire| job.trigger.jitter_s(*fire)),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests;
