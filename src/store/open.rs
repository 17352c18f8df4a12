//! Opening the database: safely, also where it is damaged or in the way.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{Error, Filter, Place, Store, files};
use crate::secret::Secrets;

/// The steps of the schema; the number of those that a file has had is its `user_version`.
const SCHEMA: [&str; 5] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to try in that time what SQLite does not wait for.
const TRIES: u32 = 500;

/// Up to what length a log of changes may be left to whoever opens the database next, in bytes:
/// reading so much takes no time.
const SHORT_LOG: u64 = 256 * 1024;

/// How many bytes a database has at least, if it has any: a page.
const SHORTEST: u64 = 512;

/// A database that could not be used any more.
#[derive(Debug)]
pub struct Damage {
    error: Error,
    aside: PathBuf,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (error, aside) = (&self.error, self.aside.display());
        write!(f, "{error}; it was moved to {aside} and a new one begun")
    }
}

impl Store {
    /// Opens the database for its watcher, made where it is not there. A damaged one is moved
    /// aside, and a new one made.
    ///
    /// # Errors
    /// Where the folder or the file cannot be used, or is not private.
    pub fn open(place: &Place, now: DateTime<Utc>) -> Result<(Self, Option<Damage>), Error> {
        match Self::join(place) {
            Err(error) if error.is_damage() => {
                let (store, aside) = Self::replace(place, now)?;
                Ok((store, Some(Damage { error, aside })))
            }
            joined => joined.map(|store| (store, None)),
        }
    }

    /// Moves a damaged database aside and makes a new one; gives the new name of the old one.
    pub(super) fn replace(place: &Place, now: DateTime<Utc>) -> Result<(Self, PathBuf), Error> {
        let aside = move_aside(&place.database(), now)?;
        Ok((Self::join(place)?, aside))
    }

