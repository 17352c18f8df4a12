//! `sched status`: how the jobs are doing, and whether they are watched.

mod check;
mod head;
mod standing;

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::arguments::{Format, Global, Status};
use super::load;
use super::output::{self, Paint, Refusal, paint};
use super::record::Record;
use super::subject::Subject;
use super::table::Spare;
use super::{Exit, hint, state, table};
use crate::clean;
use crate::diagnostic::render::Style;
use crate::paths;
use crate::store::{Entry, Holder, Lock};
use crate::trigger::Zone;
use crate::words::counted;
use check::Check;
use standing::{Standing, standings};

/// The column of the last result.
const RESULT: usize = 1;

/// The columns that give way where the screen is narrow: the schedule, the note, then how long ago
/// the last result is.
const SPARE: [Spare; 3] = [Spare::Cut(5), Spare::Cut(4), Spare::Whole(2)];

/// Writes how the jobs stand to stdout.
///
/// # Errors
/// Where no config is meant, or the state cannot be read.
pub(super) fn run(global: &Global, arguments: &Status, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    if arguments.check && !arguments.jobs {
        let given = global.given();
        let path = Subject::path(&given).map_err(Refusal::from)?;
        let place = state::place(&given, &path);
        return Check::of(&place)
            .map_err(Refusal::from)?
            .tell(arguments.format, global);
    }
    let subject = Subject::find(global, now)?;
    let (place, config) = (&subject.place, subject.config());
    let holder = Lock::holder(place).map_err(Refusal::from)?;
    let standings = standings(config, subject.store.as_ref(), holder.is_some(), now);
    let standings = standings.map_err(Refusal::from)?;
    if arguments.check {
        let check = Check::of(place).map_err(Refusal::from)?;
        let check = check.with_jobs(&standings);
        return check.tell(arguments.format, global);
    }
    let zone = subject.zone();
    let mut out = io::BufWriter::new(output::stdout());
    match arguments.format {
        Format::Json => {
            subject.tell_faults(global);
            let line = Line::new(&subject, holder.as_ref(), &standings, &zone);
            serde_json::to_writer(&mut out, &line)?;
            writeln!(out)?;
        }
        Format::Text => {
            let style = output::style(global.color, &io::stdout());
            let name = load::name(&subject.path);
            let last = Lock::last(place);
            let head = head::watcher(&name, holder.as_ref(), last.as_ref(), global, now, &zone);
            writeln!(out, "{}; {}", clean::line(&head), subject.times(global))?;
            // Faults are a part of the answer.
            if let Some(trouble) = head::trouble(&subject, global) {
                let trouble = paint(&trouble, Paint::Warning, style.color);
                writeln!(out, "  {trouble}")?;
            }
            write(&mut out, &standings, now, &zone, style)?;
            let failing = standings.iter().filter(|one| one.is_failing()).count();
            if failing > 0 {
                let history = hint::command(global, "history --failed");
                let text = format!("{} failing; see `{history}`", counted(failing, "job"));
                writeln!(out, "{}", paint(&text, Paint::Warning, style.color))?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn write(
    out: &mut dyn Write,
    standings: &[Standing<'_>],
    now: DateTime<Utc>,
    zone: &Zone,
    style: Style,
) -> io::Result<()> {
    if standings.is_empty() {
        return writeln!(out, "  no jobs");
    }
    let rows = standings.iter().map(|standing| standing.row(now, zone));
    let rows: Vec<_> = rows.collect();
    let heads = ["JOB", "LAST", "", "NEXT", "NOTE", "SCHEDULE"];
    let mut table = table::text(heads, rows.clone(), &SPARE, style.width);
    if style.color {
        let colours = standings.iter().map(|standing| standing.result().0.1);
        table = table::painted(&table, &rows, RESULT, &colours.collect::<Vec<_>>());
    }
    out.write_all(table.as_bytes())
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
        subject: &Subject,
        holder: Option<&Option<Holder>>,
        standings: &'a [Standing<'_>],
        zone: &Zone,
    ) -> Self {
        let known = holder.and_then(Option::as_ref);
        let place = &subject.place;
        let state = std::path::absolute(place.folder());
        let state = state.as_deref().unwrap_or(place.folder());
        Self {
            watching: holder.is_some(),
            pid: known.map(|holder| holder.pid),
            since: known.map(|holder| rfc3339(holder.since, zone)),
            config: paths::identity(&subject.path).display().to_string(),
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
            job: &standing.name,
            last: standing.last.as_ref().map(record),
            streak: standing.streak(),
            next: standing.next().map(|next| rfc3339(next, zone)),
            running: standing.running.iter().map(record).collect(),
        }
    }
}

fn rfc3339(at: DateTime<Utc>, zone: &Zone) -> String {
    zone.local(at).to_rfc3339_opts(SecondsFormat::Secs, false)
}
