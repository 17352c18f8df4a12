//! Many runs: one line each.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::{Surroundings, result};
use crate::cli::output::Paint;
use crate::cli::table::Spare;
use crate::cli::{table, time};
use crate::run::{Cause, Run};
use crate::store::Entry;
use crate::trigger::Zone;

/// How much of a run's id is shown at least, in characters.
const SHORTEST_ID: usize = 8;

/// The column of the result.
const RESULT: usize = 2;

/// The columns that give way where the screen is narrow: why it ran, then how long that took.
const SPARE: [Spare; 2] = [Spare::Cut(4), Spare::Whole(3)];

/// Writes the runs; the first `distinct` characters of each id mean no other run.
pub(super) fn write(
    out: &mut dyn Write,
    runs: &[Entry],
    distinct: usize,
    around: &Surroundings,
) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs");
    }
    let shown = distinct.max(SHORTEST_ID);
    let results: Vec<(String, Paint)> = runs
        .iter()
        .map(|entry| result(entry.ended.as_ref()))
        .collect();
    let rows = runs.iter().zip(&results);
    let rows = rows.map(|(entry, (result, _))| {
        [
            when(entry.run.started, around.now, &around.zone),
            entry.run.job.clone(),
            result.clone(),
            entry.took.map_or_else(|| "-".to_owned(), time::span),
            why(&entry.run),
            entry.run.id.to_string()[..shown].to_owned(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let heads = ["WHEN", "JOB", "RESULT", "TOOK", "WHY", "RUN"];
    let mut table = table::text(heads, rows.clone(), &SPARE, around.style.width);
    if around.style.color {
        let colours: Vec<Paint> = results.iter().map(|(_, colour)| *colour).collect();
        table = table::painted(&table, &rows, RESULT, &colours);
    }
    around.table(out, &table)
}

/// `today 09:31:12`, `yesterday 04:00:00`, `Sat 2026-11-21 04:00:00`.
pub(super) fn when(at: DateTime<Utc>, now: DateTime<Utc>, zone: &Zone) -> String {
    let local = zone.local(at);
    let (day, today) = (local.date_naive(), zone.local(now).date_naive());
    if day == today {
        local.format("today %H:%M:%S").to_string()
    } else if Some(day) == today.pred_opt() {
        local.format("yesterday %H:%M:%S").to_string()
    } else {
        local.format("%a %Y-%m-%d %H:%M:%S").to_string()
    }
}

/// Why a run began; of a retry which of the tries it is.
fn why(run: &Run) -> String {
    match run.cause {
        Cause::Retry => format!("try {}", run.attempt),
        Cause::Schedule | Cause::CatchUp | Cause::Manual => run.cause.word().to_owned(),
    }
}
