//! Triggers in plain English.

use super::Trigger;

/// The trigger in plain English.
pub(super) fn trigger(_trigger: &Trigger) -> String {
    todo!()
}
