//! Asking Python what names name; `lookup.py` answers without running any of it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::heard::Heard;
use super::interpreter::{Interpreter, InterpreterError};
use crate::config::Answer;
use crate::process::{self, Ending, Exit, Launch};
use crate::run::Order;
use crate::task::Setup;
use crate::task::surroundings::VariablesError;

/// The code that answers.
const LOOKUP: &str = include_str!("lookup.py");

/// How long all answers of one question may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer that is read, in bytes.
const LONGEST_BYTES: usize = 64 * 1024 * 1024;

/// Why Python gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// It could not be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// There is no usable Python.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// The job's environment cannot be had.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// It took too long.
    #[error("Python took more than {} s to look at the tasks", PATIENCE.as_secs())]
    TooLong,
    /// It failed; the last line of what it said.
    #[error("Python could not look at the tasks: {0}")]
    Failed(String),
}

/// How a function is called, as far as its head can tell whether that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallShape<'a> {
    /// The dotted name of the function.
    pub name: &'a str,
    /// How many positional arguments it gets.
    pub positional: usize,
    /// The names of its keyword arguments.
    pub keywords: Vec<&'a str>,
}

/// What is wrong with a call, and where the function is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CallFault {
    /// Such as `heartbeat() takes no positional arguments, but 1 was given`.
    pub message: String,
    /// The file, from the name of the tasks folder on where it lies in that.
    pub file: String,
    /// The line of the function's head, from 1.
    pub line: u32,
    /// That line.
    pub source: String,
}

impl CallFault {
    /// Where the function is, such as `tasks/test.py:17: def heartbeat():`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}: {}", self.file, self.line, self.source.trim())
    }
}

/// What each of `names` names, in their order, to a Python with what `launch` gives it.
pub(in crate::task) async fn look_up(
    interpreter: &Interpreter,
    setup: &Setup,
    launch: Launch,
    names: &[&str],
) -> Result<Vec<Answer>, LookupError> {
    let answers: Vec<Form> = ask(interpreter, setup, launch, "names", json!(names)).await?;
    Ok(answers.into_iter().map(Answer::from).collect())
}

/// What is wrong with each of `calls`, in their order, as far as the functions' heads tell, in a
/// Python with what `launch` gives it.
pub(in crate::task) async fn check_calls(
    interpreter: &Interpreter,
    setup: &Setup,
    launch: Launch,
    calls: &[CallShape<'_>],
) -> Result<Vec<Option<CallFault>>, LookupError> {
    ask(interpreter, setup, launch, "calls", json!(calls)).await
}

/// Puts one question to a Python process.
async fn ask<A: DeserializeOwned>(
    interpreter: &Interpreter,
    setup: &Setup,
    launch: Launch,
    key: &str,
    question: Json,
) -> Result<A, LookupError> {
    let mut request = json!({ "tasks": setup.python_folders() });
    request[key] = question;
    let launch = Launch {
        timeout: Some(PATIENCE),
        ..interpreter.launch(LOOKUP, request.to_string().as_bytes(), setup, launch)
    };
    let mut heard = Heard::up_to(LONGEST_BYTES);
    let (_nobody, mut order) = watch::channel(Order::GoOn);
    let exit = process::run(launch, &mut order, &mut heard).await?;
    // Whatever an environment prints when Python starts stands in lines before the answer.
    let answer = heard
        .bytes
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next();
    answer
        .filter(|_| exit.code == Some(0))
        .and_then(|answer| serde_json::from_slice(answer).ok())
        .ok_or_else(|| silence(&exit))
}

/// Why there is no answer.
fn silence(exit: &Exit) -> LookupError {
    if exit.ending == Ending::Timeout {
        return LookupError::TooLong;
    }
    let last = exit.stderr.trim_end().lines().last();
    LookupError::Failed(last.map_or_else(|| format!("it ended {}", exit.words()), str::to_owned))
}

/// An answer as `lookup.py` writes it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Form {
    Function {
        file: String,
        line: u32,
    },
    NoModule {
        what: String,
        near: Vec<String>,
    },
    NoFunction {
        file: String,
        function: String,
        near: Vec<String>,
    },
    Unusable {
        why: String,
    },
    Opaque {
        why: String,
    },
}

impl From<Form> for Answer {
    fn from(form: Form) -> Self {
        match form {
            Form::Function { file, line } => Self::Function {
                file: file.into(),
                line,
            },
            Form::NoModule { what, near } => Self::NoModule { what, near },
            Form::NoFunction {
                file,
                function,
                near,
            } => Self::NoFunction {
                file: file.into(),
                function,
                near,
            },
            Form::Unusable { why } => Self::Unusable { why },
            Form::Opaque { why } => Self::Opaque { why },
        }
    }
}
