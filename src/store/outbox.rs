//! Mails that wait for their server, and the jobs of whose failures somebody knows.
//!
//! Several processes may send at once: each mail is claimed by one of them.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Row, params};

use super::runs::Owner;
use super::{Error, Store, micros};
use crate::run::RunId;

/// How many mails may wait, and how many bytes.
const MOST: i64 = 1_000;
const MOST_BYTES: i64 = 16 << 20;

/// How long a mail is tried.
const LONGEST: TimeDelta = TimeDelta::days(3);

/// A mail to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its name, by which nobody takes it for another one.
    pub id: RunId,
    /// The address.
    pub recipient: String,
    /// What it is about, one line.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub written: DateTime<Utc>,
}

/// A mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How often it was tried.
    pub tries: u32,
    /// The mail.
    pub mail: Mail,
}

impl Store {
    /// Puts a mail into the outbox; gives whether there was room for it.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn post(&self, mail: &Mail) -> Result<bool, Error> {
        let post = || {
            let mut insert = self.cached(
                "INSERT INTO outbox (id, recipient, subject, body, written, due)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?5
                 WHERE (SELECT count(*) FROM outbox) < ?6
                 AND (SELECT coalesce(sum(octet_length(body)), 0) FROM outbox) < ?7",
            )?;
            insert.execute(params![
                mail.id.to_string(),
                mail.recipient,
                self.secrets.mask(&mail.subject),
                self.secrets.mask(&mail.body),
                micros(mail.written),
                MOST,
                MOST_BYTES
            ])
        };
        let posted = post().map_err(|source| self.error(source))?;
        Ok(posted > 0)
    }

    /// Claims the oldest mail that is due at `now` and that no other process is sending.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn claim_mail(&self, now: DateTime<Utc>) -> Result<Option<Waiting>, Error> {
        let this = Owner::this();
        let claim = || {
            while let Some((waiting, sender)) = self.unclaimed_mail(now, &this)? {
                // Only now that nothing is read any more: SQLite lets nobody go on from reading to
                // writing where another process has written meanwhile, however patient he is.
                let claimed = self
                    .cached("UPDATE outbox SET sender = ?2 WHERE id = ?1 AND sender IS ?3")?
                    .execute(params![waiting.mail.id.to_string(), this.as_str(), sender])?;
                if claimed > 0 {
                    return Ok(Some(waiting));
                }
            }
            Ok(None)
        };
        claim().map_err(|source| self.error(source))
    }

    /// The oldest mail that is due at `now` and that no other process than `this` is sending, and
    /// the process that was to send it.
    fn unclaimed_mail(
        &self,
        now: DateTime<Utc>,
        this: &Owner,
    ) -> rusqlite::Result<Option<(Waiting, Option<String>)>> {
        let mut due = self.cached(
            "SELECT id, recipient, subject, body, written, tries, sender FROM outbox
             WHERE due <= ?1 ORDER BY key",
        )?;
        let mut rows = due.query([micros(now)])?;
        while let Some(row) = rows.next()? {
            let sender: Option<String> = row.get(6)?;
            let is_other = |one: &Owner| one != this && one.is_alive();
            if sender.clone().map(Owner::of).as_ref().is_some_and(is_other) {
                continue;
            }
            let waiting = waiting(row)?;
            // One that is none of ours is left alone until it is too old.
            if waiting.mail.id.to_string() == row.get::<_, String>(0)? {
                return Ok(Some((waiting, sender)));
            }
        }
        Ok(None)
    }

    /// Moves all mails that wait here to another outbox, to be sent from there; gives how many
    /// found no room in it and are lost.
    ///
    /// # Errors
    /// Where SQLite says no; mails that were not moved by then stay.
    pub fn move_mails(&self, to: &Self) -> Result<usize, Error> {
        let mut lost = 0;
        while let Some(waiting) = self.claim_mail(DateTime::<Utc>::MAX_UTC)? {
            lost += usize::from(!to.post(&waiting.mail)?);
            self.settle_mail(&waiting)?;
        }
        Ok(lost)
    }

    /// Takes a mail out of the outbox: it is delivered, or never will be.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn settle_mail(&self, waiting: &Waiting) -> Result<(), Error> {
        let settle = || {
            // By its name: it may have been moved here from another file since it was claimed.
            self.cached("DELETE FROM outbox WHERE id = ?1")?
                .execute([waiting.mail.id.to_string()])
        };
        settle().map(drop).map_err(|source| self.error(source))
    }

    /// Lets a mail that was tried in vain wait until `due`, and all others at least as long where
    /// the server is to blame.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn put_off_mail(
        &self,
        waiting: &Waiting,
        due: DateTime<Utc>,
        others: bool,
    ) -> Result<(), Error> {
        let put_off = || {
            self.cached(
                "UPDATE outbox SET tries = tries + 1, due = ?2, sender = NULL WHERE id = ?1",
            )?
            .execute(params![waiting.mail.id.to_string(), micros(due)])?;
            if others {
                self.cached("UPDATE outbox SET due = ?1 WHERE due < ?1")?
                    .execute([micros(due)])?;
            }
            Ok(())
        };
        put_off().map_err(|source| self.error(source))
    }

    /// When the next mail is due; `None` where none waits.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn next_mail(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let next = || {
            self.cached("SELECT min(due) FROM outbox")?
                .query_row([], |row| row.get::<_, Option<i64>>(0))
        };
        let next = next().map_err(|source| self.error(source))?;
        Ok(next.and_then(DateTime::from_timestamp_micros))
    }

    /// Lets every mail be due at `now`, as when the program starts.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn hurry_mail(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let hurry = || {
            self.cached("UPDATE outbox SET due = ?1")?
                .execute([micros(now)])
        };
        hurry().map(drop).map_err(|source| self.error(source))
    }

    /// Takes out the mails that have waited too long at `now`, and gives them.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn expire_mail(&self, now: DateTime<Utc>) -> Result<Vec<Mail>, Error> {
        let oldest = now.checked_sub_signed(LONGEST).map_or(i64::MIN, micros);
        let expire = || {
            let mut delete = self.cached(
                "DELETE FROM outbox WHERE written < ?1
                 RETURNING id, recipient, subject, body, written, tries",
            )?;
            let rows = delete.query_map([oldest], waiting)?;
            let mails = rows.map(|row| row.map(|waiting| waiting.mail));
            mails.collect::<rusqlite::Result<_>>()
        };
        expire().map_err(|source| self.error(source))
    }
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let id: String = row.get(0)?;
    let (id, _) = RunId::beginning_with(&id).unwrap_or_else(|| {
        // Somebody else wrote it.
        let none = RunId::from_bytes([0; 16]);
        (none, none)
    });
    Ok(Waiting {
        tries: row.get(5)?,
        mail: Mail {
            id,
            recipient: row.get(1)?,
            subject: row.get(2)?,
            body: row.get(3)?,
            written: DateTime::from_timestamp_micros(row.get(4)?).unwrap_or_default(),
        },
    })
}