    /// Opens the database to write in it, beside its watcher; made where it is not there.
    ///
    /// # Errors
    /// Where the folder or the file cannot be used, is not private, or is damaged.
    pub fn join(place: &Place) -> Result<Self, Error> {
        let folder = files::folder(place.folder())?;
        let name = place.database();
        let path = folder.join(name.file_name().unwrap_or_default());
        let length = files::make(&path)?.len();
        if (1..SHORTEST).contains(&length) {
            // SQLite would take it for an empty one.
            let why = format!("it has only {length} bytes");
            return Err(Error::Damaged { path, why });
        }
        for companion in companions(&path) {
            files::no_link(&companion)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut store = Self::connect(&path, &path, flags)?;
        store.prepare().map_err(|source| store.error(source))?;
        store.migrate()?;
        store.check()?;
        Ok(store)
    }

    /// Opens the database to read it; `None` where there is none. Nothing is made or changed.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub fn read(place: &Place) -> Result<Option<Self>, Error> {
        let Ok(folder) = fs::canonicalize(place.folder()) else {
            return Ok(None);
        };
        let name = place.database();
        let path = folder.join(name.file_name().unwrap_or_default());
        let found = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(&path)(error)),
        };
        if !found.is_file() {
            return Err(Error::NotAFile(path));
        }
        match found.len() {
            0 => return Ok(None),
            // SQLite would take it for an empty one.
            length @ 1..SHORTEST => {
                let why = format!("it has only {length} bytes");
                return Err(Error::Damaged { path, why });
            }
            SHORTEST.. => {}
        }
        // Without a log of changes nobody is writing; SQLite would make one to read it.
        let store = if has_log(&path) {
            Self::connect(&path, &path, TO_READ)?
        } else {
            let flags = TO_READ | OpenFlags::SQLITE_OPEN_URI;
            let store = Self::connect(&path, &unchanging(&path), flags)?;
            Self {
                is_still: true,
                ..store
            }
        };
        // One that nobody has begun to fill is none: whoever makes it comes to that.
        let is_begun = store.version()? > 0;
        Ok(is_begun.then_some(store))
    }

    /// The same for what is read next, where it was opened as one that nobody changes, and somebody
    /// has begun to.
    pub(super) fn stirred(&self) -> Result<Option<Self>, Error> {
        let is_stirred = self.is_still && has_log(&self.path);
        let reopen = || Self::connect(&self.path, &self.path, TO_READ);
        is_stirred.then(reopen).transpose()
    }

    fn connect(path: &Path, name: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let to_error = |source| Error::Database {
            path: path.to_owned(),
            source,
        };
        let connection = Connection::open_with_flags(name, flags).map_err(to_error)?;
        protect(&connection).map_err(to_error)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            file: files::identity(path),
            is_still: false,
            secrets: Secrets::default(),
        })
    }

    /// Waits so long for another process that writes.
    pub(super) fn set_patience(&self, patience: Duration) -> Result<(), Error> {
        let set = self.connection.busy_timeout(patience);
        set.map_err(|source| self.error(source))
    }

    /// Lets the database be closed without waiting for the disk: what was written stays in the
    /// log of changes, where readers find it, unless that has become long.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn leave_log(&self) -> Result<(), Error> {
        let [log, ..] = companions(&self.path);
        let is_short = fs::metadata(log).is_ok_and(|log| log.len() <= SHORT_LOG);
        let option = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let set = self.connection.set_db_config(option, is_short);
        set.map(drop).map_err(|source| self.error(source))
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        let mut tried = 0;
        // In a new file SQLite does not wait for another process that does the same.
        while let Err(error) = self.connection.pragma_update(None, "journal_mode", "wal") {
            if tried == TRIES || error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) {
                return Err(error);
            }
            tried += 1;
            thread::sleep(PATIENCE / TRIES);
        }
        self.connection.pragma_update(None, "synchronous", "normal")
    }

    /// How many steps of the schema the file has had.
    fn version(&self) -> Result<usize, Error> {
        let version = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .map_err(|source| self.error(source))?;
        usize::try_from(version)
            .ok()
            .filter(|version| *version <= SCHEMA.len())
            .ok_or_else(|| Error::Newer(self.path.clone()))
    }

    /// Takes the steps of the schema that the file has not had.
    fn migrate(&mut self) -> Result<(), Error> {
        if self.version()? == SCHEMA.len() {
            return Ok(());
        }
        let path = self.path.clone();
        let to_error = |source| Error::Database { path, source };
        self.take_steps().map_err(to_error)
    }

    fn take_steps(&mut self) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have taken them meanwhile.
        let version: u32 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for step in SCHEMA.iter().skip(version as usize) {
            transaction.execute_batch(step)?;
        }
        let now = i64::try_from(SCHEMA.len()).expect("it is a short list");
        transaction.pragma_update(None, "user_version", now)?;
        transaction.commit()
    }

    /// Reads a little of everything: a damaged file is better found now than later.
    fn check(&self) -> Result<(), Error> {
        let going_on = Filter {
            going_on: true,
            ..Filter::default()
        };
        let tables = || {
            let connection = &self.connection;
            connection.query_row("SELECT count(*) FROM dates", [], |_| Ok(()))?;
            connection.query_row("SELECT count(*) FROM mailed", [], |_| Ok(()))?;
            connection.query_row("SELECT count(*) FROM last_mails", [], |_| Ok(()))?;
            connection.query_row("SELECT count(*) FROM outbox", [], |_| Ok(()))?;
            connection.query_row("SELECT max(key) FROM runs", [], |_| Ok(()))
        };
        let check = || {
            tables().map_err(|source| self.error(source))?;
            self.runs(&Filter::default(), 1)?;
            self.runs(&going_on, usize::MAX)?;
            self.memories()
        };
        match check() {
            Err(Error::Database { path, source }) if is_misfit(&source) => Err(Error::Damaged {
                path,
                why: source.to_string(),
            }),
            checked => checked.map(drop),
        }
    }
}

/// Whether an error means that tables and rows are other than ours: no errors of SQLite, or errors
/// in a statement.
fn is_misfit(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, None | Some(rusqlite::ErrorCode::Unknown))
}

/// How much of a file SQLite keeps in memory: a quarter of what it would. What is written is seldom
/// read again, and the system has it in memory, too.
const CACHE_KIB: i32 = 512;

/// Lets nothing that stands in a file make SQLite do more than read and write rows.
fn protect(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // SQLite reads a negative number as KiB.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// To read a database, and no more.
const TO_READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

/// Whether somebody writes in a database, or has left what was written beside it.
fn has_log(path: &Path) -> bool {
    let [log, ..] = companions(path);
    log.exists()
}

/// The files that SQLite keeps beside a database: the log of changes, and its index.
fn companions(path: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// The name by which SQLite reads a file that nobody changes: without locks, without companions.
///
/// Source: "Uniform Resource Identifiers" of SQLite's documentation.
fn unchanging(path: &Path) -> PathBuf {
    let mut name = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(byte) {
            name.push(*byte);
        } else {
            name.extend(format!("%{byte:02X}").bytes());
        }
    }
    name.extend(b"?immutable=1");
    OsString::from_vec(name).into()
}

/// Renames the database and its companions, so that a new one can be made; gives its new name.
fn move_aside(path: &Path, now: DateTime<Utc>) -> Result<PathBuf, Error> {
    let stamp = now.format(".damaged-%Y%m%dT%H%M%S");
    let renamed = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(stamp.to_string());
        PathBuf::from(name)
    };
    for companion in companions(path) {
        match fs::rename(&companion, renamed(&companion)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&companion)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    let aside = renamed(path);
    fs::rename(path, &aside).map_err(Error::io(path))?;
    Ok(aside)
}
