//! `sched history`: what ran, newest first.

mod one;
mod pager;
mod result;
mod rows;
mod stats;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};

pub(super) use result::result;

use super::arguments::{Format, Global, History};
use super::faulty::is_meant;
use super::output::{self, Paint, Refusal, paint};
use super::record::Record;
use super::subject::Subject;
use super::time::{self, Side};
use super::{Exit, hint, select};
use crate::clean;
use crate::config::Config;
use crate::diagnostic::did_you_mean;
use crate::diagnostic::render::Style;
use crate::run::{Outcome, RunId};
use crate::store::{Entry, Filter, Lock, Store};
use crate::trigger::Zone;

/// What the answer depends on besides the runs.
struct Surroundings {
    now: DateTime<Utc>,
    zone: Zone,
    /// Says which zone that is.
    times: String,
    style: Style,
}

impl Surroundings {
    /// Writes a table, and above it in which zone its times are.
    fn table(&self, out: &mut dyn Write, table: &str) -> io::Result<()> {
        let times = paint(&self.times, Paint::Dim, self.style.color);
        write!(out, "  {times}\n{table}")
    }
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
    // What ran can be told also where the config has become unusable.
    let subject = Subject::find(global, now)?;
    subject.tell_faults(global);
    let around = Surroundings {
        now,
        zone: subject.zone(),
        times: subject.times(global),
        style: output::style(global.color, &io::stdout()),
    };
    let store = subject.store.as_ref();
    let filter = filter(arguments, &around)?;
    let asked = match &arguments.of {
        None => Asked::Runs(filter),
        Some(word) => asked(word, filter, subject.config(), store, global)?,
    };
    if let (Asked::One(run), Some(flag)) = (&asked, arguments.chooses()) {
        let run = run.run.id;
        return Err(Refusal::new(format!("`{flag}` chooses among runs, but {run} is one")).into());
    }
    let answer = Answer {
        global,
        arguments,
        config: subject.config(),
        store,
        watched: Lock::holder(&subject.place)
            .map_err(Refusal::from)?
            .is_some(),
        around,
    };
    if arguments.format == Format::Text && !arguments.no_pager && io::stdout().is_terminal() {
        pager::show(|out| answer.write(out, asked))?;
    } else {
        let mut out = io::BufWriter::new(output::stdout());
        answer.write(&mut out, asked)?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

/// What the flags ask for.
fn filter(arguments: &History, around: &Surroundings) -> Result<Filter, Refusal> {
    let read = |flag: &str, text: &Option<String>| {
        let text = text.as_deref();
        let instant = text.map(|text| time::parse(text, around.now, &around.zone, Side::Behind));
        let instant = instant.transpose();
        instant.map_err(|why| Refusal::new(format!("{flag}: {why}")))
    };
    let failed = [Outcome::Failure, Outcome::Timeout, Outcome::Killed];
    let failed = failed.into_iter().filter(|_| arguments.failed);
    let missed = arguments.missed.then_some(Outcome::Missed);
    let since = read("--since", &arguments.since)?;
    let until = read("--until", &arguments.until)?;
    if since.zip(until).is_some_and(|(since, until)| until < since) {
        return Err(Refusal::new("--until is before --since"));
    }
    Ok(Filter {
        since,
        until,
        outcomes: failed.chain(missed).collect(),
        going_on: arguments.running,
        ..Filter::default()
    })
}

/// What the word means: a job that is or was configured, or a run.
fn asked(
    word: &str,
    filter: Filter,
    config: Option<&Config>,
    store: Option<&Store>,
    global: &Global,
) -> Result<Asked, Refusal> {
    let seen = store.map(Store::jobs).transpose()?.unwrap_or_default();
    let jobs = jobs(word, config, &seen);
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
    Err(unknown(word, config, &seen, global))
}

/// The jobs that the word means, each once: of those that are configured, and of all that were
/// `seen`.
fn jobs(word: &str, config: Option<&Config>, seen: &[String]) -> Vec<String> {
    let configured = config.into_iter().flat_map(|config| {
        let sound = select::named(config, word).into_iter();
        let faulty = config.faulty.iter().filter(|name| is_meant(name, word));
        sound.map(|job| &job.name).chain(faulty)
    });
    let seen = seen.iter().filter(|name| is_meant(name, word));
    let jobs: BTreeSet<&String> = configured.chain(seen).collect();
    jobs.into_iter().cloned().collect()
}

fn unknown(word: &str, config: Option<&Config>, seen: &[String], global: &Global) -> Refusal {
    let names = config.into_iter().flat_map(select::names);
    let mut names: Vec<&str> = names.chain(seen.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let mut refusal = Refusal::new(format!(
        "no job is called `{word}`, and no run has an id that begins with it"
    ));
    let help = did_you_mean(&select::nearest(word, &names));
    let all = || format!("`{}` shows all runs", hint::command(global, "history"));
    refusal.help.push(help.unwrap_or_else(all));
    refusal
}

/// Whether a run passes the filter also now that it is known whether it goes on.
fn is_wanted(run: &Entry, filter: &Filter) -> bool {
    !filter.going_on || run.ended.is_none()
}

/// What is asked, and what it is answered from.
struct Answer<'a> {
    global: &'a Global,
    arguments: &'a History,
    config: Option<&'a Config>,
    store: Option<&'a Store>,
    /// Whether there is a watcher.
    watched: bool,
    around: Surroundings,
}

impl Answer<'_> {
    fn write(&self, out: &mut dyn Write, asked: Asked) -> anyhow::Result<()> {
        match asked {
            Asked::Runs(filter) if self.arguments.stats => self.write_stats(out, &filter),
            Asked::Runs(filter) if self.is_table() => self.write_table(out, &filter),
            Asked::Runs(filter) => self.write_each(out, &filter),
            Asked::One(run) => self.write_one(out, &run.settled(self.watched)),
        }
    }

    /// Whether runs are one line each, with nothing of what they left.
    fn is_table(&self) -> bool {
        self.arguments.format == Format::Text && !self.arguments.output
    }

    /// Writes the runs that pass the filter as a table, newest first.
    fn write_table(&self, out: &mut dyn Write, filter: &Filter) -> anyhow::Result<()> {
        let most = usize::try_from(self.arguments.count).unwrap_or(usize::MAX);
        // Of those without an end, some may have died.
        let limit = if filter.going_on { usize::MAX } else { most };
        let runs = self.store.map(|store| store.heads(filter, limit));
        let runs = runs.transpose().map_err(Refusal::from)?;
        let runs = runs.unwrap_or_default().into_iter();
        let runs = runs.map(|run| run.settled(self.watched));
        let runs = runs.filter(|run| is_wanted(run, filter)).take(most);
        let runs: Vec<Entry> = runs.collect();
        Ok(rows::write(
            out,
            &runs,
            self.distinct(&runs)?,
            &self.around,
        )?)
    }

    /// Writes each of the runs that pass the filter, newest first, before the next are read: what
    /// all of them left may be more than fits into memory.
    fn write_each(&self, out: &mut dyn Write, filter: &Filter) -> anyhow::Result<()> {
        let Some(store) = self.store else {
            return Ok(());
        };
        let mut left = self.arguments.count;
        let written = store.each(filter, |run| {
            let run = run.settled(self.watched);
            if is_wanted(&run, filter) {
                left -= 1;
                if let Err(error) = self.write_whole(out, &run) {
                    return ControlFlow::Break(Err(error));
                }
            }
            if left == 0 {
                ControlFlow::Break(Ok(()))
            } else {
                ControlFlow::Continue(())
            }
        });
        written.map_err(Refusal::from)?.unwrap_or(Ok(()))
    }

    /// Writes a run of many, with what it left.
    fn write_whole(&self, out: &mut dyn Write, run: &Entry) -> anyhow::Result<()> {
        match self.arguments.format {
            Format::Json => self.write_json(out, run),
            Format::Text => Ok(one::write_output(out, run, &self.around)?),
        }
    }

    /// How many characters of their ids tell these runs from all that there are.
    fn distinct(&self, runs: &[Entry]) -> Result<usize, Refusal> {
        let Some(store) = self.store else {
            return Ok(0);
        };
        runs.iter().try_fold(0, |most, run| {
            Ok(store.distinct(run.run.id).map(|length| most.max(length))?)
        })
    }

    fn write_one(&self, out: &mut dyn Write, run: &Entry) -> anyhow::Result<()> {
        match self.arguments.format {
            Format::Json => self.write_json(out, run),
            Format::Text if self.arguments.output => Ok(one::write_streams(out, run)?),
            Format::Text => {
                let attempts = self.attempts(run)?;
                let again = self.again(&run.run.job);
                Ok(one::write(
                    out,
                    run,
                    &attempts,
                    again.as_deref(),
                    &self.around,
                )?)
            }
        }
    }

    /// The command that runs a job again; `None` where the config has it no more, or its name
    /// cannot be written as a word.
    fn again(&self, job: &str) -> Option<String> {
        let has_it = |config: &Config| {
            config.jobs.named(job).is_some() || config.faulty.iter().any(|name| name == job)
        };
        let can_be_typed = clean::line(job) == job;
        let words = || format!("run-once {}", hint::quoted(job));
        (can_be_typed && self.config.is_none_or(has_it))
            .then(|| hint::command(self.global, &words()))
    }

    fn write_json(&self, out: &mut dyn Write, run: &Entry) -> anyhow::Result<()> {
        serde_json::to_writer(&mut *out, &Record::of(run, &self.around.zone))?;
        Ok(out.write_all(b"\n")?)
    }

    /// The other attempts at the fire of a run.
    fn attempts(&self, run: &Entry) -> Result<one::Attempts, Refusal> {
        let (Some(store), Some(fire_time)) = (self.store, run.run.scheduled_for) else {
            return Ok(one::Attempts::default());
        };
        let filter = Filter {
            jobs: vec![run.run.job.clone()],
            fire_time: Some(fire_time),
            ..Filter::default()
        };
        let others = store.runs(&filter, usize::MAX)?.into_iter();
        let others = others.filter(|other| other.run.id != run.run.id);
        let mut others: Vec<Entry> = others.map(|other| other.settled(self.watched)).collect();
        others.sort_by_key(|other| other.run.attempt);
        let retries = store.retries()?.into_iter();
        let mut own =
            retries.filter(|(job, retry)| *job == run.run.job && retry.fire_time == fire_time);
        let next = own.next().map(|(_, retry)| retry);
        Ok(one::Attempts { others, next })
    }

    fn write_stats(&self, out: &mut dyn Write, filter: &Filter) -> anyhow::Result<()> {
        let stats = self.store.map(|store| store.stats(filter));
        let stats = stats.transpose().map_err(Refusal::from)?;
        stats::write(
            out,
            &stats.unwrap_or_default(),
            self.arguments.format,
            &self.around,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Outside;

    #[test]
    fn a_job_that_is_configured_and_has_run_is_meant_once() {
        let text = "scheduler:\n  a.b: {type: interval, hours: 1}\n  \
                    a.b nightly: {type: interval, hours: 1}\n  a.b bad: {type: interval, hours: x}\n";
        let outside = Outside::new(DateTime::UNIX_EPOCH, "/srv", Zone::utc());
        let config = crate::config::read(text, &outside).config.unwrap();
        let seen = ["a.b", "a.b bad", "a.b once", "a.b#x", "other"].map(str::to_owned);
        let meant = |word| jobs(word, Some(&config), &seen);
        assert_eq!(meant("a.b nightly"), ["a.b nightly"]);
        assert_eq!(meant("a.b"), ["a.b", "a.b bad", "a.b nightly", "a.b once"]);
        assert_eq!(jobs("a.b", None, &seen[..1]), ["a.b"]);
    }
}
