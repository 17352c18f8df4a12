//! The text of `start_date`, `end_date` and `run_date`.

use chrono::{DateTime, Utc};

use super::{Fault, Zone};

/// Reads `2026-01-01`, `2026-01-01 10:00`, `2026-01-01T10:00:00Z`, `… +02:00` or `… +0200`.
///
/// Without an offset it is wall-clock time in `zone`: in a fold the first pass, in a gap the first
/// instant after it.
///
/// # Errors
/// Where the text is not such a time, or one with a fraction of a second.
pub fn parse(_text: &str, _zone: &Zone) -> Result<DateTime<Utc>, Fault> {
    todo!()
}
