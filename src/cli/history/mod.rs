//! `sched history`: what ran, newest first.

mod one;
mod result;
mod rows;

use std::io::{self, Write};

use chrono::{DateTime, Utc};

pub(super) use result::result;

use super::arguments::{Format, Global, History};
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::record::Record;
use super::{Exit, select, state, time, usable};
use crate::config::Config;
use crate::diagnostic::render::Style;
use crate::diagnostic::{did_you_mean, near};
use crate::paths;
use crate::run::{Outcome, RunId};
use crate::store::{Entry, Filter, Lock, Place, Store};
use crate::trigger::Zone;

/// What the answer depends on besides the runs.
struct Surroundings {
    now: DateTime<Utc>,
    zone: Zone,
    style: Style,
}

/// What the user asks for.
enum Asked {
    /// Runs that pass a filter.
    Runs(Filter),
    /// One run.
    One(Box<Entry>),
}

/// Writes the runs that the arguments ask for to stdout.
///
/// # Errors
/// Where there is no config, no such job, run or time, or the state cannot be read.
pub(super) fn run(
    global: &Global,
    arguments: &History,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let given = global.given();
    let loaded = load::load(&given, now).map_err(Refusal::from)?;
    // What ran can be told also where the config has become unusable.
    let config = usable(&loaded, global);
    let around = Surroundings {
        now,
        zone: zone(&loaded, config, now),
        style: output::style(global.color, &io::stdout()),
    };
    let place = state::place(&given, &loaded.path);
    let store = Store::read(&place).map_err(Refusal::from)?;
    let filter = filter(arguments, &around)?;
    let asked = match &arguments.of {
        None => Asked::Runs(filter),
        Some(word) => asked(word, filter, config, store.as_ref())?,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out, asked, arguments, store.as_ref(), &place, &around)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn zone(loaded: &Loaded, config: Option<&Config>, now: DateTime<Utc>) -> Zone {
    config.map_or_else(
        || paths::outside(&loaded.path, now).zone,
        |config| config.settings.timezone.clone(),
    )
}

/// What the flags ask for.
fn filter(arguments: &History, around: &Surroundings) -> Result<Filter, Refusal> {
    let read = |flag: &str, text: &Option<String>| {
        let text = text.as_deref();
        let instant = text.map(|text| time::parse(text, around.now, &around.zone));
        let instant = instant.transpose();
        instant.map_err(|why| Refusal::new(format!("{flag}: {why}")))
    };
    let failed = [Outcome::Failure, Outcome::Timeout, Outcome::Killed];
    let failed = failed.into_iter().filter(|_| arguments.failed);
    let missed = arguments.missed.then_some(Outcome::Missed);
    Ok(Filter {
        since: read("--since", &arguments.since)?,
        until: read("--until", &arguments.until)?,
        outcomes: failed.chain(missed).collect(),
        ..Filter::default()
    })
}

/// What the word means: a job that is or was configured, or a run.
fn asked(
    word: &str,
    filter: Filter,
    config: Option<&Config>,
    store: Option<&Store>,
) -> Result<Asked, Refusal> {
    let configured = config.map(|config| select::named(config, word));
    let configured = configured.unwrap_or_default();
    let mut jobs: Vec<String> = configured.iter().map(|job| job.name.clone()).collect();
    let seen = store.map(Store::jobs).transpose()?.unwrap_or_default();
    jobs.extend(seen.iter().filter(|name| is_meant(name, word)).cloned());
    if !jobs.is_empty() {
        return Ok(Asked::Runs(Filter { jobs, ..filter }));
    }
    let ids = RunId::beginning_with(word);
    if let (Some(store), Some(_)) = (store, ids) {
        let filter = Filter {
            ids,
            ..Filter::default()
        };
        let mut runs = store.runs(&filter, 2)?;
        if runs.len() > 1 {
            let refusal =
                Refusal::new(format!("several runs have an id that begins with `{word}`"));
            return Err(refusal.with_help("write more of it"));
        }
        if let Some(run) = runs.pop() {
            return Ok(Asked::One(Box::new(run)));
        }
    }
    Err(unknown(word, config, &seen))
}

/// Whether a job that was configured once is meant: by its name or its function.
fn is_meant(name: &str, word: &str) -> bool {
    let function = name.split([' ', '#']).next().unwrap_or(name);
    name == word || function == word
}

fn unknown(word: &str, config: Option<&Config>, seen: &[String]) -> Refusal {
    let configured = config
        .map(|config| config.jobs.as_slice())
        .unwrap_or_default();
    let names = configured.iter().map(|job| job.name.as_str());
    let mut names: Vec<&str> = names.chain(seen.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let mut refusal = Refusal::new(format!(
        "no job is called `{word}`, and no run has an id that begins with it"
    ));
    refusal.help.extend(did_you_mean(&near(word, names)));
    refusal
}

fn write(
    out: &mut dyn Write,
    asked: Asked,
    arguments: &History,
    store: Option<&Store>,
    place: &Place,
    around: &Surroundings,
) -> anyhow::Result<()> {
    let watched = Lock::holder(place).is_some();
    let (runs, is_one) = match asked {
        Asked::One(run) => (vec![*run], true),
        Asked::Runs(filter) => {
            let most = usize::try_from(arguments.count).unwrap_or(usize::MAX);
            let runs = store.map(|store| store.runs(&filter, most));
            (
                runs.transpose().map_err(Refusal::from)?.unwrap_or_default(),
                false,
            )
        }
    };
    let runs: Vec<Entry> = runs.into_iter().map(|run| run.settled(watched)).collect();
    match arguments.format {
        Format::Json => {
            for run in &runs {
                serde_json::to_writer(&mut *out, &Record::of(run, &around.zone))?;
                out.write_all(b"\n")?;
            }
        }
        Format::Text if is_one => {
            for run in &runs {
                one::write(out, run, around)?;
            }
        }
        Format::Text => rows::write(out, &runs, around)?,
    }
    Ok(())
}
