//! One watcher for each config: whoever holds the lock is it.
//!
//! The lock is the kernel's, so it ends with its process. What stands in the file is only told,
//! and nothing is ever done to a process because its number stands there.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};

use super::{Error, Place, files};

/// How often the lock is tried for: whoever only looks holds it for a moment.
const TRIES: u32 = 20;

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(10);

/// How much of the file is read, in bytes.
const LONGEST: u64 = 1024;

/// The right to watch a config, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// The last who watched a config, and does not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Who that was.
    pub holder: Holder,
    /// When it stopped, and why; `None` where it could not say: it was killed, or the machine
    /// stopped.
    pub end: Option<(DateTime<Utc>, String)>,
}

/// Who watches a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The number of its process.
    pub pid: u32,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The name of its user.
    pub user: String,
}

impl Lock {
    /// Takes the lock at `now`.
    ///
    /// # Errors
    /// [`Error::Watched`] where another process has it, else where the file cannot be used.
    pub fn take(place: &Place, now: DateTime<Utc>) -> Result<Self, Error> {
        files::folder(place.folder())?;
        let path = place.lock();
        let mut file = files::open(&path)?;
        for tried in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tried < TRIES => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(Error::Watched(told(&mut file))),
                Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
            }
        }
        let text = Holder::this(now).text();
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        };
        // It is only told: a full disk does not keep anybody from watching.
        let _ = write(&mut file);
        Ok(Self { file, path })
    }

    /// Whether its file is still the one at its path. Where it is not, another process can take
    /// the lock, too.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let found = self.file.metadata().ok();
        found.map(|found| (found.dev(), found.ino())) == files::identity(&self.path)
    }

    /// Writes down that its holder stops at `now`, and why, in a word or two.
    pub fn note_end(&mut self, now: DateTime<Utc>, why: &str) {
        let text = format!(
            "{}\n{why}\n",
            now.to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        // It is only told, as is the rest of the file.
        let _ = self.file.write_all(text.as_bytes());
    }

    /// The last who had the lock, where nobody has it and that can be read. Makes nothing.
    #[must_use]
    pub fn last(place: &Place) -> Option<Past> {
        let mut file = look_into(place).ok()??;
        file.try_lock_shared().ok()?;
        let text = read(&mut file)?;
        let holder = Holder::parse(&text)?;
        let mut rest = text.lines().skip(3);
        let at = rest.next().and_then(|at| at.parse().ok());
        let end = at.zip(rest.next().map(str::to_owned));
        Some(Past { holder, end })
    }

    /// Whether somebody has the lock, and who that is as far as it can be read. Makes nothing.
    ///
    /// # Errors
    /// Where it may not be looked at.
    pub fn holder(place: &Place) -> Result<Option<Option<Holder>>, Error> {
        let Some(mut file) = look_into(place)? else {
            return Ok(None);
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(told(&mut file))),
            Err(TryLockError::Error(error)) => Err(Error::io(&place.lock())(error)),
        }
    }
}

/// The file, to read it; `None` where there is none.
fn look_into(place: &Place) -> Result<Option<File>, Error> {
    let flags = O_NOFOLLOW | O_NONBLOCK;
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(flags);
    match options.open(place.lock()) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&place.lock())(error)),
    }
}

/// Who the file says holds its lock.
fn told(file: &mut File) -> Option<Holder> {
    Holder::parse(&read(file)?)
}

fn read(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

impl Holder {
    /// This process, since `now`.
    #[must_use]
    pub fn this(now: DateTime<Utc>) -> Self {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        Self {
            pid: std::process::id(),
            since: now,
            user: user.map_or_else(|| uid.to_string(), |user| user.name),
        }
    }

    fn text(&self) -> String {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{}\n{since}\n{}\n", self.pid, self.user)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        Some(Self {
            pid: lines.next()?.parse().ok()?,
            since: lines.next()?.parse().ok()?,
            user: lines.next()?.to_owned(),
        })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            f,
            "process {} (since {since}, user {})",
            self.pid, self.user
        )
    }
}
