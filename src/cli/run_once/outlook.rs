//! What a run would call, with `--dry-run`: it calls nothing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::call::written;
use crate::cli::Exit;
use crate::cli::arguments::Format;
use crate::cli::load::Loaded;
use crate::cli::output::{self, Refusal};
use crate::config::{Answer, Config, duration};
use crate::job::{Job, Task};
use crate::reason::chain;
use crate::secret::Secrets;
use crate::task::{LookupError, Tasks};

/// How a task is told that is a closure.
pub(in crate::cli) const NATIVE: &str = "native task";

/// What would be called; what does not apply is null for programs, and not shown to people.
#[derive(Debug, Serialize)]
pub(super) struct Outlook<'a> {
    job: &'a str,
    /// As Python, or a shell, would write it; secrets masked.
    call: String,
    /// Where the task is.
    from: Option<String>,
    /// Why the task, or its context manager, cannot be called so.
    fault: Option<String>,
    python: Option<Python>,
    timeout: Option<Seconds>,
    retries: u32,
    directory: Option<String>,
    user: Option<&'a str>,
    environment_file: Option<String>,
    config: String,
}

/// A duration that programs read in seconds.
#[derive(Debug, Clone, Copy)]
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

/// The Python that would call the function, and in what.
#[derive(Debug, Serialize)]
struct Python {
    program: Option<String>,
    version: Option<String>,
    /// Why there is none.
    error: Option<String>,
    docassemble_context: &'static str,
    contextmanager: Option<String>,
}

impl<'a> Outlook<'a> {
    /// What a run of `job` by hand would call.
    ///
    /// # Errors
    /// Where the system has no means to ask Python.
    pub(super) fn of(
        job: &'a Job,
        loaded: &Loaded,
        config: &Config,
        tasks: &Tasks,
    ) -> Result<Self, Refusal> {
        let (mut from, mut fault, mut python) = (None, None, None);
        if let Task::Named(name) = &job.task {
            let answer = tasks.look_up_for(&job.surroundings, name);
            if !matches!(answer, Ok(Some(Answer::Native | Answer::Executable { .. }))) {
                python = Some(Python::of(job, config, tasks)?);
            }
            (from, fault) = found(answer);
        }
        let manager = job.contextmanager.as_deref().filter(|_| python.is_some());
        let fault = fault.or_else(|| {
            let (_, fault) = found(tasks.look_up_for(&job.surroundings, manager?));
            Some(format!("context manager: {}", fault?))
        });
        let fault = fault
            .or_else(|| tasks.argument_fault(job).map(|fault| fault.to_string()))
            .or_else(|| Some(tasks.check_call(job).ok()??.message));
        let surroundings = &job.surroundings;
        let shown = |path: &PathBuf| path.display().to_string();
        Ok(Self {
            job: &job.name,
            call: written(job),
            from,
            fault,
            python,
            timeout: job.policy.timeout.map(Seconds),
            // It is run by hand.
            retries: 0,
            directory: surroundings.directory.as_ref().map(shown),
            user: surroundings.user.as_deref(),
            environment_file: surroundings.environment_file.as_ref().map(shown),
            config: loaded.name(),
        })
    }

    /// Writes it to stdout, without `secrets`.
    ///
    /// # Errors
    /// Where nobody reads it.
    pub(super) fn tell(&self, format: Format, secrets: &Secrets) -> io::Result<Exit> {
        let text = match format {
            Format::Text => self.text(),
            Format::Json => serde_json::to_string(self)? + "\n",
        };
        output::stdout().write_all(secrets.mask(&text).as_bytes())?;
        Ok(Exit::Done)
    }

    fn text(&self) -> String {
        let timeout = self.timeout.map_or_else(
            || "no timeout".to_owned(),
            |Seconds(timeout)| format!("timeout {}", duration::text(timeout)),
        );
        let limits = format!("{timeout} · no retries (run by hand)");
        let lines = [
            ("would run", Some(self.call.clone())),
            ("from", self.from.clone()),
            ("fails", self.fault.clone()),
            ("with", self.python.as_ref().map(Python::text)),
            ("limits", Some(limits)),
            ("in", self.directory.clone()),
            ("as", self.user.map(|user| format!("the user {user}"))),
            ("variables", self.environment_file.clone()),
            ("config", Some(self.config.clone())),
        ];
        let lines = lines
            .into_iter()
            .filter_map(|(word, text)| Some((word, text?)));
        let lines: Vec<String> = lines
            .map(|(word, text)| format!("{word:<10} {text}"))
            .collect();
        lines.join("\n") + "\n"
    }
}

impl Python {
    fn of(job: &Job, config: &Config, tasks: &Tasks) -> Result<Self, Refusal> {
        let found = crate::cli::runtime()?.block_on(tasks.interpreter());
        let error = found.as_ref().err().map(|error| chain(error));
        let python = found.ok();
        let program = python.as_ref().map(|python| &python.program);
        Ok(Self {
            program: program.map(|program| program.display().to_string()),
            version: python.map(|python| python.version),
            error,
            docassemble_context: config.settings.docassemble_context.word(),
            contextmanager: job.contextmanager.clone(),
        })
    }

    fn text(&self) -> String {
        let python = match (&self.program, &self.version, &self.error) {
            (Some(program), Some(version), _) => format!("{program} {version}"),
            (_, _, error) => format!("no Python: {}", error.as_deref().unwrap_or_default()),
        };
        let context = self.docassemble_context;
        let manager = self.contextmanager.as_deref().unwrap_or("none");
        format!("{python} · docassemble context: {context} · context manager: {manager}")
    }
}

/// Where a function or a program is, for people, or else why there is none.
fn found(answer: Result<Option<Answer>, LookupError>) -> (Option<String>, Option<String>) {
    let place = |place| (Some(place), None);
    let answer = match answer {
        Ok(Some(answer)) => answer,
        // That there is no Python is told beside it.
        Ok(None) | Err(LookupError::Interpreter(_)) => return (None, None),
        Err(error) => return (None, Some(chain(&error))),
    };
    match &answer {
        Answer::Function { file, line } => place(format!("{}:{line}", file.display())),
        Answer::Executable { file } => place(file.display().to_string()),
        Answer::Native => place(format!("{NATIVE} of this program")),
        Answer::Opaque { why } => place(why.clone()),
        Answer::NoModule { .. }
        | Answer::NoFunction { .. }
        | Answer::NotExecutable { .. }
        | Answer::Unusable { .. } => (None, answer.lack()),
    }
}
