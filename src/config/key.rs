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
    ("on_failure", "error handler"),
    ("retry", "retries"),
    ("script", "command"),
    ("date", "run_date"),
];

/// Words that people write, and how what they mean is said here, which takes more than one key.
const PHRASES: &[(&str, &str)] = &[
    (
        "every",
        "write `type: interval` and, for example, `minutes: 5`",
    ),
    ("months", "write `type: cron` and `day: 1` for once a month"),
    (
        "years",
        "write `type: cron`, `month: 1` and `day: 1` for once a year",
    ),
    ("time", "write `type: cron`, `hour: 4` and `minute: 30`"),
    ("at", "write `type: cron`, `hour: 4` and `minute: 30`"),
    (
        "date",
        "write `type: date` and, for example, `run_date: 2026-12-24 18:00`",
    ),
    ("mailto", MAIL),
    ("email", MAIL),
];

const MAIL: &str = "write `error notification email` and `mail` beside `scheduler`";

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

/// The help line for an unknown key of a job where `allowed` are the keys that would do.
pub(super) fn way_out(unknown: &str, allowed: &[&'static str]) -> Option<String> {
    if has(SETTINGS, unknown) {
        let help = "it is a setting for all jobs: write it directly under `scheduler`";
        return Some(help.to_owned());
    }
    let phrase = || {
        let mut phrases = PHRASES.iter();
        let (_, phrase) = phrases.find(|(word, _)| same(word, &unknown.to_lowercase()))?;
        Some((*phrase).to_owned())
    };
    phrase().or_else(|| help(unknown, allowed))
}

/// The help line for an unknown key of `job defaults` where `allowed` are the keys that would do.
pub(super) fn way_out_of_defaults(unknown: &str, allowed: &[&'static str]) -> Option<String> {
    let in_vain = || {
        let help = "`job defaults` takes no such key: write it into each job";
        is_of_job(unknown).then(|| help.to_owned())
    };
    way_out(unknown, allowed).or_else(in_vain)
}

/// The help line for a setting that does not exist.
pub(super) fn way_out_of_settings(unknown: &str) -> Option<String> {
    if has(POLICY, unknown) || has(SURROUNDINGS, unknown) {
        let help = "it is a key of jobs: write it into one, or for all into `job defaults`";
        return Some(help.to_owned());
    }
    if is_of_job(unknown) {
        return Some("it is a key of jobs: write it into one".to_owned());
    }
    help(unknown, SETTINGS)
}

/// Whether it is a key of jobs that says nothing of when they are due.
pub(super) fn is_of_calls(name: &str) -> bool {
    let mut keys = [CALL, POLICY, SURROUNDINGS].into_iter();
    keys.any(|keys| has(keys, name))
}

fn is_of_job(name: &str) -> bool {
    let mut keys = [CALL, BOUNDS, INTERVAL, CRON, DATE, &["type", "triggers"]].into_iter();
    keys.any(|keys| has(keys, name))
}

fn has(keys: &[&str], name: &str) -> bool {
    keys.iter().any(|key| same(key, name))
}

/// What to do with a key that has no effect.
pub(super) fn instead(ignored: &str) -> &'static str {
    match ignored {
        "execute_on_setup" => "write `run_at_start: true` for a run when `watch` starts",
        "auto_execute_late_job" => "`misfire_grace_time` says how late a job may run",
        "name" => {
            "a text behind the function tells jobs apart: `test.heartbeat nightly:`; remove it"
        }
        "next_run_time" => "`start_date` says when a job begins",
        _ => "it belongs to APScheduler's own stores and executors; remove it",
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

    #[test]
    fn a_key_in_the_wrong_place_and_a_likely_word_are_told_where_they_belong() {
        let job = [CALL, POLICY, SURROUNDINGS, CRON].concat();
        for (word, told) in [
            ("log level", "directly under `scheduler`"),
            ("retry", "did you mean `retries`?"),
            ("every", "`type: interval`"),
            ("Time", "`hour: 4` and `minute: 30`"),
            ("date", "`type: date`"),
            ("mailto", "`error notification email`"),
            ("months", "`day: 1`"),
        ] {
            let help = way_out(word, &job).unwrap();
            assert!(help.contains(told), "{word}: {help}");
        }
        assert_eq!(way_out("colour", &job), None);
        let of_defaults = [POLICY, SURROUNDINGS].concat();
        let help = way_out_of_defaults("hour", &of_defaults).unwrap();
        assert!(help.contains("into each job"), "{help}");
        assert!(
            way_out_of_settings("retries")
                .unwrap()
                .contains("`job defaults`")
        );
        assert!(way_out_of_settings("hour").unwrap().ends_with("into one"));
        let near = way_out_of_settings("log levle").unwrap();
        assert_eq!(near, "did you mean `log level`?");
    }
}
