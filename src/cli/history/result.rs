//! How a run ended, in a word or two.

use crate::cli::output::Paint;
use crate::cli::table::Cell;
use crate::run::{Ended, Outcome};

/// The cell of a table that says how a run ended, `running` for one that goes on.
pub(in crate::cli) fn result(ended: Option<&Ended>) -> Cell {
    let Some(ended) = ended else {
        return Cell::new("running").painted(Paint::Name);
    };
    match ended.outcome {
        Outcome::Success => Cell::new("ok").painted(Paint::Good),
        Outcome::Failure => Cell::new(failure(ended)).painted(Paint::Error),
        Outcome::Timeout => Cell::new("TIMEOUT").painted(Paint::Error),
        Outcome::Killed => {
            let signal = ended.signal.map(|signal| format!(" {signal}"));
            Cell::new(format!("KILLED{}", signal.unwrap_or_default())).painted(Paint::Error)
        }
        Outcome::Interrupted | Outcome::Missed | Outcome::Skipped => {
            Cell::new(ended.outcome.word()).painted(Paint::Warning)
        }
        Outcome::Coalesced => Cell::new(ended.outcome.word()).painted(Paint::Dim),
    }
}

/// `FAILED 2` for an exit code, `FAILED ValueError` for an exception.
fn failure(ended: &Ended) -> String {
    match (&ended.error, ended.exit_code) {
        (Some(error), _) => format!("FAILED {}", error.class),
        (None, Some(code)) => format!("FAILED {code}"),
        (None, None) => "FAILED".to_owned(),
    }
}
