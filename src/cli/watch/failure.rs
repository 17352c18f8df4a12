//! The words for a run that failed.

use crate::run::{Ended, Outcome, Run, RunError};

/// How many of the last lines of a failed task's traceback or stderr are shown.
const LAST_LINES: usize = 5;

/// Why a run failed, in a few words.
pub(super) fn cause(ended: &Ended) -> String {
    match (&ended.error, ended.outcome, ended.signal, ended.exit_code) {
        // What it raised when it was asked to end is what came of that.
        (_, Outcome::Timeout, ..) => "ran into its timeout".to_owned(),
        (Some(error), ..) => {
            let first = error.message.lines().next().unwrap_or_default();
            format!("{}: {first}", error.class)
        }
        (None, _, Some(signal), _) => format!("ended by signal {signal}"),
        (None, _, None, Some(code)) => format!("exit code {code}"),
        (None, _, None, None) => "no result".to_owned(),
    }
}

/// The record of a failed run; of an exception in upstream's form.
pub(super) fn message(run: &Run, ended: &Ended, why: &str) -> String {
    let failed = format!("'{}' failed: {why}", run.job);
    match &ended.error {
        Some(error) if ended.outcome == Outcome::Timeout => format!("{failed}: {}", told(error)),
        Some(error) => format!("scheduler: The job crashed:{}", told(error)),
        None => failed,
    }
}

/// An exception, the traceback on one line.
fn told(error: &RunError) -> String {
    format!(
        "<class '{}'>:{} TRACEBACK:{}",
        error.class,
        one_line(&error.message),
        one_line(&error.traceback)
    )
}

fn one_line(text: &str) -> String {
    text.trim_end().lines().collect::<Vec<_>>().join("\\n")
}

/// The last lines of the traceback, or else of stderr, each on a line of its own.
pub(super) fn last_words(ended: &Ended) -> String {
    let traceback = ended.error.as_ref().map(|error| error.traceback.as_str());
    let text = traceback.unwrap_or(&ended.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let first = std::iter::once(String::new());
    let marked = last.iter().map(|line| format!("| {line}"));
    first.chain(marked).collect::<Vec<_>>().join("\n")
}
