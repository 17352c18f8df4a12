//! What is told before there is a log, or when there is none any more.

use std::io::{self, Write};

use super::reader::tellings;
use crate::cli::arguments::{Format, Global, Watch};
use crate::cli::load::{Count, Loaded};
use crate::cli::{Exit, output, usable};
use crate::config::Config;
use crate::diagnostic::render;
use crate::logging::{self, Topic};
use crate::paths;
use crate::run::Level;
use crate::scheduler::clock::SystemClock;
use crate::task::native::Names;
use crate::words::counted;

/// Tells in the form that is wanted, when nobody else can.
#[derive(Clone, Copy)]
pub(super) struct Early<'a> {
    global: &'a Global,
    natives: &'a Names,
    arguments: &'a Watch,
}

impl<'a> Early<'a> {
    pub(super) fn new(global: &'a Global, natives: &'a Names, arguments: &'a Watch) -> Self {
        Self {
            global,
            natives,
            arguments,
        }
    }

    /// Something doubtful.
    pub(super) fn warn(self, text: &str) {
        match self.arguments.log_format {
            Format::Text => output::warn(text, self.global),
            Format::Json => say(Topic::ConfigFault, Level::Warning, text),
        }
    }

    /// Why there is nothing to watch; gives how the program ends.
    pub(super) fn refuse(self, error: &anyhow::Error) -> Exit {
        match self.arguments.log_format {
            Format::Text => output::refuse(error, self.global.color),
            Format::Json => {
                let (text, exit) = output::refusal(error, false);
                let text = text.trim_start_matches("error: ").trim_end();
                // Empty where the reader has gone.
                if !text.is_empty() {
                    say(Topic::StartRefused, Level::Error, text);
                }
                exit
            }
        }
    }

    /// The config, where it is good enough to start with; where it is not, that is told.
    pub(super) fn config_to_start_with(self, loaded: &mut Loaded) -> Option<Config> {
        // Where all faults are told, nothing needs to say that there are some.
        if self.arguments.strict && loaded.config().is_some() && !self.is_valid(loaded) {
            return None;
        }
        let found = match self.arguments.log_format {
            Format::Text => usable(loaded, self.global).is_some(),
            Format::Json => self.is_usable(loaded),
        };
        loaded.reading.config.clone().filter(|_| found)
    }

    /// Whether a file has a config; what is wrong with it is told to programs.
    fn is_usable(self, loaded: &Loaded) -> bool {
        if loaded.config().is_none() {
            let why = tellings(loaded).join("\n");
            say(Topic::StartRefused, Level::Error, &why);
            return false;
        }
        if let Some(complaint) = loaded.complaint(self.global) {
            say(Topic::ConfigFault, Level::Warning, &complaint);
        }
        true
    }

    /// Whether the config has no error, also none in what it names; where it has, they are told.
    fn is_valid(self, loaded: &mut Loaded) -> bool {
        let tasks = loaded.tasks(&self.global.given(), self.natives);
        loaded.reading.look_up(&tasks);
        let valid = loaded.reading.is_valid();
        match self.arguments.log_format {
            _ if valid => {}
            Format::Text => {
                let style = output::style(self.global.color, &io::stderr());
                let faults = &loaded.reading.diagnostics;
                write(&render::render(faults, &loaded.text, &loaded.name(), style));
                let errors = counted(Count::of(faults).errors, "error");
                write(&format!("not started: {errors} (--strict)\n"));
            }
            Format::Json => say(
                Topic::StartRefused,
                Level::Error,
                &tellings(loaded).join("\n"),
            ),
        }
        valid
    }

    /// Not all lines are in the log at the end.
    pub(super) fn incomplete(self) {
        let text = "scheduler.log lacks lines that the disk did not take in time";
        match self.arguments.log_format {
            Format::Text => write(&format!("warning: {text}\n")),
            Format::Json => say(Topic::LogFailed, Level::Warning, text),
        }
    }
}

/// A line for programs, in the zone of the machine: that of the config may not be known.
fn say(topic: Topic, level: Level, message: &str) {
    let now = SystemClock::wall_time();
    write(&logging::object(
        now,
        &paths::zone().0,
        level,
        topic,
        message,
    ));
}

fn write(text: &str) {
    // Where stderr is gone, nobody is left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}
