//! The record of a run, for programs.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::Serialize;

use crate::run::{Ended, Run, RunError};
use crate::store::Entry;
use crate::trigger::Zone;

/// One run as a JSON object; what does not apply is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record<'a> {
    run_id: String,
    job: &'a str,
    cause: &'static str,
    scheduled_for: Option<String>,
    started: Option<String>,
    finished: Option<String>,
    duration: Option<f64>,
    attempt: u32,
    outcome: Option<&'static str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    returned: Option<&'a str>,
    error: Option<Failure<'a>>,
    stdout: Option<&'a str>,
    stderr: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Failure<'a> {
    #[serde(rename = "type")]
    class: &'a str,
    message: &'a str,
    traceback: &'a str,
}

impl<'a> Record<'a> {
    /// The record of a run and, where it is over, of its end. Times have the zone's offset.
    #[must_use]
    pub fn new(run: &'a Run, ended: Option<&'a Ended>, zone: &Zone) -> Self {
        let time = |at: DateTime<Utc>, precision| zone.local(at).to_rfc3339_opts(precision, false);
        let finished = |ended: &Ended| {
            let took = TimeDelta::from_std(ended.took).unwrap_or(TimeDelta::MAX);
            // The history has it to the microsecond.
            let at = run
                .started
                .trunc_subsecs(6)
                .checked_add_signed(took)
                .unwrap_or(DateTime::<Utc>::MAX_UTC);
            time(at, SecondsFormat::Millis)
        };
        Self {
            run_id: run.id.to_string(),
            job: &run.job,
            cause: run.cause.word(),
            scheduled_for: run.scheduled_for.map(|at| time(at, SecondsFormat::Secs)),
            started: Some(time(run.started, SecondsFormat::Millis)),
            finished: ended.map(finished),
            duration: ended.map(|ended| seconds(ended.took)),
            attempt: run.attempt,
            outcome: ended.map(|ended| ended.outcome.word()),
            exit_code: ended.and_then(|ended| ended.exit_code),
            signal: ended.and_then(|ended| ended.signal),
            returned: ended.and_then(|ended| ended.returned.as_deref()),
            error: ended
                .and_then(|ended| ended.error.as_ref())
                .map(Failure::of),
            stdout: ended.map(|ended| ended.stdout.as_str()),
            stderr: ended.map(|ended| ended.stderr.as_str()),
        }
    }
}

impl<'a> Record<'a> {
    /// The record of a run of the history. Of a fire that did not run, and of an end that nobody
    /// saw, much does not apply.
    #[must_use]
    pub fn of(entry: &'a Entry, zone: &Zone) -> Self {
        let mut record = Self::new(&entry.run, entry.ended.as_ref(), zone);
        if entry.took.is_none() {
            record.finished = None;
            record.duration = None;
        }
        let has_run = |ended: &Ended| ended.outcome.has_run();
        if !entry.ended.as_ref().is_none_or(has_run) {
            record.started = None;
            record.stdout = None;
            record.stderr = None;
        }
        record
    }

    /// The same without what the task wrote.
    #[must_use]
    pub fn without_output(self) -> Self {
        Self {
            stdout: None,
            stderr: None,
            ..self
        }
    }
}

impl<'a> Failure<'a> {
    fn of(error: &'a RunError) -> Self {
        Self {
            class: &error.class,
            message: &error.message,
            traceback: &error.traceback,
        }
    }
}

/// Seconds, cut to the microsecond as in the store: a clock knows more, a reader does not.
fn seconds(took: Duration) -> f64 {
    Duration::new(took.as_secs(), took.subsec_micros() * 1_000).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Cause, Outcome, RunId};

    #[test]
    fn a_record_has_every_key_and_null_for_what_does_not_apply() {
        let at: DateTime<Utc> = "2026-11-24T14:30:12.418Z".parse().unwrap();
        let run = Run {
            id: RunId::new(at, 0),
            job: "test.heartbeat".to_owned(),
            cause: Cause::Manual,
            scheduled_for: None,
            started: at,
            attempt: 1,
        };
        let ended = Ended {
            outcome: Outcome::Success,
            exit_code: Some(0),
            signal: None,
            returned: None,
            error: None,
            stdout: String::new(),
            stderr: String::new(),
            took: Duration::from_millis(84),
        };
        let zone = Zone::named("America/New_York").unwrap();
        let text = serde_json::to_string(&Record::new(&run, Some(&ended), &zone)).unwrap();
        assert_eq!(
            text.split_once("\",").unwrap().1,
            r#""job":"test.heartbeat","cause":"manual","scheduled_for":null,"started":"2026-11-24T09:30:12.418-05:00","finished":"2026-11-24T09:30:12.502-05:00","duration":0.084,"attempt":1,"outcome":"success","exit_code":0,"signal":null,"returned":null,"error":null,"stdout":"","stderr":""}"#
        );
    }
}
