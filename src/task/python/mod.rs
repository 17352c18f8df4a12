//! Python functions: each run in a process of its own, by `runner.py`.

mod compiled;
mod heard;
pub(super) mod interpreter;
pub(super) mod lookup;
mod marshal;
mod memory;
mod server;
pub(super) mod servers;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::fd::RawFd;

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::conversation::{Conversation, conclusion};
use super::handler::Failure;
use super::{Observer, Setup};
use crate::config::DocassembleContext;
use crate::job::Job;
use crate::process::{self, Channel, Launch};
use crate::run::{Ended, Order};
use crate::value::Value;
use interpreter::Interpreter;
use servers::{Forked, Servers};

/// The code that runs a task in its process.
const RUNNER: &str = include_str!("runner.py");

/// What is logged once where docassemble's context was to be entered if it could.
pub(super) const ABSENCE: &str = "docassemble.webapp is not installed: no context is entered";

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
    /// Whether it is to log that there is no docassemble, where that is so.
    pub(super) tell_absence: bool,
}

/// Runs a Python function with the job's arguments.
pub(super) async fn run(
    interpreter: &Interpreter,
    call: &Call<'_>,
    launch: Launch,
    order: watch::Receiver<Order>,
    observer: Observer<'_>,
) -> Result<Ended, process::Error> {
    let started = start(interpreter, call.setup, launch).await?;
    started.run(call, order, observer).await
}

/// A Python that has been started for one run and waits for its request.
#[derive(Debug)]
pub(super) struct Started {
    process: process::Started,
    channel: RawFd,
}

/// Starts a Python for one run.
pub(super) async fn start(
    interpreter: &Interpreter,
    setup: &Setup,
    launch: Launch,
) -> Result<Started, process::Error> {
    let channel = Channel::new().map_err(|source| process::Error::System {
        program: interpreter.program.clone(),
        source,
    })?;
    let number = channel.child_descriptor();
    let launch = Launch {
        channel: Some(channel),
        ..interpreter.launch(RUNNER, &[], setup, launch)
    };
    Ok(Started {
        process: process::start(launch).await?,
        channel: number,
    })
}

impl Started {
    /// Lets it call the function.
    pub(super) async fn run(
        self,
        call: &Call<'_>,
        mut order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, process::Error> {
        let mut request = request(call);
        request["channel"] = json!(self.channel);
        let request = marshal::bytes(&request);
        let mut conversation = Conversation::with(observer);
        let exit = self.process.follow(&request, &mut order, &mut conversation);
        let exit = exit.await?;
        observer.note_end(&exit);
        Ok(conclusion(exit, conversation.report, observer))
    }
}

/// A child of a server that has been told what it will call, and waits for the word to go.
#[derive(Debug)]
pub(super) struct Primed {
    forked: Forked,
    launch: Launch,
    has_context: bool,
    enters_context: bool,
}

impl Primed {
    /// A child that has been forked for `call`.
    pub(super) fn new(mut forked: Forked, call: &Call<'_>, launch: Launch) -> Self {
        let has_context = forked.has_context();
        let enters_context = match call.setup.docassemble_context {
            DocassembleContext::Off => false,
            DocassembleContext::On => true,
            DocassembleContext::Auto => has_context,
        };
        let text = |text: &OsString| text.to_string_lossy().into_owned();
        let variables = launch.variables.iter();
        let directory = launch.directory.as_ref();
        let mut request = request(call);
        request["variables"] = variables
            .map(|(name, value)| (text(name), json!(value.as_ref().map(text))))
            .collect();
        request["directory"] = json!(directory.map(|path| path.to_string_lossy()));
        // Where nothing comes before the call, we say that it begins: a child that said so would
        // wait until we have been woken by it.
        request["announced"] = json!(!enters_context);
        forked.tell(&request);
        Self {
            forked,
            launch,
            has_context,
            enters_context,
        }
    }

    /// Whether `servers` would fork no other child now.
    pub(super) fn is_current(&self, servers: &Servers) -> bool {
        servers.is_current(&self.forked)
    }

    /// Whether docassemble's background context can be entered there.
    pub(super) fn has_context(&self) -> bool {
        self.has_context
    }

    /// Lets it call the function.
    pub(super) async fn go(&mut self) -> Result<(), process::Error> {
        self.launch.reach_directory().await?;
        self.launch.check_directory()?;
        self.forked.go();
        Ok(())
    }

    /// Follows it to its end.
    pub(super) async fn follow(
        self,
        mut order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, process::Error> {
        if !self.enters_context {
            observer.note_call();
        }
        let mut conversation = Conversation::with(observer);
        let Forked { foster, pipes, .. } = self.forked;
        let launch = self.launch;
        let exit = process::adopt(foster, pipes, launch, &mut order, &mut conversation).await?;
        observer.note_end(&exit);
        Ok(conclusion(exit, conversation.report, observer))
    }
}

/// What `runner.py` must know.
fn request(call: &Call<'_>) -> Json {
    let Call { job, setup, .. } = call;
    let failure = call.failure.map(|failure| {
        json!({
            "type": failure.class,
            "message": failure.message,
        })
    });
    json!({
        "job": job.name,
        "task": call.name,
        "args": Value::List(job.args.clone()).to_json(),
        "kwargs": Value::Map(job.kwargs.clone()).to_json(),
        "contextmanager": job.contextmanager,
        "error_handler": job.error_handler,
        "tasks": setup.python_folders(),
        "config_file": setup.config_file.to_string_lossy(),
        "docassemble_context": setup.docassemble_context.word(),
        "is_final": call.is_final,
        "failure": failure,
        "absence": call.tell_absence.then_some(ABSENCE),
        "debug": setup.debug,
        "announced": false,
    })
}
