//! What was mailed of errors and of jobs that fail, for all processes.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::{Error, Store, micros};

/// How many classes of errors are remembered, those of each job apart.
const MOST_CLASSES: i64 = 1_000;

/// The last mail about a class of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMail {
    /// A digest of its message.
    pub message: u64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How many were held back since.
    pub held_back: u64,
}

impl Store {
    /// Lets `decide` see the last mails about two classes, given by their digests, and remembers
    /// what it makes of them. No other process decides meanwhile, and what `decide` writes into the
    /// store is written together with that, or not at all.
    ///
    /// # Errors
    /// Where SQLite says no, or `decide` does.
    pub fn decide_mail<T>(
        &self,
        classes: [u64; 2],
        decide: impl FnOnce(&mut [Option<LastMail>; 2]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let [one, other] = classes.map(u64::cast_signed);
        let read = |class| self.last_mail(class).map_err(|source| self.error(source));
        self.transact(|| {
            let before = [read(one)?, read(other)?];
            let mut last = before;
            let decided = decide(&mut last)?;
            for ((class, before), last) in [one, other].into_iter().zip(before).zip(last) {
                if let Some(last) = last.filter(|last| before != Some(*last)) {
                    let remembered = self.remember_mail(class, last, before.is_none());
                    remembered.map_err(|source| self.error(source))?;
                }
            }
            Ok(decided)
        })
    }

    /// Whether the failure of a job is known by mail.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn is_mailed(&self, job: &str) -> Result<bool, Error> {
        let is_mailed = || {
            self.cached("SELECT 1 FROM mailed JOIN jobs ON jobs.key = mailed.job WHERE name = ?1")?
                .exists([job])
        };
        is_mailed().map_err(|source| self.error(source))
    }

    /// Notes at `now` that the failure of a job is mailed.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn note_mailed(&self, job: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let note = || {
            let job = self.key_of(job)?;
            self.cached("INSERT INTO mailed (job, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute(params![job, micros(now)])
        };
        note().map(drop).map_err(|source| self.error(source))
    }

    /// Lets `tell` see since when the job's failure is known by mail, if it is; from now on it is
    /// not. What `tell` writes into the store is written together with that, or not at all.
    ///
    /// # Errors
    /// Where SQLite says no, or `tell` does.
    pub fn take_mailed<T>(
        &self,
        job: &str,
        tell: impl FnOnce(Option<DateTime<Utc>>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        // Most jobs succeed after a success: to look keeps nobody waiting.
        if !self.is_mailed(job)? {
            return Ok(None);
        }
        self.transact(|| {
            let since = self.forget_mailed(job);
            let since = since.map_err(|source| self.error(source))?;
            since
                .map(|since| tell(DateTime::from_timestamp_micros(since)))
                .transpose()
        })
    }

    /// Since when it was.
    fn forget_mailed(&self, job: &str) -> rusqlite::Result<Option<i64>> {
        self.cached(
            "DELETE FROM mailed WHERE job = (SELECT key FROM jobs WHERE name = ?1)
             RETURNING since",
        )?
        .query_row([job], |row| row.get(0))
        .optional()
    }

    /// Does something that no other process can come between, all of it or nothing.
    fn transact<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.begin_transaction()?;
        let done = work().and_then(|done| self.commit().map(|()| done));
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    fn last_mail(&self, class: i64) -> rusqlite::Result<Option<LastMail>> {
        self.cached("SELECT message, at, held_back FROM last_mails WHERE class = ?1")?
            .query_row([class], |row| {
                Ok(LastMail {
                    message: row.get::<_, i64>(0)?.cast_unsigned(),
                    at: DateTime::from_timestamp_micros(row.get(1)?).unwrap_or_default(),
                    held_back: row.get::<_, i64>(2)?.try_into().unwrap_or_default(),
                })
            })
            .optional()
    }

    fn remember_mail(&self, class: i64, last: LastMail, is_new: bool) -> rusqlite::Result<()> {
        let held_back = i64::try_from(last.held_back).unwrap_or(i64::MAX);
        let message = last.message.cast_signed();
        self.cached(
            "INSERT INTO last_mails (class, message, at, held_back) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (class) DO UPDATE SET
             message = excluded.message, at = excluded.at, held_back = excluded.held_back",
        )?
        .execute(params![class, message, micros(last.at), held_back])?;
        if is_new {
            self.cached(
                "DELETE FROM last_mails WHERE class NOT IN
                 (SELECT class FROM last_mails ORDER BY at DESC LIMIT ?1)",
            )?
            .execute([MOST_CLASSES])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::Place;

    #[test]
    fn what_was_mailed_is_remembered_by_the_next_process_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().join("state"), Path::new("/srv/config.yml"));
        let mail = |second| LastMail {
            message: u64::MAX,
            at: DateTime::from_timestamp(second, 0).unwrap(),
            held_back: 3,
        };
        let store = Store::join(&place).unwrap();
        for second in 0..1_100 {
            let class = u64::MAX - second;
            let set = |last: &mut [Option<LastMail>; 2]| {
                last[1] = Some(mail(second.cast_signed()));
                Ok(())
            };
            store.decide_mail([0, class], set).unwrap();
        }
        let store = Store::join(&place).unwrap();
        let of = |second: u64| {
            let classes = [u64::MAX - second, 0];
            store.decide_mail(classes, |last| Ok(last[0])).unwrap()
        };
        assert_eq!(of(1_099), Some(mail(1_099)));
        assert_eq!(of(100), Some(mail(100)));
        assert_eq!(of(99), None, "the oldest are forgotten");
    }
}
