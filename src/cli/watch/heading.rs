//! What `sched watch` shows first: which file, which zone, which jobs, when next, how to stop.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::clean;
use crate::cli::load::Loaded;
use crate::cli::table::Spare;
use crate::cli::{table, time};
use crate::config::Config;
use crate::paths::{self, Given};
use crate::scheduler::plan::Plan;
use crate::trigger::Zone;
use crate::words::counted;

/// How many jobs are listed.
const MOST_JOBS: usize = 40;

/// The first lines, but for the jobs.
pub(super) struct Heading {
    lines: Vec<String>,
    zone: Zone,
    /// How many jobs are left out because they are faulty.
    faulty: usize,
    /// How many columns the terminal has.
    width: usize,
}

impl Heading {
    pub(super) fn new(loaded: &Loaded, config: &Config, given: &Given, width: usize) -> Self {
        let settings = &config.settings;
        let tasks = loaded.tasks_folder(given);
        let tasks = tasks.map_or_else(|| "none".to_owned(), |tasks| absolute(&tasks));
        let lines = vec![
            format!(
                "sched {} · config {} · tasks {tasks} · zone {} ({})",
                env!("CARGO_PKG_VERSION"),
                absolute(&loaded.path),
                settings.timezone.name(),
                settings.timezone_from.word(),
            ),
            format!(
                "log {} · state {} · pid {}",
                absolute(&paths::log(given, config).join("scheduler.log")),
                absolute(&paths::state(given)),
                std::process::id(),
            ),
        ];
        Self {
            lines,
            zone: settings.timezone.clone(),
            faulty: config.faulty.len(),
            width,
        }
    }

    /// All first lines, as text.
    pub(super) fn text(mut self, plan: &Plan, now: DateTime<Utc>) -> String {
        let jobs = counted(plan.jobs().len(), "job");
        if !plan.jobs().is_empty() {
            self.lines
                .extend(table_of(plan, &self.zone, now, self.width));
        }
        let faulty = match self.faulty {
            0 => String::new(),
            count => format!(", {count} more left out because of faults"),
        };
        let last = format!("{jobs}{faulty}. Save the file to reload, Ctrl-C to stop.");
        self.lines.push(last);
        let lines: Vec<_> = self.lines.iter().map(|line| clean::line(line)).collect();
        format!("{}\n", lines.join("\n"))
    }
}

/// A path that says the same in another working directory.
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute.as_deref().unwrap_or(path).display().to_string()
}

/// The jobs, each with its next fire time and its schedule in English.
fn table_of(plan: &Plan, zone: &Zone, now: DateTime<Utc>, width: usize) -> Vec<String> {
    let rows: Vec<[String; 3]> = plan
        .beats()
        .take(MOST_JOBS)
        .map(|(job, next)| {
            let never = if job.policy.enabled {
                "never"
            } else {
                "disabled"
            };
            let next = next.map_or_else(
                || never.to_owned(),
                |next| {
                    format!(
                        "{}  {}",
                        time::of_job(next, now, zone, job.trigger.zone()),
                        time::relative(next, now)
                    )
                },
            );
            [job.name.clone(), next, job.trigger.english()]
        })
        .collect();
    let shown = rows.len();
    let text = table::text(["JOB", "NEXT", "SCHEDULE"], rows, &[Spare::Cut(2)], width);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let more = plan.jobs().len() - shown;
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Outside};

    fn table(text: &str, width: usize) -> Vec<String> {
        let outside = Outside::new(DateTime::<Utc>::UNIX_EPOCH, "/srv", Zone::utc());
        let jobs = config::read(text, &outside).config.unwrap().jobs;
        let plan = Plan::new(jobs, outside.now, 1, |_| 0);
        table_of(&plan, &Zone::utc(), outside.now, width)
    }

    #[test]
    fn a_job_of_today_is_told_by_its_time() {
        let text = "\
scheduler:
  t.soon: {type: cron, hour: 4}
  t.late: {type: cron, day: 2, hour: 4}
";
        let lines = [
            "  JOB     NEXT                               SCHEDULE",
            "  t.soon  04:00:00  in 4h                    at 04:00 every day",
            "  t.late  Fri 1970-01-02 04:00:00  in 1d 4h  at 04:00 on day 2 of every month",
        ];
        assert_eq!(table(text, 80), lines);
        let without = ["  JOB     NEXT", "  t.soon  04:00:00  in 4h"];
        assert_eq!(table(text, 50)[..2], without);
    }

    #[test]
    fn a_job_that_does_not_fire_says_why() {
        let text = "\
scheduler:
  t.off: {type: cron, hour: 4, enabled: false}
  t.over: {type: cron, hour: 4, end_date: 1969-01-01}
";
        let lines = table(text, 100);
        let next = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        let shown: Vec<_> = lines.iter().filter_map(|line| next(line)).collect();
        assert_eq!(shown, ["NEXT", "disabled", "never"]);
    }
}
