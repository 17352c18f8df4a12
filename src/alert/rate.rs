//! How often the same trouble is mailed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::digest;
use crate::run::RunError;
use crate::store::LastMail;

/// How long the same error is not mailed again.
const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// What tells one error from another: its class, the job and its message, as digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    class: u64,
    own: u64,
    pub(super) message: u64,
}

/// The last mails about a class of errors: about one of any job, and about one of the job's own.
pub(super) type Last = [Option<LastMail>; 2];

impl Key {
    pub(super) fn of(job: &str, error: &RunError) -> Self {
        let RunError { class, message, .. } = error;
        Self {
            class: digest(class.as_bytes()),
            own: digest(format!("{class}\0{job}").as_bytes()),
            message: digest(message.as_bytes()),
        }
    }

    /// By what each of the [`Last`] mails is remembered.
    pub(super) fn classes(&self) -> [u64; 2] {
        [self.class, self.own]
    }
}

/// Whether an error that occurred `times` times may be mailed at `now`; if so, how many of its
/// class were held back since the last mail. `last` becomes what is to be remembered.
///
/// The same class with the same message is mailed at most once in five minutes, counted from the
/// last mail. Another message of that class starts anew, but not where it is that of another job.
/// A job that `begins` to fail is mailed also where another one has failed alike.
pub(super) fn admit(
    last: &mut Last,
    message: u64,
    times: u64,
    begins: bool,
    now: DateTime<Utc>,
) -> Option<u64> {
    let is_same = |last: &LastMail| {
        // Where the clock was set back, nobody knows how long ago it was.
        let is_recent = last.at <= now && now - last.at < PAUSE;
        is_recent && last.message == message
    };
    let [of_any, own] = last;
    if own.as_ref().is_some_and(is_same) || !begins && of_any.as_ref().is_some_and(is_same) {
        if let Some(last) = of_any {
            last.held_back = last.held_back.saturating_add(times);
        }
        return None;
    }
    let held_back = of_any.map_or(0, |last| last.held_back);
    *last = [Some(LastMail {
        message,
        at: now,
        // One mail speaks for all of them.
        held_back: times.saturating_sub(1),
    }); 2];
    Some(held_back)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    /// What is decided of the errors of one job at each of these seconds.
    fn admitted(errors: &[(u64, i64)]) -> Vec<Option<u64>> {
        let mut last = Last::default();
        let errors = errors.iter();
        errors
            .map(|(message, second)| admit(&mut last, *message, 1, false, at(*second)))
            .collect()
    }

    /// In which of these seconds two jobs, one after the other, are mailed that fail every second
    /// with these messages.
    fn mailed(messages: [u64; 2], seconds: std::ops::Range<i64>) -> [Vec<i64>; 2] {
        let (mut of_any, mut own, mut mailed) = (None, [None; 2], [vec![], vec![]]);
        for second in seconds {
            for (job, message) in messages.into_iter().enumerate() {
                let mut last = [of_any, own[job]];
                let begins = mailed[job].is_empty();
                if admit(&mut last, message, 1, begins, at(second)).is_some() {
                    mailed[job].push(second);
                }
                [of_any, own[job]] = last;
            }
        }
        mailed
    }

    #[test]
    fn every_job_that_begins_to_fail_is_mailed_and_then_one_speaks_for_all() {
        assert_eq!(mailed([7, 7], 0..601), [vec![0, 300, 600], vec![0]]);
    }

    #[test]
    fn jobs_that_alternate_are_mailed_once_in_five_minutes_each() {
        let each = vec![0, 300, 600];
        assert_eq!(mailed([1, 2], 0..601), [each.clone(), each]);
    }

    #[test]
    fn a_job_that_comes_and_goes_does_not_begin_each_time() {
        let mut last = Last::default();
        let mut mailed = |second| admit(&mut last, 7, 1, true, at(second));
        assert_eq!([0, 60, 299].map(&mut mailed), [Some(0), None, None]);
        assert_eq!(mailed(300), Some(2));
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
        let mut last = Last::default();
        assert_eq!(admit(&mut last, 1, 10, true, at(0)), Some(0));
        assert_eq!(admit(&mut last, 1, 5, false, at(1)), None);
        assert_eq!(admit(&mut last, 1, 1, false, at(300)), Some(14));
    }
}
