//! `sched validate`: every fault of a config in one go.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Exit;
use super::arguments::{Format, Global, Validate};
use super::load::{self, Count, Loaded};
use super::output::{self, Refusal};
use super::{trusted, understood};
use crate::config::{Answer, Lookup, Need, TasksPlace};
use crate::diagnostic::json::{Report, findings};
use crate::diagnostic::{Code, Diagnostic, render};
use crate::job::{Job, Surroundings};
use crate::task::native::Names;
use crate::task::{self, CallFault, Tasks};
use crate::words::counted;

/// Checks a config. The findings are the answer, so they go to stdout.
///
/// # Errors
/// Where there is no config to check, or stdout does not take the answer.
pub(super) fn run(
    global: &Global,
    natives: &Names,
    validate: &Validate,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let mut given = global.given();
    given.config = validate.file.clone().or(given.config);
    let mut loaded = load::load(&given, now).map_err(Refusal::from)?;
    let tasks = loaded.tasks(&given, natives);
    let lookup = Remembering::new(&tasks);
    // The look-up starts the Python that the config names.
    let distrust = trusted::distrust(&loaded, &given);
    match &distrust {
        None => {
            loaded.reading.look_up(&lookup);
            let misfits = misfits(&loaded, &tasks, &lookup.answers.borrow());
            loaded.reading.add(misfits);
            let unwritable = unwritable(&loaded, &tasks);
            loaded.reading.add(unwritable);
        }
        Some(refusal) => loaded.reading.leave_unchecked(&refusal.message),
    }
    let diagnostics = &loaded.reading.diagnostics;
    let valid = if validate.strict {
        diagnostics.is_empty()
    } else {
        loaded.reading.is_valid()
    };
    let mut out = io::BufWriter::new(output::stdout());
    let mut written = match validate.format {
        Format::Json => write_json(&mut out, &loaded, valid),
        Format::Text => write_text(&mut out, global, &loaded, valid),
    };
    if validate.format == Format::Text && global.verbose && distrust.is_none() {
        let answers = lookup.answers.borrow();
        let write = |()| understood::write(&mut out, &loaded, &given, &tasks, &answers);
        written = written.and_then(write);
    }
    let written = written.and_then(|()| out.flush());
    output::answered(written, if valid { Exit::Done } else { Exit::Failed })
}

/// Warns of calls that do not fit the functions' heads. Such a run begins and fails, as it does in
/// docassemble.Scheduler, so it is no error of the config.
fn misfits(loaded: &Loaded, tasks: &Tasks, answers: &HashMap<String, Answer>) -> Vec<Diagnostic> {
    let jobs = loaded.config().into_iter().flat_map(|config| &config.jobs);
    let calls = jobs.filter_map(|job| {
        let shape = task::shape(job)?;
        let is_function = matches!(answers.get(shape.name), Some(Answer::Function { .. }));
        let is_here = is_function && !tasks.finds_others(&job.surroundings);
        is_here.then_some((job, shape))
    });
    let (jobs, shapes): (Vec<_>, Vec<_>) = calls.unzip();
    if shapes.is_empty() {
        return Vec::new();
    }
    let faults = tasks.check_calls(&Surroundings::default(), &shapes);
    // Without a Python to ask, that has been told.
    let faults = faults.unwrap_or_default().into_iter().zip(jobs);
    let warning = |(fault, job): (Option<CallFault>, &Arc<Job>)| {
        let fault = fault?;
        let place = loaded.reading.secrets.mask(&fault.place()).into_owned();
        Some(
            Diagnostic::warning(Code::BadValue, format!("each run fails: {}", fault.message))
                .at(job.span)
                .of_job(&job.name)
                .with_help(place),
        )
    };
    faults.filter_map(warning).collect()
}

/// The jobs whose arguments cannot be handed to their programs.
fn unwritable(loaded: &Loaded, tasks: &Tasks) -> Vec<Diagnostic> {
    let jobs = loaded.config().into_iter().flat_map(|config| &config.jobs);
    let fault = |job: &Arc<Job>| {
        let fault = tasks.argument_fault(job)?.to_string();
        let fault = loaded.reading.secrets.mask(&fault).into_owned();
        Some(
            Diagnostic::error(Code::BadValue, format!("each run fails: {fault}"))
                .at(job.span)
                .of_job(&job.name),
        )
    };
    jobs.filter_map(fault).collect()
}

fn write_json(out: &mut impl Write, loaded: &Loaded, valid: bool) -> io::Result<()> {
    let report = Report {
        config: loaded.name(),
        valid,
        jobs: loaded.reading.jobs,
        diagnostics: findings(&loaded.reading.diagnostics, &loaded.text),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

fn write_text(
    out: &mut impl Write,
    global: &Global,
    loaded: &Loaded,
    valid: bool,
) -> io::Result<()> {
    let style = output::style(global.color, &io::stdout());
    let mut shown: Vec<Diagnostic> = loaded.reading.diagnostics.clone();
    // Where warnings are what makes it invalid, they are the answer.
    let quiet = global.quiet && (valid || !loaded.reading.is_valid());
    if quiet {
        shown.retain(Diagnostic::is_error);
    }
    out.write_all(render::render(&shown, &loaded.text, &loaded.name(), style).as_bytes())?;
    if quiet {
        return Ok(());
    }
    writeln!(out, "{}", verdict(loaded, valid))
}

/// The last line, such as `config.yml is valid: 3 jobs, 1 warning`.
fn verdict(loaded: &Loaded, valid: bool) -> String {
    let name = loaded.name();
    let count = Count::of(&loaded.reading.diagnostics);
    let jobs = counted(loaded.reading.jobs, "job");
    match (valid, count) {
        (
            true,
            Count {
                errors: 0,
                warnings: 0,
            },
        ) => format!("{name} is valid: {jobs}"),
        (true, count) => format!("{name} is valid: {jobs}, {count}"),
        (false, Count { errors: 0, .. }) => format!("{name} is not valid: {count} (--strict)"),
        (false, count) if loaded.config().is_none() => format!("{name} is not valid: {count}"),
        (false, count) => format!("{name} is not valid: {count} in {jobs}"),
    }
}

/// A lookup whose answers can be asked for again.
struct Remembering<'a> {
    lookup: &'a dyn Lookup,
    answers: RefCell<HashMap<String, Answer>>,
}

impl<'a> Remembering<'a> {
    fn new(lookup: &'a dyn Lookup) -> Self {
        Self {
            lookup,
            answers: RefCell::default(),
        }
    }
}

impl Lookup for Remembering<'_> {
    fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
        let answers = self.lookup.look_up(names)?;
        let named = names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(answers.iter().cloned());
        self.answers.borrow_mut().extend(named);
        Ok(answers)
    }

    fn tasks_place(&self) -> Option<TasksPlace> {
        self.lookup.tasks_place()
    }

    fn lacks(&self, need: &Need, surroundings: Option<&Surroundings>) -> Option<Diagnostic> {
        self.lookup.lacks(need, surroundings)
    }

    fn finds_others(&self, surroundings: &Surroundings) -> bool {
        self.lookup.finds_others(surroundings)
    }
}
