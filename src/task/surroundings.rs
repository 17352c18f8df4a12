//! What surrounds a job's process: its variables, its directory, its user.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};

use super::{Error, Setup};
use crate::config::Need;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment;
use crate::job::{Job, Surroundings};
use crate::process::{self, Identity, Launch};
use crate::reach;
use crate::reason::chain;
use crate::run::{Run, RunId};

/// The variable that only the processes of one run share.
const RUN_ID: &str = "SCHED_RUN_ID";

/// The longest environment file that is read, in bytes.
const LONGEST_FILE_BYTES: u64 = 1024 * 1024;

/// Why an environment file cannot be used. Its text, which may hold secrets, is never told.
#[derive(Debug, thiserror::Error)]
pub enum VariablesError {
    /// It cannot be read.
    #[error("cannot read the environment file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not answer.
    #[error(transparent)]
    Reach(#[from] reach::Error),
    /// A line is no `KEY=VALUE`.
    #[error("line {line} of the environment file `{}` does not have the form KEY=VALUE", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// A launch without a program: what is the same for every kind of task.
pub(super) async fn launch(run: &Run, job: &Job, setup: &Setup) -> Result<Launch, Error> {
    let surroundings = &job.surroundings;
    let identity = match &surroundings.user {
        Some(user) => Identity::of(user)?,
        None => None,
    };
    let mut variables = identity
        .as_ref()
        .map(Identity::variables)
        .unwrap_or_default();
    if let Some(file) = environment_file(surroundings, setup) {
        let path = file.clone();
        let of_file = reach::within(&file, move || read(&path)).await;
        variables.extend(of_file.map_err(VariablesError::from)??.into_iter().map(set));
    }
    variables.extend(surroundings.environment.clone().into_iter().map(set));
    variables.extend(of_run(run));
    Ok(Launch {
        mark: Some(format!("{RUN_ID}={}", run.id).into()),
        variables,
        identity,
        directory: directory(surroundings, setup),
        timeout: job.policy.timeout,
        ..Launch::default()
    })
}

/// A launch without a program that is to answer a question about what a job calls: with the
/// environment of its runs, and as our own user.
pub(super) fn question(
    surroundings: &Surroundings,
    setup: &Setup,
) -> Result<Launch, VariablesError> {
    let variables = variables(surroundings, setup)?;
    Ok(Launch {
        variables: variables.into_iter().map(set).collect(),
        directory: directory(surroundings, setup),
        ..Launch::default()
    })
}

/// What a job with these surroundings has not of what it needs, where that can be told: a warning
/// of what is not there, for the machine on which a config is checked need not be the one on which
/// its jobs run.
pub(super) fn lacks(
    need: &Need,
    surroundings: Option<&Surroundings>,
    setup: &Setup,
) -> Option<Diagnostic> {
    let missing = |what: String| Diagnostic::warning(Code::NotFound, what);
    match need {
        Need::Python => None,
        Need::Directory(path) => {
            let place = path.clone();
            match reach::wait(path, move || place.is_dir()) {
                Ok(true) => None,
                Ok(false) => {
                    let message = format!("there is no directory `{}`", path.display());
                    Some(missing(message))
                }
                Err(error) => Some(missing(chain(&error))),
            }
        }
        Need::EnvironmentFile(path) => match wait_to_read(path) {
            Ok(_) => None,
            Err(error @ (VariablesError::Read { .. } | VariablesError::Reach(_))) => {
                Some(missing(chain(&error)))
            }
            Err(error @ VariablesError::Line { .. }) => Some(
                Diagnostic::error(Code::BadValue, error.to_string())
                    .with_help("write `KEY=VALUE`, or `#` before a comment"),
            ),
        },
        Need::User(user) => match Identity::of(user) {
            Err(error @ process::Error::NoUser(_)) => Some(missing(error.to_string())),
            // We need not be root to look.
            Ok(_) | Err(_) => None,
        },
        Need::Program(program) => {
            let surroundings = surroundings?;
            let launch = Launch {
                program: program.clone(),
                ..question(surroundings, setup).ok()?
            };
            // Another user has another `PATH`, and may see what we do not.
            if surroundings.user.is_some() {
                return None;
            }
            let place = launch.directory.as_deref().unwrap_or(Path::new(""));
            match reach::wait(&place.join(program), move || process::is_there(&launch)) {
                Ok(true) => None,
                Ok(false) => {
                    let mut lack = missing(format!("there is no program `{}`", program.display()));
                    lack.help.extend(where_looked_for(program, surroundings));
                    Some(lack)
                }
                Err(error) => Some(missing(chain(&error))),
            }
        }
    }
}

/// Where a program is looked for that is no whole path.
fn where_looked_for(program: &Path, surroundings: &Surroundings) -> Option<String> {
    if program.is_absolute() {
        return None;
    }
    Some(match &surroundings.directory {
        _ if !program.as_os_str().as_encoded_bytes().contains(&b'/') => {
            "it is looked for on `PATH`: write its whole path, or give the job an `environment` with \
             another `PATH`"
                .to_owned()
        }
        Some(directory) => format!("it is looked for in {}", directory.display()),
        None => {
            let here = std::env::current_dir().unwrap_or_default();
            format!(
                "it is looked for where `sched` is started, now {}; with `directory: .` in the \
                 folder of the config",
                here.display()
            )
        }
    })
}

/// The working directory that the config names.
fn directory(surroundings: &Surroundings, setup: &Setup) -> Option<PathBuf> {
    let path = surroundings.directory.as_ref()?;
    Some(folder(setup).join(path))
}

/// The environment file that the config names.
fn environment_file(surroundings: &Surroundings, setup: &Setup) -> Option<PathBuf> {
    let path = surroundings.environment_file.as_ref()?;
    Some(folder(setup).join(path))
}

/// The folder in which relative paths of the config start.
fn folder(setup: &Setup) -> &Path {
    setup.config_file.parent().unwrap_or(Path::new(""))
}

/// The variables that the config adds, those of the file first.
pub(super) fn variables(
    surroundings: &Surroundings,
    setup: &Setup,
) -> Result<Vec<(String, String)>, VariablesError> {
    let mut variables = match environment_file(surroundings, setup) {
        Some(file) => wait_to_read(&file)?,
        None => Vec::new(),
    };
    variables.extend(surroundings.environment.clone());
    Ok(variables)
}

/// The place of a run's id in the environment of a process that will fork the runs.
pub(super) fn no_run() -> (OsString, Option<OsString>) {
    let id = RunId::new(DateTime::UNIX_EPOCH, 0);
    (RUN_ID.into(), Some(id.to_string().into()))
}

fn set((name, value): (String, String)) -> (OsString, Option<OsString>) {
    (name.into(), Some(value.into()))
}

/// The variables that tell a task of its run. One that is started from another run must not
/// inherit what it has not itself, such as a fire time.
fn of_run(run: &Run) -> [(OsString, Option<OsString>); 7] {
    let due = run.scheduled_for;
    let due_text = due.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let due_ns = due.map(|at| {
        let nanos = i128::from(at.timestamp()) * 1_000_000_000;
        (nanos + i128::from(at.timestamp_subsec_nanos())).to_string()
    });
    [
        ("SCHED_JOB", Some(run.job.clone())),
        (RUN_ID, Some(run.id.to_string())),
        ("SCHED_SCHEDULED_FOR", due_text),
        ("SCHED_ATTEMPT", Some(run.attempt.to_string())),
        ("SCHED_DUE_NS", due_ns),
        // Programs are given their own.
        ("SCHED_ARGS", None),
        ("SCHED_KWARGS", None),
    ]
    .map(|(name, value)| (name.into(), value.map(OsString::from)))
}

/// As [`read`], for who may be held for a while.
fn wait_to_read(path: &Path) -> Result<Vec<(String, String)>, VariablesError> {
    let file = path.to_owned();
    reach::wait(path, move || read(&file))?
}

/// The variables of the environment file at `path`.
fn read(path: &Path) -> Result<Vec<(String, String)>, VariablesError> {
    let text = read_text(path).map_err(|source| VariablesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let variables = environment::variables(&text).map(|one| {
        let (key, value) = one.map_err(|line| VariablesError::Line {
            path: path.to_owned(),
            line,
        })?;
        Ok((key.to_owned(), value.to_owned()))
    });
    variables.collect()
}

/// Reads a regular file; a pipe without a writer must not hold the run.
fn read_text(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    file.take(LONGEST_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE_BYTES {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}
