//! The command line: arguments in, text and an exit code out.

pub mod arguments;
mod conceal;
mod faulty;
mod hint;
mod history;
mod jobs;
pub mod load;
pub mod next;
pub mod output;
mod pulse;
pub mod record;
pub mod run_once;
pub mod select;
pub mod show;
mod state;
mod status;
mod stop;
mod subject;
mod table;
pub mod time;
mod trusted;
mod understood;
mod validate;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;
pub use arguments::Arguments;
use clap::CommandFactory as _;

use crate::config::Config;
use crate::diagnostic::render;
use crate::process::{remember_ends, share_one_heap};
use crate::reason::chain;
use crate::scheduler::clock::SystemClock;
use crate::task::native::{self, Names, Natives};
use arguments::{Color, Command, Global};
use load::Loaded;
use output::{Paint, Refusal};

/// How the program ends, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All went well.
    Done,
    /// The config is invalid, or the job failed.
    Failed,
    /// Wrong usage, an unreadable file, an unknown job, an answer that stdout does not take.
    Unusable,
    /// The job ran into its timeout.
    Timeout,
    /// A signal asked to stop.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::Timeout => 124,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Does what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    main_with(&Natives::new())
}

/// Does what the command line asks for, in a program with tasks of its own.
///
/// To be called first of all in `main`: each run of such a task is this program, started again.
#[must_use]
pub fn main_with(natives: &Natives) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match words.get(1) {
        Some(word) if word == jobs::COMMAND => {
            return jobs::run(words, SystemClock::wall_time()).into();
        }
        Some(word) if word == native::COMMAND => {
            return native::serve(natives, SystemClock::wall_time);
        }
        _ => {}
    }
    if words.len() < 2 {
        return nothing_asked();
    }
    share_one_heap();
    let arguments = match Arguments::read(words) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let color = arguments.global.color;
    dispatch(&arguments, &natives.names())
        .unwrap_or_else(|error| output::refuse(&error, color))
        .into()
}

/// Tells what can be asked for.
///
/// It is not left to clap, to which what the environment says is asked for too.
fn nothing_asked() -> ExitCode {
    let help = Arguments::command().render_help();
    // Where stderr is gone, nobody is left to tell.
    let _ = write!(anstream::stderr(), "{}", help.ansi());
    Exit::Unusable.into()
}

/// Tells what is wrong with the command line, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print().map_err(output::of_stdout);
    let exit = match printed {
        // Where stderr is gone, nobody is left to tell.
        _ if error.use_stderr() => Exit::Unusable,
        Err(error) => output::refuse(&error.into(), Color::Auto),
        Ok(()) => Exit::Done,
    };
    exit.into()
}

fn dispatch(arguments: &Arguments, natives: &Names) -> anyhow::Result<Exit> {
    remember_ends().context("cannot prepare for children that end")?;
    let now = SystemClock::wall_time();
    let global = &arguments.global;
    match &arguments.command {
        Command::Validate(validate) => validate::run(global, natives, validate, now),
        Command::Next(next) => next::run(global, next, now),
        Command::RunOnce(run_once) => run_once::run(global, natives, run_once, now),
        Command::Watch(watch) => Ok(watch::run(global, natives, watch, now)),
        Command::History(history) => history::run(global, history, now),
        Command::Status(status) => status::run(global, status, now),
        Command::Show(show) => show::run(global, show, now),
    }
}

/// The config of a file, where it is usable; what is wrong with the file goes to stderr.
///
/// A file without a usable `scheduler` section is told in full, faults of single jobs in one line.
fn usable<'a>(loaded: &'a Loaded, global: &Global) -> Option<&'a Config> {
    let style = output::style(global.color, &io::stderr());
    let text = match (loaded.config(), loaded.complaint(global)) {
        (None, _) => render::render(
            &loaded.reading.diagnostics,
            &loaded.text,
            &loaded.name(),
            style,
        ),
        (Some(_), Some(complaint)) if !global.quiet => {
            format!(
                "{}: {complaint}\n",
                output::paint("warning", Paint::Warning, style.color)
            )
        }
        (Some(_), _) => String::new(),
    };
    // Where stderr is gone, nobody is left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    loaded.config()
}

/// A runtime on this thread.
fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(format!("cannot wait for events: {}", chain(&error))))
}
