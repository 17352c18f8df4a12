//! Writing runs down: that they begin, how they end, and which fires did not run.

use std::fs;

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{Begun, Error, Store, micros};
use crate::run::{Ended, KEPT_BYTES, Outcome, Recorded, Run, RunError, RunId};
use crate::secret::Secrets;

/// How many old records are forgotten at once: what begins meanwhile waits for that.
const PRUNED: u32 = 500;

/// The process that carries out a run by hand.
///
/// Its number alone would not tell: numbers are given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self(format!("{pid} {}", born(pid)))
    }

    /// The process that a stored text names.
    pub(super) fn of(text: String) -> Self {
        Self(text)
    }

    /// Its name as it is written down.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let Some((pid, birth)) = self.0.split_once(' ') else {
            return false;
        };
        let Ok(pid) = pid.parse::<u32>() else {
            return false;
        };
        let known = i32::try_from(pid).map(nix::unistd::Pid::from_raw);
        let is_there = |pid| nix::sys::signal::kill(pid, None) != Err(nix::errno::Errno::ESRCH);
        pid > 0 && born(pid) == birth && known.is_ok_and(is_there)
    }
}

/// When a process began, in a form that only serves to compare; empty where nobody says.
///
/// Source: `proc_pid_stat(5)`, field 22, and the boot to which it refers.
pub(super) fn born(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program, in parentheses, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_ascii_whitespace().nth(19);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    ticks.map_or_else(String::new, |ticks| format!("{ticks}@{}", boot.trim()))
}

