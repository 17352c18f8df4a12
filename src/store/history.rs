//! What was: runs by job, time and outcome.

use std::ops::ControlFlow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::types::{ToSql, Type};
use rusqlite::{OptionalExtension, Row, params_from_iter};

use super::{Error, Owner, Store, micros};
use crate::run::{Cause, Ended, Outcome, Run, RunError, RunId};

/// How many runs back a streak is counted.
const LONGEST_STREAK: u32 = 1_000;

/// How many runs are read at once, with all they left. Meanwhile nobody takes them: a reader that
/// stands still would keep the writer's log of changes growing.
const BATCH: usize = 100;

/// Which runs are asked for: those to which everything given here applies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of one of these jobs; empty for any.
    pub jobs: Vec<String>,
    /// Not before.
    pub since: Option<DateTime<Utc>>,
    /// Not after.
    pub until: Option<DateTime<Utc>>,
    /// Ended in one of these ways; empty for any, also those that are going on.
    pub outcomes: Vec<Outcome>,
    /// Going on.
    pub going_on: bool,
    /// Of this fire time.
    pub fire_time: Option<DateTime<Utc>>,
    /// With a name between these two, both included.
    pub ids: Option<(RunId, RunId)>,
}

/// One run of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was known when it began. Of a fire that did not run, `started` is its fire time.
    pub run: Run,
    /// How it ended; `None` while it is going on.
    pub ended: Option<Ended>,
    /// How long it took, where it ran and anybody saw its end.
    pub took: Option<Duration>,
    /// The process that carries it out, where that is not the watcher's.
    pub owner: Option<Owner>,
}

impl Entry {
    /// The same; where its process is gone, nobody has written down its end, and it was
    /// interrupted. `watched` says whether there is a watcher.
    #[must_use]
    pub fn settled(mut self, watched: bool) -> Self {
        let goes_on = || self.owner.as_ref().map_or(watched, Owner::is_alive);
        if self.ended.is_none() && !goes_on() {
            self.ended = Some(Ended::of(Outcome::Interrupted));
        }
        self
    }
}

/// All columns of a run.
pub(super) const WHOLE: &str = "id, name, cause, fire_time, attempt, started, outcome, took,
    exit_code, signal, returned, error_type, error_message, error_traceback, stdout, stderr, owner";

/// The same without texts that may be long.
const HEAD: &str = "id, name, cause, fire_time, attempt, started, outcome, took,
    exit_code, signal, NULL, error_type, NULL, NULL, NULL, NULL, owner";

impl Store {
    /// Hands over the runs that `filter` asks for, newest first, until it is told to stop.
    ///
    /// # Errors
    /// Where SQLite says no, or what it holds is no run.
    pub fn each<B>(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Entry) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        let (mut before, mut stirred) = (None, None);
        loop {
            if stirred.is_none() {
                stirred = self.stirred()?;
            }
            let store = stirred.as_ref().unwrap_or(self);
            let runs = store.select(WHOLE, filter, before, BATCH)?;
            let is_last = runs.len() < BATCH;
            before = runs.last().map(|entry| entry.run.id);
            for entry in runs {
                if let ControlFlow::Break(answer) = take(entry) {
                    return Ok(Some(answer));
                }
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// The runs that `filter` asks for, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where SQLite says no, or what it holds is no run.
    pub fn runs(&self, filter: &Filter, limit: usize) -> Result<Vec<Entry>, Error> {
        self.select(WHOLE, filter, None, limit)
    }

    /// The same without what they returned, wrote, and said of an error besides its class: many
    /// runs may have left more than fits into memory.
    ///
    /// # Errors
    /// Where SQLite says no, or what it holds is no run.
    pub fn heads(&self, filter: &Filter, limit: usize) -> Result<Vec<Entry>, Error> {
        self.select(HEAD, filter, None, limit)
    }

    /// These columns of at most `limit` runs that `filter` asks for, before another one.
    fn select(
        &self,
        columns: &str,
        filter: &Filter,
        before: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let (sql, mut values) = filter.query(columns, before);
        values.push(boxed(i64::try_from(limit).unwrap_or(i64::MAX)));
        let read = || {
            let mut query = self.connection.prepare(&sql)?;
            let runs = query.query_map(params_from_iter(values), entry)?;
            runs.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|source| self.error(source))
    }

    /// With how many characters the name of a run has to be written to mean no other run.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn distinct(&self, id: RunId) -> Result<usize, Error> {
        let alike = |sql: &str| -> rusqlite::Result<usize> {
            let mut query = self.cached(sql)?;
            let beside = query
                .query_row([id.to_bytes()], |row| row.get(0))
                .optional()?;
            Ok(beside.map_or(0, |beside| id.alike(RunId::from_bytes(beside))))
        };
        // Names sort as they begin, so none is more alike than those beside it.
        let read = || {
            let before = alike("SELECT id FROM runs WHERE id < ?1 ORDER BY id DESC LIMIT 1")?;
            let after = alike("SELECT id FROM runs WHERE id > ?1 ORDER BY id LIMIT 1")?;
            Ok((before.max(after) + 1).min(id.to_string().len()))
        };
        read().map_err(|source| self.error(source))
    }

    /// The names of all jobs that were ever seen, in order.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn jobs(&self) -> Result<Vec<String>, Error> {
        let read = || {
            let mut query = self
                .connection
                .prepare("SELECT name FROM jobs ORDER BY name")?;
            let names = query.query_map([], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|source| self.error(source))
    }

    /// In how many of its last runs a job did as well, or as badly, as in the last one.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn streak(&self, job: &str) -> Result<u32, Error> {
        let count = || {
            let mut query = self.cached(
                "SELECT outcome = 'success' FROM runs JOIN jobs ON jobs.key = runs.job
                 WHERE name = ?1 AND outcome IN ('success', 'failure', 'timeout', 'killed')
                 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = query.query_map((job, LONGEST_STREAK), |row| row.get(0))?;
            let results: rusqlite::Result<Vec<bool>> = rows.collect();
            let results = results?;
            let alike = results
                .iter()
                .take_while(|one| Some(*one) == results.first());
            Ok(u32::try_from(alike.count()).unwrap_or(LONGEST_STREAK))
        };
        count().map_err(|source| self.error(source))
    }
}

impl Filter {
    /// The query for these columns of those before a run, and the values for its question marks
    /// but the last, which is for how many.
    pub(super) fn query(
        &self,
        columns: &str,
        before: Option<RunId>,
    ) -> (String, Vec<Box<dyn ToSql>>) {
        let (conditions, values) = self.conditions(before);
        let sql = format!(
            "SELECT {columns} FROM runs CROSS JOIN jobs ON jobs.key = runs.job {conditions}
             ORDER BY id DESC LIMIT ?"
        );
        (sql, values)
    }

