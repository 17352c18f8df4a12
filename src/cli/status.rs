//! `sched status`: how the jobs are doing, and whether they are watched.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::arguments::{Format, Global, Status};
use super::history::result;
use super::load::{self, Loaded, counted};
use super::output::{self, Paint, Refusal, paint};
use super::record::Record;
use super::table::Spare;
use super::{Exit, pulse, state, table, time, usable};
use crate::clean;
use crate::config::Config;
use crate::diagnostic::place::Lines;
use crate::diagnostic::render::Style;
use crate::job::Job;
use crate::paths;
use crate::run::Outcome;
use crate::store::{Entry, Error, Filter, Holder, Lock, Past, Place, Store};
use crate::trigger::Zone;

/// How often in a row a job must fail before that is worth a note.
const STREAK: u32 = 2;

/// The columns that give way where the screen is narrow: the schedule, the note, then how long ago
/// the last result is.
const SPARE: [Spare; 3] = [Spare::Cut(5), Spare::Cut(4), Spare::Whole(2)];

/// One job, as it stands.
struct Standing<'a> {
    job: &'a Job,
    /// Its last run that is over, and in how many runs in a row it ended as well or as badly.
    last: Option<Entry>,
    streak: u32,
    /// When it last went well, where it does not now.
    last_ok: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
    /// Its runs that go on, the newest first.
    running: Vec<Entry>,
}

