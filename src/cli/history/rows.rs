//! Many runs: one line each.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::{Surroundings, result};
use crate::cli::output::Paint;
use crate::cli::{table, time};
use crate::run::{Cause, Run};
use crate::store::Entry;
use crate::trigger::Zone;

/// How much of a run's id is shown at least, in characters.
const SHORTEST_ID: usize = 8;

/// The column that is cut where the screen is narrow.
const WHY: usize = 4;

pub(super) fn write(out: &mut dyn Write, runs: &[Entry], around: &Surroundings) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs");
    }
    let ids: Vec<String> = runs.iter().map(|run| run.run.id.to_string()).collect();
    let shown = distinct(&ids);
    let results: Vec<(String, Paint)> = runs
        .iter()
        .map(|entry| result(entry.ended.as_ref()))
        .collect();
    let rows = runs.iter().zip(&ids).zip(&results);
    let rows = rows.map(|((entry, id), (result, _))| {
        [
            when(entry.run.started, around.now, &around.zone),
            entry.run.job.clone(),
            result.clone(),
            entry.took.map_or_else(|| "-".to_owned(), time::span),
            why(&entry.run),
            id[..shown].to_owned(),
        ]
    });
    let heads = ["WHEN", "JOB", "RESULT", "TOOK", "WHY", "RUN"];
    let table = table::text(heads, rows, WHY, around.style.width);
    let cells = results.iter().map(|(word, paint)| (word.as_str(), *paint));
    let table = table::painted(&table, cells, around.style.color);
    out.write_all(table.as_bytes())
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

/// Why a run began; of a retry also which one.
fn why(run: &Run) -> String {
    match run.cause {
        Cause::Retry => format!("retry {}", run.attempt - 1),
        Cause::Schedule | Cause::CatchUp | Cause::Manual => run.cause.word().to_owned(),
    }
}

/// How many characters tell these ids apart.
fn distinct(ids: &[String]) -> usize {
    let mut sorted: Vec<&String> = ids.iter().collect();
    sorted.sort_unstable();
    let alike = |pair: &[&String]| {
        let both = pair[0].bytes().zip(pair[1].bytes());
        both.take_while(|(one, other)| one == other).count()
    };
    let most = sorted.windows(2).map(alike).max().unwrap_or(0);
    let longest = ids.iter().map(String::len).min().unwrap_or(0);
    (most + 1).max(SHORTEST_ID).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_far_as_they_differ() {
        let shown = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            distinct(&ids)
        };
        assert_eq!(shown(&["01ARYZ6S410000"]), 8);
        assert_eq!(shown(&["01ARYZ6S410000", "02ARYZ6S410000"]), 8);
        assert_eq!(shown(&["01ARYZ6S410010", "02", "01ARYZ6S410020"]), 2);
        assert_eq!(shown(&["01ARYZ6S410010", "01ARYZ6S410020"]), 13);
        assert_eq!(shown(&["01ARYZ6S410010", "01ARYZ6S410010"]), 14);
    }
}
