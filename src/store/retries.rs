//! What waits: attempts to be made again, and fires that an end kept from running.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Error, Store, micros};
use crate::run::{Retry, RunId};

impl Store {
    /// Writes down that the fire of a run is tried again at `due`.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn await_retry(&self, id: RunId, due: DateTime<Utc>) -> Result<(), Error> {
        let set = || {
            self.cached("UPDATE runs SET retry = ?2 WHERE id = ?1")?
                .execute(params![id.to_bytes(), micros(due)])
        };
        set().map(drop).map_err(|source| self.error(source))
    }

    /// Writes down that an attempt that waited is not made.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn give_up(&self, job: &str, retry: &Retry) -> Result<(), Error> {
        let clear = || self.clear_retry(self.key_of(job)?, retry.fire_time, retry.attempt);
        clear().map_err(|source| self.error(source))
    }

    /// The attempts that wait, with their jobs' names.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn retries(&self) -> Result<Vec<(String, Retry)>, Error> {
        let read = || {
            if !self.has_column("runs", "retry")? {
                return Ok(Vec::new());
            }
            let mut query = self.cached(
                "SELECT name, fire_time, attempt + 1, retry
                 FROM runs JOIN jobs ON jobs.key = runs.job
                 WHERE retry IS NOT NULL AND fire_time IS NOT NULL ORDER BY retry",
            )?;
            let rows = query.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            let rows: rusqlite::Result<Vec<(String, i64, u32, i64)>> = rows.collect();
            let retry = |(job, fire_time, attempt, due)| {
                let retry = Retry {
                    fire_time: DateTime::from_timestamp_micros(fire_time)?,
                    attempt,
                    due: DateTime::from_timestamp_micros(due)?,
                };
                Some((job, retry))
            };
            Ok(rows?.into_iter().filter_map(retry).collect())
        };
        read().map_err(|source| self.error(source))
    }

    /// Writes down the latest fire of a job that waits at the end.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn leave(&self, job: &str, fire_time: DateTime<Utc>) -> Result<(), Error> {
        let leave = || {
            self.cached("UPDATE jobs SET waiting = ?2 WHERE name = ?1")?
                .execute(params![job, micros(fire_time)])
        };
        leave().map(drop).map_err(|source| self.error(source))
    }

    /// The latest fires that waited when a watcher was asked to end, with their jobs' names.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn left_waiting(&self) -> Result<Vec<(String, DateTime<Utc>)>, Error> {
        let read = || {
            if !self.has_column("jobs", "waiting")? {
                return Ok(Vec::new());
            }
            let mut query =
                self.cached("SELECT name, waiting FROM jobs WHERE waiting IS NOT NULL")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows: rusqlite::Result<Vec<(String, i64)>> = rows.collect();
            let time = |(job, at)| Some((job, DateTime::from_timestamp_micros(at)?));
            Ok(rows?.into_iter().filter_map(time).collect())
        };
        read().map_err(|source| self.error(source))
    }

    /// Whether a table has a column: who only reads may find a file that no watcher has brought up
    /// to date.
    fn has_column(&self, table: &str, column: &str) -> rusqlite::Result<bool> {
        let mut known = self.cached("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?;
        known.exists([table, column])
    }

    /// Nobody waits any more for the attempt of that number at a fire.
    pub(super) fn clear_retry(
        &self,
        job: i64,
        fire_time: DateTime<Utc>,
        attempt: u32,
    ) -> rusqlite::Result<()> {
        self.cached(
            "UPDATE runs SET retry = NULL
             WHERE job = ?1 AND fire_time = ?2 AND attempt = ?3 - 1",
        )?
        .execute(params![job, micros(fire_time), attempt])?;
        Ok(())
    }
}
