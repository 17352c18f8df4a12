//! Python functions: each run in a process of its own, by `runner.py`.

mod heard;
pub(super) mod interpreter;
pub(super) mod lookup;
#[cfg(test)]
mod tests;
pub(super) mod wire;

use serde_json::json;
use tokio::sync::watch;

use super::handler::Failure;
use super::{Observer, Setup, ended};
use crate::config::DocassembleContext;
use crate::job::Job;
use crate::process::{self, Channel, Exit, Launch, Sink};
use crate::run::{Ended, Level, Order, Outcome};
use crate::value::Value;
use interpreter::Interpreter;
use wire::{Assembler, Message, Report};

/// The code that runs a task in its process.
const RUNNER: &str = include_str!("runner.py");

/// What to call.
pub(super) struct Call<'a> {
    /// The dotted name of the function.
    pub(super) name: &'a str,
    /// The job that calls it.
    pub(super) job: &'a Job,
    /// What the config says besides.
    pub(super) setup: &'a Setup,
    /// Whether no other attempt follows when this one fails.
    pub(super) is_final: bool,
    /// How the run failed, where only its error handler is to be called.
    pub(super) failure: Option<&'a Failure>,
    /// Whether to log that there is no docassemble, which once is enough.
    pub(super) tell_absence: bool,
}

/// Runs a Python function with the job's arguments.
pub(super) async fn run(
    interpreter: &Interpreter,
    call: &Call<'_>,
    launch: Launch,
    mut order: watch::Receiver<Order>,
    observer: Observer<'_>,
) -> Result<Ended, process::Error> {
    let channel = Channel::new().map_err(|source| process::Error::System {
        program: interpreter.program.clone(),
        source,
    })?;
    let request = request(call, &channel);
    let launch = Launch {
        channel: Some(channel),
        ..interpreter.launch(RUNNER, &request, launch)
    };
    let mut conversation = Conversation {
        observer,
        assembler: Assembler::default(),
        report: None,
    };
    let exit = process::run(launch, &mut order, &mut conversation).await?;
    observer.note_end(&exit);
    Ok(conclusion(exit, conversation.report, observer))
}

/// What `runner.py` must know, as JSON.
fn request(call: &Call<'_>, channel: &Channel) -> String {
    let Call {
        name, job, setup, ..
    } = call;
    json!({
        "channel": channel.child_descriptor(),
        "job": job.name,
        "task": name,
        "args": Value::List(job.args.clone()).to_json(),
        "kwargs": Value::Map(job.kwargs.clone()).to_json(),
        "contextmanager": job.contextmanager,
        "error_handler": job.error_handler,
        "is_final": call.is_final,
        "failure": call.failure.map(|failure| json!({
            "type": failure.class,
            "message": failure.message,
        })),
        "tasks": setup.python_folders(),
        "config_file": setup.config_file.to_string_lossy(),
        "tell_absence": call.tell_absence,
        "docassemble_context": match setup.docassemble_context {
            DocassembleContext::Auto => "auto",
            DocassembleContext::On => "on",
            DocassembleContext::Off => "off",
        },
    })
    .to_string()
}

/// What a task's process says while it runs.
struct Conversation<'a> {
    observer: Observer<'a>,
    assembler: Assembler,
    report: Option<Report>,
}

impl Sink for Conversation<'_> {
    fn stdout(&mut self, bytes: &[u8]) {
        self.observer.output.stdout(self.observer.run, bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.observer.output.stderr(self.observer.run, bytes);
    }

    fn wants_datagrams(&self) -> bool {
        self.observer.output.wants_records()
    }

    fn datagram(&mut self, bytes: &[u8]) {
        let message = self.assembler.push(bytes);
        match message.as_deref().and_then(wire::parse) {
            Some(Message::Log(record)) => self.observer.output.record(self.observer.run, &record),
            Some(Message::Result(report)) => _ = self.report.get_or_insert(report),
            None => {}
        }
    }
}

/// What the end of the process and its report say together. The process has the last word: a
/// report that all went well does not outlive a crash at exit.
fn conclusion(exit: Exit, report: Option<Report>, observer: Observer<'_>) -> Ended {
    let took = exit.took;
    let mut ended = ended(exit);
    match report {
        Some(report) => {
            if report.handled {
                observer.output.handled(observer.run);
            }
            if report.error.is_some() && ended.outcome == Outcome::Success {
                ended.outcome = Outcome::Failure;
            }
            ended.returned = report.returned;
            ended.error = report.error;
        }
        None if ended.outcome == Outcome::Success => {
            let job = &observer.run.job;
            let message =
                format!("'{job}' ended its process with exit code 0 and without a result");
            observer.note(Level::Warning, took, message);
        }
        None => {}
    }
    ended
}