impl Store {
    /// Writes down that a run begins. `once` for the fire time of a date; `settled` for what is to
    /// be remembered of its job, if anything is.
    ///
    /// Where the clock was set back, a fire may run that had come and gone without: then it has
    /// another record instead.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn begin(
        &self,
        run: &Run,
        once: bool,
        settled: Option<DateTime<Utc>>,
        owner: Option<&Owner>,
    ) -> Result<Recorded, Error> {
        let begun = || {
            let job = self.key_of(&run.job)?;
            if once && run.attempt == 1 && !self.mark_date(job, run.scheduled_for)? {
                return Ok(Recorded::Before);
            }
            let mut insert = self.cached(
                "INSERT INTO runs (id, job, cause, fire_time, attempt, started, owner)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (job, fire_time, attempt) DO UPDATE SET
                     id = excluded.id, cause = excluded.cause, started = excluded.started,
                     owner = excluded.owner, outcome = NULL
                 WHERE outcome IN ('coalesced', 'missed')",
            )?;
            let inserted = insert.execute(params![
                run.id.to_bytes(),
                job,
                run.cause.word(),
                run.scheduled_for.map(micros),
                run.attempt,
                micros(run.started),
                owner.map(|owner| &owner.0),
            ])?;
            if inserted == 0 {
                return Ok(Recorded::Before);
            }
            if let (Some(fire_time), 2..) = (run.scheduled_for, run.attempt) {
                self.clear_retry(job, fire_time, run.attempt)?;
            }
            self.settle(job, settled.filter(|_| run.attempt == 1))?;
            Ok(Recorded::Now)
        };
        begun().map_err(|source| self.error(source))
    }

    /// Writes down how a run ended: of one by hand also where somebody who did not see its process, as
    /// from within another container, took it for interrupted.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn end(&self, id: RunId, ended: &Ended) -> Result<(), Error> {
        let text = |text: &str| kept(text, &self.secrets);
        let error = ended.error.as_ref();
        let of_error = |field: fn(&RunError) -> &String| error.map(|error| text(field(error)));
        let end = || {
            let mut update = self.cached(
                "UPDATE runs SET outcome = ?2, took = ?3, exit_code = ?4, signal = ?5,
                     returned = ?6, error_type = ?7, error_message = ?8, error_traceback = ?9,
                     stdout = ?10, stderr = ?11
                 WHERE id = ?1
                     AND (outcome IS NULL
                         OR outcome = 'interrupted' AND took IS NULL AND owner IS NOT NULL)",
            )?;
            update.execute(params![
                id.to_bytes(),
                ended.outcome.word(),
                i64::try_from(ended.took.as_nanos()).unwrap_or(i64::MAX),
                ended.exit_code,
                ended.signal,
                ended.returned.as_deref().map(text),
                of_error(|error| &error.class),
                of_error(|error| &error.message),
                of_error(|error| &error.traceback),
                text(&ended.stdout),
                text(&ended.stderr),
            ])
        };
        end().map(drop).map_err(|source| self.error(source))
    }

    /// Writes down fires that do not run, in order of time: `outcome` says why. `settled` is to be
    /// remembered of their job.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn pass(
        &self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    ) -> Result<(), Error> {
        let pass = || {
            let job = self.key_of(job)?;
            let mut insert = self.cached(
                "INSERT INTO runs (id, job, cause, fire_time, attempt, started, outcome)
                 VALUES (?1, ?2, 'schedule', ?3, 1, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            for fire_time in fire_times {
                let id = RunId::new(*fire_time, fastrand::u128(..));
                let at = micros(*fire_time);
                insert.execute(params![id.to_bytes(), job, at, outcome.word()])?;
            }
            self.settle(job, Some(settled))
        };
        pass().map_err(|source| self.error(source))
    }

    /// Whether that attempt at a fire may run: [`Self::begin`] would say so, too.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn is_open(
        &self,
        job: &str,
        fire_time: DateTime<Utc>,
        attempt: u32,
        once: bool,
    ) -> Result<bool, Error> {
        let is_open = || {
            let mut query = self.cached(
                "SELECT NOT EXISTS (SELECT 1 FROM runs JOIN jobs ON jobs.key = job
                         WHERE name = ?1 AND fire_time = ?2 AND attempt = ?3
                             AND outcome IS NOT 'coalesced' AND outcome IS NOT 'missed')
                     AND NOT (?4 AND EXISTS (SELECT 1 FROM dates JOIN jobs ON jobs.key = job
                         WHERE name = ?1 AND fire_time = ?2))",
            )?;
            let marked = once && attempt == 1;
            query.query_row(params![job, micros(fire_time), attempt, marked], |row| {
                row.get(0)
            })
        };
        is_open().map_err(|source| self.error(source))
    }

    /// Takes note of how the watcher before this one ended: writes down the runs that it had begun
    /// as far as it did not, and records as interrupted what was going on. Gives the jobs and
    /// identifiers of these runs.
    ///
    /// To be called by the watcher alone, before it writes down anything that it begins.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn look_back<'a>(
        &self,
        begun: impl IntoIterator<Item = &'a Begun>,
    ) -> Result<Vec<(String, RunId)>, Error> {
        let mut begun = begun.into_iter();
        begun.try_for_each(|begun| self.make_up_for(begun))?;
        self.recover()
    }

    /// Writes down a run that had begun when its process died, unless that was written down.
    fn make_up_for(&self, begun: &Begun) -> Result<(), Error> {
        let Begun { run, once, settled } = begun;
        let mut known = self
            .cached("SELECT 1 FROM runs WHERE id = ?1")
            .map_err(|source| self.error(source))?;
        let known = known.exists([run.id.to_bytes()]);
        if !known.map_err(|source| self.error(source))? {
            self.begin(run, *once, Some(*settled), None)?;
        }
        Ok(())
    }

    /// Records as interrupted what was going on when its process died.
    fn recover(&self) -> Result<Vec<(String, RunId)>, Error> {
        let recover = || {
            let mut going = self.connection.prepare(
                "SELECT runs.key, name, id, owner FROM runs JOIN jobs ON jobs.key = job
                 WHERE outcome IS NULL ORDER BY id",
            )?;
            let rows = going.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            // Read to the end before anything is written; see `Store::claim_mail`.
            let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
            let mut dead = Vec::new();
            for row in rows {
                let (key, job, id, owner): (i64, String, [u8; 16], Option<String>) = row;
                if owner.is_some_and(|owner| Owner::of(owner).is_alive()) {
                    continue;
                }
                self.cached("UPDATE runs SET outcome = 'interrupted' WHERE key = ?1")?
                    .execute([key])?;
                dead.push((job, RunId::from_bytes(id)));
            }
            Ok(dead)
        };
        recover().map_err(|source| self.error(source))
    }

    /// Forgets some of the runs that began before `cutoff`, but none that waits to be tried again;
    /// gives whether there may be more.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn prune(&self, cutoff: DateTime<Utc>) -> Result<bool, Error> {
        let prune = || {
            let mut delete = self.cached(
                "DELETE FROM runs WHERE key IN (
                     SELECT key FROM runs WHERE id < ?1 AND outcome IS NOT NULL AND retry IS NULL
                     ORDER BY id LIMIT ?2)",
            )?;
            delete.execute(params![RunId::new(cutoff, 0).to_bytes(), PRUNED])
        };
        let forgotten = prune().map_err(|source| self.error(source))?;
        Ok(forgotten >= PRUNED as usize)
    }

    /// Begins a transaction: what follows is written all or not at all.
    pub(super) fn begin_transaction(&self) -> Result<(), Error> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.map_err(|source| self.error(source))
    }

    /// Ends a transaction; all of it is in the file.
    pub(super) fn commit(&self) -> Result<(), Error> {
        let done = self.connection.execute_batch("COMMIT");
        done.map_err(|source| self.error(source))
    }

    /// Ends a transaction that failed, unless SQLite has done so.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // Where this fails too, the next transaction says why.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// The key of a job, which is added where it is new.
    pub(super) fn key_of(&self, job: &str) -> rusqlite::Result<i64> {
        let mut known = self.cached("SELECT key FROM jobs WHERE name = ?1")?;
        let mut key = || known.query_row([job], |row| row.get(0));
        if let Some(key) = key().optional()? {
            return Ok(key);
        }
        // Another process may add it at the same time.
        self.cached("INSERT INTO jobs (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
            .execute([job])?;
        key()
    }

    /// Marks a date as fired; gives whether it had not been.
    fn mark_date(&self, job: i64, at: Option<DateTime<Utc>>) -> rusqlite::Result<bool> {
        let mut insert = self
            .cached("INSERT INTO dates (job, fire_time) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        Ok(insert.execute(params![job, at.map(micros)])? > 0)
    }

    /// Remembers up to where all fires of a job are decided.
    fn settle(&self, job: i64, settled: Option<DateTime<Utc>>) -> rusqlite::Result<()> {
        let Some(settled) = settled else {
            return Ok(());
        };
        self.cached("UPDATE jobs SET settled = ?2 WHERE key = ?1")?
            .execute(params![job, micros(settled)])?;
        Ok(())
    }

    pub(super) fn cached(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        Connection::prepare_cached(&self.connection, sql)
    }
}

/// The text without secrets, the last 64 KiB of it.
fn kept(text: &str, secrets: &Secrets) -> String {
    let masked = secrets.mask(text);
    let surplus = masked.len().saturating_sub(KEPT_BYTES);
    let whole = (surplus..=masked.len()).find(|at| masked.is_char_boundary(*at));
    masked[whole.unwrap_or_default()..].to_owned()
}
