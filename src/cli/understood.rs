//! What `validate -v` understood of a config: when each job runs, what it calls, where things are.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::load::Loaded;
use super::output;
use super::run_once::{NATIVE, written};
use super::table::{self, Spare};
use crate::config::Answer;
use crate::job::{Job, Task};
use crate::paths::{self, Given};
use crate::reason::chain;
use crate::task::Tasks;

/// The columns that give way where the screen is narrow: what a job calls, then when it runs.
const SPARE: [Spare; 2] = [Spare::Cut(2), Spare::Cut(1)];

/// Writes one line a job, and one about the places.
pub(super) fn write(
    out: &mut impl Write,
    loaded: &Loaded,
    given: &Given,
    tasks: &Tasks,
    answers: &HashMap<String, Answer>,
) -> io::Result<()> {
    let Some(config) = loaded.config() else {
        return Ok(());
    };
    let secrets = loaded.written_secrets();
    let row = |job: &Arc<Job>| {
        let calls = secrets.mask(&calls(job, answers)).into_owned();
        [job.name.clone(), job.trigger.english(), calls]
    };
    let rows: Vec<[String; 3]> = config.jobs.iter().map(row).collect();
    // What a job calls is told in full where it is no person on a screen who reads it.
    let width = output::width(&io::stdout()).unwrap_or(usize::MAX);
    let text = table::text(["JOB", "RUNS", "CALLS"], rows, &SPARE, width);
    out.write_all(text.as_bytes())?;
    writeln!(out, "  {}", places(loaded, given, tasks).join(" · "))
}

/// What the job calls and where that is.
fn calls(job: &Job, answers: &HashMap<String, Answer>) -> String {
    let call = written(job);
    let Task::Named(name) = &job.task else {
        return call;
    };
    match answers.get(name) {
        Some(Answer::Function { file, line }) => format!("{}:{line} {call}", file.display()),
        Some(Answer::Executable { file }) => file.display().to_string(),
        Some(Answer::Native) => format!("{NATIVE} {call}"),
        Some(
            Answer::NoModule { .. }
            | Answer::NoFunction { .. }
            | Answer::NotExecutable { .. }
            | Answer::Unusable { .. }
            | Answer::Opaque { .. },
        )
        | None => call,
    }
}

fn places(loaded: &Loaded, given: &Given, tasks: &Tasks) -> Vec<String> {
    let zone = loaded
        .config()
        .map(|config| &config.settings)
        .map(|settings| {
            let from = settings.timezone_from.word();
            format!("time zone {} ({from})", settings.timezone.name())
        });
    let folder = paths::tasks(given, &loaded.path, loaded.config());
    let folder = folder.map_or_else(
        || "no tasks folder".to_owned(),
        |folder| format!("tasks {}", folder.display()),
    );
    let python = super::runtime()
        .map_err(|refusal| refusal.to_string())
        .and_then(|runtime| {
            runtime
                .block_on(tasks.interpreter())
                .map_err(|error| chain(&error))
        })
        .map_or_else(
            |why| format!("no Python: {why}"),
            |python| {
                format!(
                    "{} {} ({})",
                    python.program.display(),
                    python.version,
                    python.from
                )
            },
        );
    zone.into_iter().chain([folder, python]).collect()
}
