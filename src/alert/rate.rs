//! How often the same trouble is mailed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// How long the same error is not mailed again.
const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// How many classes of errors are remembered.
const MOST_CLASSES: usize = 1_000;

/// Remembers what was mailed: the same class with the same message at most once in five minutes,
/// counted from the last mail. Another message of that class starts anew.
#[derive(Debug, Default)]
pub(super) struct Rate {
    last: HashMap<String, Last>,
}

/// The last mail about a class.
#[derive(Debug)]
struct Last {
    message: String,
    at: DateTime<Utc>,
    held_back: u64,
}

impl Rate {
    /// Whether an error may be mailed at `now`; if so, how many of its class were held back since
    /// the last mail.
    pub(super) fn admit(&mut self, class: &str, message: &str, now: DateTime<Utc>) -> Option<u64> {
        if let Some(last) = self.last.get_mut(class) {
            // Where the clock was set back, nobody knows how long ago it was.
            let is_recent = last.at <= now && now - last.at < PAUSE;
            if is_recent && last.message == message {
                last.held_back += 1;
                return None;
            }
        }
        let last = Last {
            message: message.to_owned(),
            at: now,
            held_back: 0,
        };
        let before = self.last.insert(class.to_owned(), last);
        if self.last.len() > MOST_CLASSES {
            self.forget_one();
        }
        Some(before.map_or(0, |before| before.held_back))
    }

    fn forget_one(&mut self) {
        let oldest = self.last.iter().min_by_key(|(_, last)| last.at);
        if let Some(class) = oldest.map(|(class, _)| class.clone()) {
            self.last.remove(&class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_same_is_mailed_once_in_five_minutes_and_the_rest_counted() {
        let mut rate = Rate::default();
        assert_eq!(rate.admit("E", "m", at(0)), Some(0));
        assert_eq!(rate.admit("E", "m", at(1)), None);
        assert_eq!(rate.admit("E", "m", at(299)), None);
        assert_eq!(rate.admit("F", "m", at(299)), Some(0));
        assert_eq!(rate.admit("E", "m", at(300)), Some(2));
        assert_eq!(
            rate.admit("E", "m", at(599)),
            None,
            "counted from the last sent"
        );
    }

    #[test]
    fn another_message_starts_anew() {
        let mut rate = Rate::default();
        assert_eq!(rate.admit("E", "one", at(0)), Some(0));
        assert_eq!(rate.admit("E", "one", at(1)), None);
        assert_eq!(rate.admit("E", "two", at(2)), Some(1));
        assert_eq!(rate.admit("E", "one", at(3)), Some(0));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_back() {
        let mut rate = Rate::default();
        assert_eq!(rate.admit("E", "m", at(9_000)), Some(0));
        assert_eq!(rate.admit("E", "m", at(0)), Some(0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut rate = Rate::default();
        for n in 0..2_000 {
            rate.admit(&n.to_string(), "m", at(n));
        }
        assert_eq!(rate.last.len(), MOST_CLASSES);
        assert_eq!(rate.admit("1999", "m", at(2_000)), None);
    }
}