    /// The `WHERE` of it for those before a run, and the values for its question marks.
    pub(super) fn conditions(&self, before: Option<RunId>) -> (String, Vec<Box<dyn ToSql>>) {
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut conditions = Vec::new();
        if let Some((condition, names)) = self.of_jobs() {
            conditions.push(condition);
            values.push(boxed(names));
        }
        if !self.outcomes.is_empty() {
            conditions.push(format!("outcome IN ({})", marks(self.outcomes.len())));
            values.extend(self.outcomes.iter().map(|one| boxed(one.word())));
        }
        if self.going_on {
            conditions.push("outcome IS NULL".to_owned());
        }
        if let Some(fire_time) = self.fire_time {
            conditions.push("fire_time = ?".to_owned());
            values.push(boxed(micros(fire_time)));
        }
        let since = self.since.map(|since| RunId::new(since, 0));
        let until = self.until.map(|until| RunId::new(until, u128::MAX));
        let (first, last) = self.ids.unzip();
        for (sign, bound) in [
            (">=", since),
            ("<=", until),
            (">=", first),
            ("<=", last),
            ("<", before),
        ] {
            if let Some(bound) = bound {
                conditions.push(format!("id {sign} ?"));
                values.push(boxed(bound.to_bytes()));
            }
        }
        if conditions.is_empty() {
            return (String::new(), values);
        }
        (format!("WHERE {}", conditions.join(" AND ")), values)
    }

    /// The condition for the jobs, and the value for its question mark.
    fn of_jobs(&self) -> Option<(String, String)> {
        let (one_of, names) = match &self.jobs[..] {
            [] => return None,
            [name] => ("= (SELECT key FROM jobs WHERE name = ?)", name.clone()),
            // They may be more than a query can have question marks.
            names => (
                "IN (SELECT key FROM jobs WHERE name IN (SELECT value FROM json_each(?)))",
                serde_json::Value::from(names).to_string(),
            ),
        };
        // Of one job, an index has the runs in order. Those of many jobs would have to be sorted,
        // and another index has the few that are going on: `+` keeps SQLite from that of the jobs.
        let takes_index = self.jobs.len() == 1 && !self.going_on;
        let plus = if takes_index { "" } else { "+" };
        Some((format!("{plus}runs.job {one_of}"), names))
    }
}

fn boxed(value: impl ToSql + 'static) -> Box<dyn ToSql> {
    Box::new(value)
}

/// So many question marks.
fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Reads one row of [`WHOLE`] or [`HEAD`].
fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let run = Run {
        id: RunId::from_bytes(row.get(0)?),
        job: row.get(1)?,
        cause: word(row, 2, Cause::named)?,
        scheduled_for: row
            .get::<_, Option<i64>>(3)?
            .and_then(DateTime::from_timestamp_micros),
        attempt: row.get(4)?,
        started: DateTime::from_timestamp_micros(row.get(5)?).unwrap_or_default(),
    };
    let took: Option<i64> = row.get(7)?;
    let took = took.map(|took| Duration::from_nanos(u64::try_from(took).unwrap_or(0)));
    let ended = match row.get_ref(6)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(ended(row, took)?),
    };
    let owner: Option<String> = row.get(16)?;
    Ok(Entry {
        run,
        ended,
        took,
        owner: owner.map(Owner::of),
    })
}

fn ended(row: &Row<'_>, took: Option<Duration>) -> rusqlite::Result<Ended> {
    let text = |index| -> rusqlite::Result<String> {
        Ok(row.get::<_, Option<String>>(index)?.unwrap_or_default())
    };
    let class: Option<String> = row.get(11)?;
    let error = class.map(|class| -> rusqlite::Result<RunError> {
        Ok(RunError {
            class,
            message: text(12)?,
            traceback: text(13)?,
        })
    });
    Ok(Ended {
        outcome: word(row, 6, Outcome::named)?,
        exit_code: row.get(8)?,
        signal: row.get(9)?,
        returned: row.get(10)?,
        error: error.transpose()?,
        stdout: text(14)?,
        stderr: text(15)?,
        took: took.unwrap_or_default(),
    })
}

/// Reads a word of a closed set.
fn word<T>(row: &Row<'_>, index: usize, named: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word: String = row.get(index)?;
    named(&word).ok_or_else(|| {
        let why = format!("`{word}` is no word of sched");
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, why.into())
    })
}
