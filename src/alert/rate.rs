//! How often the same trouble is mailed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::digest;
use crate::run::RunError;
use crate::store::LastMail;

/// How long the same error is not mailed again.
const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// What tells one error from another: its class and its message, as digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) class: u64,
    pub(super) message: u64,
}

impl Key {
    pub(super) fn of(error: &RunError) -> Self {
        Self {
            class: digest(error.class.as_bytes()),
            message: digest(error.message.as_bytes()),
        }
    }
}

/// Whether an error that occurred `times` times may be mailed at `now`; if so, how many of its
/// class were held back since the last mail. `last` becomes what is to be remembered.
///
/// The same class with the same message is mailed at most once in five minutes, counted from the
/// last mail. Another message of that class starts anew.
pub(super) fn admit(
    last: &mut Option<LastMail>,
    message: u64,
    times: u64,
    now: DateTime<Utc>,
) -> Option<u64> {
    let held_back = match last {
        Some(last) => {
            // Where the clock was set back, nobody knows how long ago it was.
            let is_recent = last.at <= now && now - last.at < PAUSE;
            if is_recent && last.message == message {
                last.held_back = last.held_back.saturating_add(times);
                return None;
            }
            last.held_back
        }
        None => 0,
    };
    *last = Some(LastMail {
        message,
        at: now,
        // One mail speaks for all of them.
        held_back: times.saturating_sub(1),
    });
    Some(held_back)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is decided of one error at each of these seconds.
    fn admitted(errors: &[(u64, i64)]) -> Vec<Option<u64>> {
        let mut last = None;
        let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let errors = errors.iter();
        errors
            .map(|(message, second)| admit(&mut last, *message, 1, at(*second)))
            .collect()
    }

    #[test]
    fn the_same_is_mailed_once_in_five_minutes_and_the_rest_counted() {
        let errors = [(7, 0), (7, 1), (7, 299), (7, 300), (7, 599)];
        let expected = [Some(0), None, None, Some(2), None];
        assert_eq!(admitted(&errors), expected, "counted from the last sent");
    }

    #[test]
    fn another_message_starts_anew() {
        let errors = [(1, 0), (1, 1), (2, 2), (1, 3)];
        assert_eq!(admitted(&errors), [Some(0), None, Some(1), Some(0)]);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_back() {
        assert_eq!(admitted(&[(1, 9_000), (1, 0)]), [Some(0), Some(0)]);
    }

    #[test]
    fn what_occurred_often_at_once_is_one_mail_and_the_rest_counted() {
        let mut last = None;
        let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        assert_eq!(admit(&mut last, 1, 10, at(0)), Some(0));
        assert_eq!(admit(&mut last, 1, 5, at(1)), None);
        assert_eq!(admit(&mut last, 1, 1, at(300)), Some(14));
    }
}
