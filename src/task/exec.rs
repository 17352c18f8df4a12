//! Executable files and commands: programs that get their arguments as text.

use std::ffi::OsString;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tokio::sync::watch;

use super::{Error, Observer, ended};
use crate::job::Job;
use crate::process::{self, Launch, Sink};
use crate::run::{Ended, Order};
use crate::value::Value;

/// Why a value cannot be an argument of a program.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// No argument can hold the character NUL.
    #[error("an argument of a program cannot hold a NUL character")]
    Nul,
    /// A keyword that cannot be written as `--key=value`.
    #[error(
        "the keyword argument `{0}` cannot be written as an option (letters, digits, `_`, `-`)"
    )]
    Key(String),
}

/// A program and the arguments that come before those of the job.
pub(super) struct Program {
    path: PathBuf,
    words: Vec<OsString>,
    /// Whether the job names it, so that it may lie anywhere.
    is_of_job: bool,
}

/// An executable file.
pub(super) fn file(path: PathBuf) -> Program {
    Program {
        path,
        words: Vec::new(),
        is_of_job: true,
    }
}

/// A command that is run without a shell.
pub(super) fn command(words: &[String]) -> Program {
    let mut words = words.iter();
    Program {
        path: words.next().map(PathBuf::from).unwrap_or_default(),
        words: words.map(OsString::from).collect(),
        is_of_job: true,
    }
}

/// A command line for the shell: the job's arguments are its `"$@"`.
pub(super) fn shell(text: &str) -> Program {
    Program {
        path: PathBuf::from("/bin/sh"),
        words: ["-c", text, "sh"].map(OsString::from).into(),
        is_of_job: false,
    }
}

/// Runs a program with the job's arguments.
pub(super) async fn run(
    program: Program,
    job: &Job,
    mut launch: Launch,
    mut order: watch::Receiver<Order>,
    observer: Observer<'_>,
) -> Result<Ended, Error> {
    launch.program = program.path;
    launch.args = program.words;
    if program.is_of_job {
        launch.reach_program().await?;
    }
    let arguments = arguments(&job.args, &job.kwargs)?;
    launch
        .args
        .extend(arguments.into_iter().map(OsString::from));
    launch
        .variables
        .extend(as_variables(&job.args, &job.kwargs));

    observer.note_call();
    let exit = process::run(launch, &mut order, &mut PassOn(observer)).await?;
    observer.note_end(&exit);
    Ok(ended(exit))
}

/// Passes a program's output on; it has no channel.
struct PassOn<'a>(Observer<'a>);

impl Sink for PassOn<'_> {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0.output.stdout(self.0.run, bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.0.output.stderr(self.0.run, bytes);
    }

    fn datagram(&mut self, _bytes: &[u8]) {}
}

/// The arguments as words: text as it is, all else as JSON, keywords as `--key=value`.
///
/// # Errors
/// Where one of them cannot be an argument of a program.
pub fn arguments(args: &[Value], kwargs: &[(Value, Value)]) -> Result<Vec<String>, ArgumentError> {
    let mut words: Vec<_> = args.iter().map(word).collect();
    for (key, value) in kwargs {
        let key = word(key);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.is_empty() || !key.chars().all(fits) {
            return Err(ArgumentError::Key(key));
        }
        words.push(format!("--{key}={}", word(value)));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(ArgumentError::Nul);
    }
    Ok(words)
}

/// The arguments as JSON, in variables.
fn as_variables(args: &[Value], kwargs: &[(Value, Value)]) -> [(OsString, Option<OsString>); 2] {
    let args = Json::Array(args.iter().map(plain_json).collect());
    let kwargs = object(kwargs);
    [("SCHED_ARGS", args), ("SCHED_KWARGS", kwargs)]
        .map(|(name, json)| (name.into(), Some(json.to_string().into())))
}

/// One value as one word.
fn word(value: &Value) -> String {
    match plain_json(value) {
        Json::String(text) => text,
        json => json.to_string(),
    }
}

/// The value as any program expects it in JSON, where the kinds that JSON does not have are text:
/// dates in ISO 8601, bytes in base64, large integers in digits, `inf` and `nan`.
fn plain_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::BigInt(value) => Json::from(value.to_string()),
        Value::Float(value) if value.is_finite() => Json::from(*value),
        Value::Float(value) => Json::from(value.to_string().to_lowercase()),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
        Value::Date(date) => Json::from(date.to_string()),
        Value::DateTime(reading, offset) => {
            let offset = offset.map(|offset| offset.to_string()).unwrap_or_default();
            Json::from(format!(
                "{}{offset}",
                reading.format("%Y-%m-%dT%H:%M:%S%.f")
            ))
        }
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            Json::Array(items.iter().map(plain_json).collect())
        }
        Value::Map(entries) => object(entries),
    }
}

/// A mapping as an object, whose keys can only be text.
fn object(entries: &[(Value, Value)]) -> Json {
    let entries = entries
        .iter()
        .map(|(key, value)| (word(key), plain_json(value)));
    Json::Object(entries.collect::<Map<_, _>>())
}