/// Writes how the jobs stand to stdout.
///
/// # Errors
/// Where there is no config, or the state cannot be read.
pub(super) fn run(global: &Global, arguments: &Status, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    let given = global.given();
    if arguments.check && !arguments.jobs {
        let path = paths::config(&given).map_err(load::Error::from);
        let path = path.map_err(Refusal::from)?;
        return Ok(check(&state::place(&given, &path), global)?);
    }
    let loaded = load::load(&given, now).map_err(Refusal::from)?;
    // A few faults are a part of the answer.
    let config = match loaded.config() {
        Some(config) if arguments.format == Format::Text => Some(config),
        _ => usable(&loaded, global),
    };
    let Some(config) = config else {
        return Ok(Exit::Failed);
    };
    let place = state::place(&given, &loaded.path);
    let store = Store::read(&place).map_err(Refusal::from)?;
    let holder = Lock::holder(&place);
    let standings = standings(config, store.as_ref(), holder.is_some(), now);
    let standings = standings.map_err(Refusal::from)?;
    if arguments.check {
        let alive = check(&place, global)?;
        let well = check_jobs(&standings, global)?;
        return Ok(if well == Exit::Done { alive } else { well });
    }
    let mut out = io::BufWriter::new(output::stdout());
    let zone = &config.settings.timezone;
    match arguments.format {
        Format::Json => {
            let line = Line::new(&loaded, &place, holder.as_ref(), &standings, zone);
            serde_json::to_writer(&mut out, &line)?;
            writeln!(out)?;
        }
        Format::Text => {
            let style = output::style(global.color, &io::stdout());
            let last = Lock::last(&place);
            let head = head(&loaded, holder.as_ref(), last.as_ref(), now, zone);
            writeln!(out, "{}", clean::line(&head))?;
            if let Some(faults) = faults(&loaded) {
                let faults = paint(&faults, Paint::Warning, style.color);
                writeln!(out, "  {faults}")?;
            }
            write(&mut out, &standings, now, zone, style)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Says whether the watcher is alive.
fn check(place: &Place, global: &Global) -> io::Result<Exit> {
    let (answer, exit) = match Lock::holder(place) {
        None => ("sched is not running".to_owned(), Exit::Failed),
        Some(holder) => {
            let pid = holder.map(|holder| format!(" (pid {})", holder.pid));
            let pid = pid.unwrap_or_default();
            if pulse::answers(&place.socket()) {
                (format!("sched is alive{pid}"), Exit::Done)
            } else {
                (format!("sched{pid} does not answer"), Exit::Failed)
            }
        }
    };
    if !global.quiet {
        writeln!(output::stdout(), "{answer}")?;
    }
    Ok(exit)
}

/// Names the jobs whose last run failed.
fn check_jobs(standings: &[Standing<'_>], global: &Global) -> io::Result<Exit> {
    let mut exit = Exit::Done;
    for standing in standings.iter().filter(|one| one.is_failing()) {
        exit = Exit::Failed;
        if !global.quiet {
            let ended = standing.last.as_ref().and_then(|last| last.ended.as_ref());
            let text = format!("{}: {}", standing.job.name, result(ended).0);
            let often = standing.often().map(|often| format!(", {often}"));
            let line = text + &often.unwrap_or_default();
            writeln!(output::stdout(), "{}", clean::line(&line))?;
        }
    }
    Ok(exit)
}

fn standings<'a>(
    config: &'a Config,
    store: Option<&Store>,
    watched: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Standing<'a>>, Error> {
    let anchors = store.map(|store| state::anchors(store, config));
    let anchors = anchors.transpose()?.unwrap_or_default();
    let jobs = config.jobs.iter().map(|job| {
        let anchor = anchors.get(&job.name).copied().unwrap_or(now);
        let trigger = job.trigger.clone().anchored(anchor);
        let mut standing = Standing {
            job,
            last: None,
            streak: 0,
            last_ok: None,
            next: trigger.next_after(now).filter(|_| job.policy.enabled),
            running: Vec::new(),
        };
        if let Some(store) = store {
            standing.look_up(store, watched)?;
        }
        Ok(standing)
    });
    jobs.collect()
}

impl Standing<'_> {
    fn look_up(&mut self, store: &Store, watched: bool) -> Result<(), Error> {
        let of_job = || Filter {
            jobs: vec![self.job.name.clone()],
            ..Filter::default()
        };
        let going_on = Filter {
            going_on: true,
            ..of_job()
        };
        // That a run is skipped because another goes on is no result of the job.
        let is_result = |outcome: &Outcome| outcome.has_run() || *outcome == Outcome::Missed;
        let over = Filter {
            outcomes: Outcome::ALL.into_iter().filter(is_result).collect(),
            ..of_job()
        };
        let running = store.runs(&going_on, usize::MAX)?;
        let (running, dead): (Vec<Entry>, Vec<Entry>) = running
            .into_iter()
            .map(|run| run.settled(watched))
            .partition(|run| run.ended.is_none());
        let last = store.runs(&over, 1)?.into_iter().chain(dead);
        self.last = last.max_by_key(|run| run.run.id);
        self.streak = store.streak(&self.job.name)?;
        self.running = running;
        if self.is_failing() {
            let ok = Filter {
                outcomes: vec![Outcome::Success],
                ..of_job()
            };
            self.last_ok = store.runs(&ok, 1)?.pop().map(|run| run.run.started);
        }
        Ok(())
    }

    /// `3 times in a row`, where that is worth a note.
    fn often(&self) -> Option<String> {
        let failing = self.is_failing() && self.streak >= STREAK;
        failing.then(|| format!("{} times in a row", self.streak))
    }

    /// Whether it failed the last times.
    fn is_failing(&self) -> bool {
        self.last
            .as_ref()
            .and_then(|run| run.ended.as_ref())
            .is_some_and(|ended| match ended.outcome {
                Outcome::Failure | Outcome::Timeout | Outcome::Killed => true,
                Outcome::Success
                | Outcome::Interrupted
                | Outcome::Skipped
                | Outcome::Coalesced
                | Outcome::Missed => false,
            })
    }

    /// How it does, and when it began to do so.
    fn result(&self) -> ((String, Paint), Option<DateTime<Utc>>) {
        match (self.running.last(), &self.last) {
            (Some(running), _) => (result(None), Some(running.run.started)),
            (None, Some(last)) => (result(last.ended.as_ref()), Some(last.run.started)),
            (None, None) => (("-".to_owned(), Paint::Dim), None),
        }
    }

    fn row(&self, now: DateTime<Utc>, zone: &Zone) -> [String; 6] {
        let ((result, _), at) = self.result();
        let next = match self.next {
            Some(next) => {
                let away = time::relative(next, now);
                format!("{}  {away}", time::of_day(next, now, zone))
            }
            None if !self.job.policy.enabled => "disabled".to_owned(),
            None => "never".to_owned(),
        };
        let ok = |at| format!("last ok {}", time::of_day(at, now, zone));
        let note: Vec<String> = self
            .often()
            .into_iter()
            .chain(self.last_ok.map(ok))
            .collect();
        [
            self.job.name.clone(),
            result,
            at.map(|at| time::relative(at, now)).unwrap_or_default(),
            next,
            note.join(", "),
            self.job.trigger.english(),
        ]
    }
}

/// The first line: whether anybody watches, or who did last.
fn head(
    loaded: &Loaded,
    holder: Option<&Option<Holder>>,
    last: Option<&Past>,
    now: DateTime<Utc>,
    zone: &Zone,
) -> String {
    let name = loaded.name();
    let at = |at| time::of_day(at, now, zone);
    match (holder, last) {
        (Some(None), _) => format!("● watching {name}"),
        (Some(Some(Holder { pid, since, .. })), _) => {
            format!("● watching {name} since {} (pid {pid})", at(*since))
        }
        (None, None) => format!("○ {name} is not watched: nothing runs until `sched watch` does"),
        (None, Some(Past { holder, end: None })) => format!(
            "○ {name} is not watched (last watched since {} by process {}, which ended without a \
             word): nothing runs until `sched watch` does",
            at(holder.since),
            holder.pid
        ),
        (
            None,
            Some(Past {
                end: Some((end, why)),
                ..
            }),
        ) => format!(
            "○ {name} is not watched (last watched until {}, stopped by {why}): nothing runs until \
             `sched watch` does",
            at(*end)
        ),
    }
}

/// How many errors the config has now, and where the first is; `None` where it has none.
fn faults(loaded: &Loaded) -> Option<String> {
    let errors = || {
        loaded
            .reading
            .diagnostics
            .iter()
            .filter(|one| one.is_error())
    };
    let first = errors().next()?;
    let line = first.span.map(|span| {
        let position = Lines::of(&loaded.text).position(span.start);
        format!("line {}", position.line)
    });
    let place: Vec<String> = first.job.clone().into_iter().chain(line).collect();
    let count = counted(errors().count(), "error");
    let text = format!(
        "! {} has {}{count} now ({}): `sched validate`",
        loaded.name(),
        loaded.least(),
        place.join(", ")
    );
    Some(clean::line(&text).into_owned())
}

fn write(
    out: &mut dyn Write,
    standings: &[Standing<'_>],
    now: DateTime<Utc>,
    zone: &Zone,
    style: Style,
) -> io::Result<()> {
    let rows = standings.iter().map(|standing| standing.row(now, zone));
    let heads = ["JOB", "LAST", "", "NEXT", "NOTE", "SCHEDULE"];
    let table = table::text(heads, rows, &SPARE, style.width);
    let results: Vec<_> = standings
        .iter()
        .map(|standing| standing.result().0)
        .collect();
    let cells = results.iter().map(|(word, paint)| (word.as_str(), *paint));
    write!(out, "{}", table::painted(&table, cells, style.color))?;
    let failing = standings.iter().filter(|one| one.is_failing()).count();
    if failing > 0 {
        let text = format!(
            "{} failing; see `sched history --failed`",
            counted(failing, "job")
        );
        writeln!(out, "{}", paint(&text, Paint::Warning, style.color))?;
    }
    Ok(())
}

/// The whole answer as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    watching: bool,
    pid: Option<u32>,
    since: Option<String>,
    config: String,
    state: String,
    jobs: Vec<JobLine<'a>>,
}

#[derive(Serialize)]
struct JobLine<'a> {
    job: &'a str,
    last: Option<Record<'a>>,
    streak: u32,
    next: Option<String>,
    running: Vec<Record<'a>>,
}

impl<'a> Line<'a> {
    fn new(
        loaded: &Loaded,
        place: &Place,
        holder: Option<&Option<Holder>>,
        standings: &'a [Standing<'_>],
        zone: &Zone,
    ) -> Self {
        let known = holder.and_then(Option::as_ref);
        let state = std::path::absolute(place.folder());
        let state = state.as_deref().unwrap_or(place.folder());
        Self {
            watching: holder.is_some(),
            pid: known.map(|holder| holder.pid),
            since: known.map(|holder| rfc3339(holder.since, zone)),
            config: paths::identity(&loaded.path).display().to_string(),
            state: state.display().to_string(),
            jobs: standings
                .iter()
                .map(|one| JobLine::new(one, zone))
                .collect(),
        }
    }
}

impl<'a> JobLine<'a> {
    fn new(standing: &'a Standing<'_>, zone: &Zone) -> Self {
        let record = |run: &'a Entry| Record::of(run, zone).without_output();
        Self {
            job: &standing.job.name,
            last: standing.last.as_ref().map(record),
            streak: standing.streak,
            next: standing.next.map(|next| rfc3339(next, zone)),
            running: standing.running.iter().map(record).collect(),
        }
    }
}

fn rfc3339(at: DateTime<Utc>, zone: &Zone) -> String {
    zone.local(at).to_rfc3339_opts(SecondsFormat::Secs, false)
}
