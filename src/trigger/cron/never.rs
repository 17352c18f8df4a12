//! Why a cron trigger never fires.

use super::Cron;
use crate::trigger::Fault;

/// Why no date can match.
#[must_use]
pub fn never_fires_reason(_cron: &Cron) -> Option<Fault> {
    None
}
