//! Hearing a task's process that reports over a channel, and what its end means.

use std::sync::atomic::Ordering;

use super::wire::{self, Assembler, Message, Report};
use super::{Observer, ended};
use crate::process::{Ending, Exit, Sink};
use crate::run::{Ended, Level, Outcome};

/// What a task's process says while it runs.
pub(super) struct Conversation<'a> {
    observer: Observer<'a>,
    assembler: Assembler,
    pub(super) report: Option<Report>,
}

impl<'a> Conversation<'a> {
    pub(super) fn with(observer: Observer<'a>) -> Self {
        Self {
            observer,
            assembler: Assembler::default(),
            report: None,
        }
    }
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
            // One of a failure comes before the error handler is called, and one after it.
            Some(Message::Result(report)) => self.report = Some(report),
            None => {}
        }
    }
}

/// What the end of the process and its report say together. The process has the last word: a
/// report that all went well does not outlive a crash at exit.
pub(super) fn conclusion(exit: Exit, report: Option<Report>, observer: Observer<'_>) -> Ended {
    let took = exit.took;
    // Whoever could tell the exit code is gone.
    let is_untold = exit.ending == Ending::Itself && exit.code.is_none() && exit.signal.is_none();
    let mut ended = ended(exit);
    match report {
        Some(report) => {
            if let Some(handled) = report.handled {
                observer.told_handler.store(true, Ordering::Relaxed);
                if handled {
                    observer.output.handled(observer.run);
                }
            }
            if report.error.is_some() && ended.outcome == Outcome::Success {
                ended.outcome = Outcome::Failure;
            }
            if report.error.is_none() && is_untold {
                ended.outcome = Outcome::Success;
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
