//! What is remembered of jobs from one start of the scheduler to the next.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::{Error, Store, micros};
use crate::job::{Memory, Seen};

/// What is remembered of configured jobs.
const CONFIGURED: &str = r#"SELECT name, "trigger", "call", anchor, since, settled FROM jobs
    WHERE "trigger" IS NOT NULL AND "call" IS NOT NULL"#;

impl Store {
    /// What is remembered of every configured job.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn memories(&self) -> Result<Vec<Memory>, Error> {
        let read = || {
            let mut query = self.cached(CONFIGURED)?;
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
    /// What is known already is not written again: a reload mostly changes few of many jobs.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn remember(&self, jobs: &[Seen], faulty: &[String]) -> Result<(), Error> {
        let remember = || {
            let (known, gone) = self.compare(jobs, faulty)?;
            gone.iter().try_for_each(|old| self.forget(old))?;
            let news = jobs.iter().filter(|seen| !known.contains(&*seen.job.name));
            news.map(Seen::memory)
                .try_for_each(|memory| self.keep(&memory))
        };
        remember().map_err(|source| self.error(source))
    }

    /// Remembers the jobs in `news` as they are now, and of those in `gone` no more than their runs
    /// and their fired dates.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn amend(&self, news: &[Seen], gone: &[String]) -> Result<(), Error> {
        let amend = || {
            gone.iter().try_for_each(|name| self.forget(name))?;
            let mut news = news.iter().map(Seen::memory);
            news.try_for_each(|memory| self.keep(&memory))
        };
        amend().map_err(|source| self.error(source))
    }

    /// The names of those of `jobs` that are remembered as they are, and the names of the jobs
    /// that are remembered and neither among them nor faulty.
    fn compare<'a>(
        &self,
        jobs: &'a [Seen],
        faulty: &[String],
    ) -> rusqlite::Result<(HashSet<&'a str>, Vec<String>)> {
        let named = jobs.iter().map(|seen| (seen.job.name.as_str(), seen));
        let named: HashMap<&str, &Seen> = named.collect();
        let faulty: HashSet<&str> = faulty.iter().map(String::as_str).collect();
        let (mut known, mut gone) = (HashSet::new(), Vec::new());
        let mut query = self.cached(CONFIGURED)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            match named.get_key_value(name) {
                Some((&name, seen)) => {
                    if memory(row)?.is_some_and(|old| is_same(&old, &seen.memory())) {
                        known.insert(name);
                    }
                }
                None if faulty.contains(name) => {}
                None => gone.push(name.to_owned()),
            }
        }
        Ok((known, gone))
    }

    fn forget(&self, job: &str) -> rusqlite::Result<()> {
        let sql = r#"UPDATE jobs SET "trigger" = NULL, "call" = NULL, anchor = NULL, since = NULL,
                     settled = NULL, waiting = NULL WHERE name = ?1"#;
        self.cached(sql)?.execute([job])?;
        Ok(())
    }

    /// Remembers one job; its last fire only where its trigger is the same. Then what was earlier
    /// stays, too: where the file could not be read at the start, nobody knew of it.
    fn keep(&self, memory: &Memory) -> rusqlite::Result<()> {
        let sql = r#"INSERT INTO jobs (name, "trigger", "call", anchor, since)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (name) DO UPDATE SET
                         settled = CASE WHEN "trigger" IS excluded."trigger" THEN settled END,
                         waiting = CASE WHEN "trigger" IS excluded."trigger" THEN waiting END,
                         "trigger" = excluded."trigger", "call" = excluded."call",
                         anchor = CASE WHEN "trigger" IS excluded."trigger"
                             THEN min(anchor, excluded.anchor) ELSE excluded.anchor END,
                         since = CASE WHEN "trigger" IS excluded."trigger"
                                 AND since < excluded.since
                             THEN since ELSE excluded.since END"#;
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

/// Whether both say the same, up to the microseconds that are written.
fn is_same(old: &Memory, new: &Memory) -> bool {
    let times = |memory: &Memory| (micros(memory.anchor), memory.since.map(micros));
    old.trigger == new.trigger && old.call == new.call && times(old) == times(new)
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
