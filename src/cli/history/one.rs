//! One run, with all it left.

use std::io::{self, Write};

use super::{Surroundings, result};
use crate::clean;
use crate::cli::output::{Paint, paint};
use crate::cli::time;
use crate::run::{Cause, Ended, Retry};
use crate::store::Entry;

/// The other attempts at the fire of a run.
#[derive(Default)]
pub(super) struct Attempts {
    /// Those that were made, the first first.
    pub(super) others: Vec<Entry>,
    /// The one that waits.
    pub(super) next: Option<Retry>,
}

/// Writes all of a run, and last the command `again`, which runs its job, where there is one.
pub(super) fn write(
    out: &mut dyn Write,
    entry: &Entry,
    attempts: &Attempts,
    again: Option<&str>,
    around: &Surroundings,
) -> io::Result<()> {
    head(out, entry, around)?;
    for other in &attempts.others {
        let number = other.run.attempt;
        let (result, _) = result(other.ended.as_ref());
        writeln!(out, "  try {number}: {result}, run {}", other.run.id)?;
    }
    if let Some(Retry { attempt, due, .. }) = attempts.next {
        let at = time::absolute(due, &around.zone);
        let away = time::relative(due, around.now);
        writeln!(out, "  try {attempt}: waits, due {at} ({away})")?;
    }
    if let Some(ended) = &entry.ended {
        left(out, ended)?;
    }
    if let Some(again) = again {
        writeln!(out, "  again: {again}")?;
    }
    Ok(())
}

/// Which run it is, and what it wrote.
pub(super) fn write_output(
    out: &mut dyn Write,
    entry: &Entry,
    around: &Surroundings,
) -> io::Result<()> {
    head(out, entry, around)?;
    entry
        .ended
        .as_ref()
        .map_or(Ok(()), |ended| output(out, ended))
}

/// What it wrote, and nothing else.
pub(super) fn write_streams(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    let ended = entry.ended.iter();
    let lines = ended.flat_map(|ended| ended.stdout.lines().chain(ended.stderr.lines()));
    for line in lines {
        writeln!(out, "{}", clean::cells(line))?;
    }
    Ok(())
}

/// The job, the result, the identifier; on another line the times.
fn head(out: &mut dyn Write, entry: &Entry, around: &Surroundings) -> io::Result<()> {
    let color = around.style.color;
    let run = &entry.run;
    let name = clean::line(&run.job);
    let (result, colour) = result(entry.ended.as_ref());
    let result = paint(&result, colour, color);
    let id = paint(&format!("run {}", run.id), Paint::Dim, color);
    writeln!(out, "{}  {result}  {id}", paint(&name, Paint::Name, color))?;
    writeln!(out, "  {}", times(entry, around).join(", "))
}

/// When it was due, began, and how long it took; why, and which attempt it was.
fn times(entry: &Entry, around: &Surroundings) -> Vec<String> {
    let run = &entry.run;
    let absolute = |at| time::absolute(at, &around.zone);
    let due = run.scheduled_for.map(|at| format!("due {}", absolute(at)));
    let has_run = |ended: &Ended| ended.outcome.has_run();
    let started = entry.ended.as_ref().is_none_or(has_run).then(|| {
        let ago = time::relative(run.started, around.now);
        format!("started {} ({ago})", absolute(run.started))
    });
    let took = entry.took.map(|took| format!("took {}", time::span(took)));
    let why = match run.cause {
        Cause::Schedule => None,
        Cause::Retry => Some(format!("try {}", run.attempt)),
        Cause::CatchUp => Some("caught up on".to_owned()),
        Cause::Manual => Some("by hand".to_owned()),
    };
    [due, started, took, why].into_iter().flatten().collect()
}

/// What it returned, raised and wrote.
fn left(out: &mut dyn Write, ended: &Ended) -> io::Result<()> {
    if let Some(code) = ended.exit_code {
        writeln!(out, "  exit code {code}")?;
    }
    if let Some(signal) = ended.signal {
        writeln!(out, "  ended by signal {signal}")?;
    }
    if let Some(returned) = &ended.returned {
        block(out, "returned", returned)?;
    }
    if let Some(error) = &ended.error {
        let message = format!("{}: {}", error.class, error.message);
        let text = if error.traceback.is_empty() {
            &message
        } else {
            &error.traceback
        };
        block(out, "error", text)?;
    }
    output(out, ended)
}

fn output(out: &mut dyn Write, ended: &Ended) -> io::Result<()> {
    block(out, "stdout", &ended.stdout)?;
    block(out, "stderr", &ended.stderr)
}

fn block(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {name}:")?;
    for line in text.lines() {
        writeln!(out, "    {}", clean::cells(line))?;
    }
    Ok(())
}
