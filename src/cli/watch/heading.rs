//! What `sched watch` shows first: which file, which zone, which jobs, when next, how to stop.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::clean;
use crate::cli::load::{Loaded, counted};
use crate::cli::time;
use crate::config::Config;
use crate::job::Job;
use crate::paths::{self, Given};

/// How many jobs are listed.
const MOST_JOBS: usize = 40;

/// The first lines, as text.
pub(super) fn text(loaded: &Loaded, config: &Config, given: &Given, now: DateTime<Utc>) -> String {
    let settings = &config.settings;
    let tasks = paths::tasks(given, &loaded.path, Some(config))
        .map_or_else(|| "none".to_owned(), |tasks| tasks.display().to_string());
    let mut lines = vec![
        format!(
            "sched {} · config {} · tasks {tasks} · zone {} ({})",
            env!("CARGO_PKG_VERSION"),
            absolute(&loaded.path),
            settings.timezone.name(),
            settings.timezone_from.word(),
        ),
        format!(
            "log {} · state {} · pid {}",
            paths::log(given, config).join("scheduler.log").display(),
            paths::state(given).display(),
            std::process::id(),
        ),
    ];
    if !config.jobs.is_empty() {
        lines.extend(table(&config.jobs, config, now));
    }
    let jobs = counted(config.jobs.len(), "job");
    lines.push(format!("{jobs}. Save the file to reload, Ctrl-C to stop."));
    let lines: Vec<_> = lines.iter().map(|line| clean::line(line)).collect();
    format!("{}\n", lines.join("\n"))
}

/// A path that says the same in another working directory.
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute.as_deref().unwrap_or(path).display().to_string()
}

/// The jobs, each with its next fire time and its schedule in English.
fn table(jobs: &[Job], config: &Config, now: DateTime<Utc>) -> Vec<String> {
    let zone = &config.settings.timezone;
    let rows: Vec<[String; 3]> = jobs
        .iter()
        .take(MOST_JOBS)
        .map(|job| {
            let trigger = job.trigger.clone().anchored(now);
            let next = trigger.next_after(now).filter(|_| job.policy.enabled);
            let next = next.map_or_else(
                || "never".to_owned(),
                |next| {
                    format!(
                        "{}  {}",
                        time::absolute(next, zone),
                        time::relative(next, now)
                    )
                },
            );
            [job.name.clone(), next, job.trigger.english()]
        })
        .collect();
    let headings = ["JOB", "NEXT", "SCHEDULE"].map(str::to_owned);
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let (names, nexts) = (wide(0), wide(1));
    let all = std::iter::once(&headings).chain(&rows);
    let mut lines: Vec<String> = all
        .map(|[job, next, schedule]| format!("  {job:<names$}  {next:<nexts$}  {schedule}"))
        .collect();
    if jobs.len() > MOST_JOBS {
        lines.push(format!("  … and {} more", jobs.len() - MOST_JOBS));
    }
    lines
}
