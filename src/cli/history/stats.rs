//! Figures of each job: how many runs, how many went well, how long they took.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::SecondsFormat;
use serde::Serialize;

use super::Surroundings;
use super::rows::when;
use crate::cli::arguments::Format;
use crate::cli::table::Spare;
use crate::cli::{table, time};
use crate::store::Stats;

/// The columns that give way where the screen is narrow: the last success, then how slow some were.
const SPARE: [Spare; 2] = [Spare::Cut(5), Spare::Whole(4)];

/// The figures of one job, as programs read them; durations in seconds.
#[derive(Serialize)]
struct Line<'a> {
    job: &'a str,
    runs: u64,
    succeeded: u64,
    ok_percent: Option<f64>,
    median: Option<f64>,
    p95: Option<f64>,
    last_success: Option<String>,
    outcomes: &'a BTreeMap<&'static str, u64>,
}

pub(super) fn write(
    out: &mut dyn Write,
    stats: &BTreeMap<String, Stats>,
    format: Format,
    around: &Surroundings,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            for (job, stats) in stats {
                serde_json::to_writer(&mut *out, &line(job, stats, around))?;
                out.write_all(b"\n")?;
            }
        }
        Format::Text if stats.is_empty() => writeln!(out, "no runs")?,
        Format::Text => {
            let rows = stats.iter().map(|(job, stats)| row(job, stats, around));
            let heads = ["JOB", "RUNS", "OK", "MEDIAN", "P95", "LAST OK"];
            let table = table::text(heads, rows, &SPARE, around.style.width);
            around.table(out, &table)?;
        }
    }
    Ok(())
}

fn row(job: &str, stats: &Stats, around: &Surroundings) -> [String; 6] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let took = |percent| or_none(stats.percentile(percent).map(time::span));
    // 99.96 % are not all.
    let ok = percent(stats).map(|ok| format!("{:.1}%", (ok * 10.0).floor() / 10.0));
    let last = stats.last_success.map(|at| {
        let ago = time::relative(at, around.now);
        format!("{} ({ago})", when(at, around.now, &around.zone))
    });
    [
        job.to_owned(),
        stats.runs.to_string(),
        or_none(ok),
        took(50),
        took(95),
        last.unwrap_or_else(|| "never".to_owned()),
    ]
}

fn line<'a>(job: &'a str, stats: &'a Stats, around: &Surroundings) -> Line<'a> {
    let took = |percent| stats.percentile(percent).map(|took| took.as_secs_f64());
    let last = stats.last_success.map(|at| around.zone.local(at));
    Line {
        job,
        runs: stats.runs,
        succeeded: stats.succeeded,
        ok_percent: percent(stats),
        median: took(50),
        p95: took(95),
        last_success: last.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, false)),
        outcomes: &stats.outcomes,
    }
}

/// How many of a hundred runs went well; `None` where there is none.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 runs")]
fn percent(stats: &Stats) -> Option<f64> {
    (stats.runs > 0).then(|| 100.0 * stats.succeeded as f64 / stats.runs as f64)
}
