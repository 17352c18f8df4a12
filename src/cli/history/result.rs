//! How a run ended, in a word or two.

use crate::clean;
use crate::cli::output::Paint;
use crate::run::{Ended, Outcome};

/// How a run ended, and the colour of that; `running` for one that goes on.
pub(in crate::cli) fn result(ended: Option<&Ended>) -> (String, Paint) {
    let Some(ended) = ended else {
        return ("running".to_owned(), Paint::Name);
    };
    let word = || ended.outcome.word().to_owned();
    match ended.outcome {
        Outcome::Success => ("ok".to_owned(), Paint::Good),
        Outcome::Failure => (failure(ended), Paint::Error),
        Outcome::Timeout => ("TIMEOUT".to_owned(), Paint::Error),
        Outcome::Killed => {
            let signal = ended.signal.map(|signal| format!(" {signal}"));
            (
                format!("KILLED{}", signal.unwrap_or_default()),
                Paint::Error,
            )
        }
        Outcome::Interrupted | Outcome::Missed | Outcome::Skipped => (word(), Paint::Warning),
        Outcome::Coalesced => (word(), Paint::Dim),
    }
}

/// `FAILED 2` for an exit code, `FAILED ValueError` for an exception.
fn failure(ended: &Ended) -> String {
    match (&ended.error, ended.exit_code) {
        (Some(error), _) => format!("FAILED {}", clean::line(&error.class)),
        (None, Some(code)) => format!("FAILED {code}"),
        (None, None) => "FAILED".to_owned(),
    }
}
