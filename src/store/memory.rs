//! What is remembered of jobs from one start of the scheduler to the next.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::{Error, Store, micros};
use crate::job::Memory;

impl Store {
    /// What is remembered of every configured job.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn memories(&self) -> Result<Vec<Memory>, Error> {
        let read = || {
            let mut query = self.cached(
                r#"SELECT name, "trigger", "call", anchor, since, settled FROM jobs
                   WHERE "trigger" IS NOT NULL AND "call" IS NOT NULL"#,
            )?;
            let rows = query.query_map([], memory)?;
            rows.filter_map(Result::transpose)
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(|source| self.error(source))
    }

    /// The fire times of a job after `after` that have a record, in order; of those later than
    /// `now`, which a clock that went wrong has brought, only those that have run.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn recorded(
        &self,
        job: &str,
        after: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, Error> {
        let read = || {
            let mut query = self.cached(
                "SELECT DISTINCT fire_time FROM runs JOIN jobs ON jobs.key = job
                 WHERE name = ?1 AND fire_time > ?2
                     AND (fire_time <= ?3 OR outcome IS NOT 'coalesced' AND outcome IS NOT 'missed')
                 ORDER BY fire_time",
            )?;
            let rows = query.query_map(params![job, micros(after), micros(now)], |row| {
                row.get::<_, i64>(0)
            })?;
            let rows: rusqlite::Result<Vec<i64>> = rows.collect();
            let times = rows?
                .into_iter()
                .filter_map(DateTime::from_timestamp_micros);
            Ok(times.collect())
        };
        read().map_err(|source| self.error(source))
    }

    /// Remembers these jobs, and of others no more than their runs and their fired dates. Those
    /// called as in `faulty` keep what is remembered of them.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn remember(&self, jobs: &[Memory], faulty: &[String]) -> Result<(), Error> {
        let names = jobs.iter().map(|memory| &memory.job).chain(faulty);
        let names: HashSet<&str> = names.map(String::as_str).collect();
        let remember = || {
            for old in self.configured()? {
                if !names.contains(old.as_str()) {
                    self.forget(&old)?;
                }
            }
            jobs.iter().try_for_each(|memory| self.keep(memory))
        };
        remember().map_err(|source| self.error(source))
    }

    fn configured(&self) -> rusqlite::Result<Vec<String>> {
        let mut query = self.cached(r#"SELECT name FROM jobs WHERE "trigger" IS NOT NULL"#)?;
        let names = query.query_map([], |row| row.get(0))?;
        names.collect()
    }

    fn forget(&self, job: &str) -> rusqlite::Result<()> {
        let sql = r#"UPDATE jobs SET "trigger" = NULL, "call" = NULL, anchor = NULL, since = NULL,
                     settled = NULL WHERE name = ?1"#;
        self.cached(sql)?.execute([job])?;
        Ok(())
    }

    /// Remembers one job; its last fire only where its trigger is the same.
    fn keep(&self, memory: &Memory) -> rusqlite::Result<()> {
        let sql = r#"INSERT INTO jobs (name, "trigger", "call", anchor, since)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (name) DO UPDATE SET
                         settled = CASE WHEN "trigger" IS excluded."trigger" THEN settled END,
                         "trigger" = excluded."trigger", "call" = excluded."call",
                         anchor = excluded.anchor, since = excluded.since"#;
        self.cached(sql)?.execute(params![
            memory.job,
            memory.trigger,
            memory.call,
            micros(memory.anchor),
            memory.since.map(micros),
        ])?;
        Ok(())
    }
}

/// One row; `None` where its anchor is no time.
fn memory(row: &Row<'_>) -> rusqlite::Result<Option<Memory>> {
    let time = |index| -> rusqlite::Result<Option<DateTime<Utc>>> {
        let micros: Option<i64> = row.get(index)?;
        Ok(micros.and_then(DateTime::from_timestamp_micros))
    };
    let Some(anchor) = time(3)? else {
        return Ok(None);
    };
    Ok(Some(Memory {
        job: row.get(0)?,
        trigger: row.get(1)?,
        call: row.get(2)?,
        anchor,
        since: time(4)?,
        settled: time(5)?,
    }))
}
