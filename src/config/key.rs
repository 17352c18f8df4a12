//! The keys that a config may have, and what a wrong one was probably meant to be.

use std::borrow::Cow;

use crate::diagnostic::{did_you_mean, near};

/// The settings of the `scheduler` section.
pub(super) const SETTINGS: &[&str] = &[
    "log level",
    "log directory",
    "tasks directory",
    "python",
    "timezone",
    "error handler",
    "docassemble context",
    "preload",
    "max workers",
    "use docassemble database",
    "keep history",
    "recovery mail",
    "job defaults",
];

/// What a job calls, and what is said about it.
pub(super) const CALL: &[&str] = &[
    "args",
    "kwargs",
    "contextmanager",
    "error handler",
    "command",
    "description",
];

/// How the fires of a job are treated.
pub(super) const POLICY: &[&str] = &[
    "max_instances",
    "coalesce",
    "misfire_grace_time",
    "timeout",
    "retries",
    "retry_delay",
    "run_at_start",
    "enabled",
];

/// What surrounds a job's process.
pub(super) const SURROUNDINGS: &[&str] = &["environment", "environment file", "directory", "user"];

/// Keys of APScheduler and of docassemble.Scheduler that have no effect here.
pub(super) const IGNORED: &[&str] = &[
    "name",
    "next_run_time",
    "jobstore",
    "executor",
    "auto_execute_late_job",
    "execute_on_setup",
];

/// The keys of every trigger.
pub(super) const BOUNDS: &[&str] = &["start_date", "end_date", "timezone", "jitter"];

/// The keys of an interval.
pub(super) const INTERVAL: &[&str] = &["weeks", "days", "hours", "minutes", "seconds"];

/// The keys of a cron trigger, its fields in APScheduler's order.
pub(super) const CRON: &[&str] = &[
    "year",
    "month",
    "day",
    "week",
    "day_of_week",
    "hour",
    "minute",
    "second",
    "expression",
];

/// The keys of a `date` trigger.
pub(super) const DATE: &[&str] = &["run_date"];

/// Words that people write for a key of ours.
const SYNONYMS: &[(&str, &str)] = &[
    ("cmd", "command"),
    ("shell", "command"),
    ("cron", "expression"),
    ("crontab", "expression"),
    ("schedule", "expression"),
    ("dow", "day_of_week"),
    ("weekday", "day_of_week"),
    ("day-of-week", "day_of_week"),
    ("tz", "timezone"),
    ("zone", "timezone"),
    ("arguments", "args"),
    ("env", "environment"),
    ("cwd", "directory"),
    ("grace", "misfire_grace_time"),
    ("trigger", "type"),
    ("on_error", "error handler"),
];

/// Whether two keys are the same: a space and an underscore are.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let plain = |byte| if byte == b' ' { b'_' } else { byte };
    one.len() == other.len() && one.bytes().map(plain).eq(other.bytes().map(plain))
}

/// The form in which same keys are equal.
pub(super) fn canonical(key: &str) -> Cow<'_, str> {
    if key.contains(' ') {
        Cow::Owned(key.replace(' ', "_"))
    } else {
        Cow::Borrowed(key)
    }
}

/// The help line for an unknown key where `allowed` are the keys that would do.
pub(super) fn help(unknown: &str, allowed: &[&'static str]) -> Option<String> {
    let lower = unknown.to_lowercase();
    let is_meant = |name: &&&str| same(name, &lower);
    let synonym = SYNONYMS
        .iter()
        .find(|(word, _)| same(word, &lower))
        .map(|(_, key)| *key);
    let known = allowed.iter().find(is_meant).copied();
    if let Some(key) = synonym.filter(|key| allowed.contains(key)).or(known) {
        return did_you_mean(&[key]);
    }
    did_you_mean(&near(unknown, allowed.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_told_by_synonym_or_nearness() {
        assert_eq!(
            help("minuts", INTERVAL).as_deref(),
            Some("did you mean `minutes`?")
        );
        assert_eq!(
            help("dow", CRON).as_deref(),
            Some("did you mean `day_of_week`?")
        );
        assert_eq!(
            help("Day Of Week", CRON).as_deref(),
            Some("did you mean `day_of_week`?")
        );
        assert_eq!(help("dow", INTERVAL), None);
        assert_eq!(help("colour", CRON), None);
    }
}
