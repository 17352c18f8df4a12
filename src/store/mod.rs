//! What must not be lost: every run, and what is remembered of jobs, in SQLite.
//!
//! Not for deciding anything: it writes down what it is told, and answers what was. There is one
//! database for each config; `sched watch` is its one busy writer, through a [`Writer`].

mod files;
mod history;
mod lock;
mod mailed;
mod memory;
mod open;
mod outbox;
mod place;
mod retries;
mod runs;
mod slate;
mod stats;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::Connection;

pub use history::{Entry, Filter};
pub use lock::{Holder, Lock, Past};
pub use mailed::LastMail;
pub use open::Damage;
pub use outbox::{Mail, Waiting};
pub use place::Place;
pub use runs::Owner;
pub use slate::{Begun, Left, Note, Slate};
pub use stats::Stats;
pub use writer::{Answer, Complain, Interrupted, Masks, Now, Writer};

use crate::reason::chain;
use crate::secret::Secrets;

/// The database of one config.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the file.
    file: Option<(u64, u64)>,
    /// Whether it was opened as one that nobody changes.
    is_still: bool,
    secrets: Secrets,
}

/// Why the state cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system says no.
    #[error("cannot use {}: {}", .path.display(), chain(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The state folder belongs to another user.
    #[error("the state folder {} belongs to another user", .0.display())]
    Foreign(PathBuf),
    /// Others can write in the state folder.
    #[error("others can write in the state folder {}", .0.display())]
    Exposed(PathBuf),
    /// A symbolic link, a folder, a pipe.
    #[error("cannot use {}: it is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A later version of the program made it.
    #[error("{} was made by a later version of sched", .0.display())]
    Newer(PathBuf),
    /// SQLite says no.
    #[error("cannot use {}: {}", .path.display(), said(source))]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It can be opened, and yet is no database of ours.
    #[error("{} is damaged: {why}", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another watcher holds the lock.
    #[error("this config is already watched{}", .0.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default())]
    Watched(Option<Holder>),
}

impl Error {
    /// Puts the path to an error of the system.
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the file itself is damaged, so that nothing but another file helps.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(DatabaseCorrupt | NotADatabase)
            ),
            Self::Damaged { .. } => true,
            Self::Io { .. }
            | Self::Foreign(_)
            | Self::Exposed(_)
            | Self::NotAFile(_)
            | Self::Newer(_)
            | Self::Watched(_) => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Exposed(folder) => Some(format!("`chmod go-w {}`", folder.display())),
            Self::Foreign(folder) => Some(format!(
                "name another one with --state-dir, such as {} where you may write there, or \
                 `chown` it",
                folder.join("sched").display()
            )),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("name a state folder of yours with --state-dir or SCHED_STATE_DIR".to_owned())
            }
            Self::Io { .. }
            | Self::NotAFile(_)
            | Self::Newer(_)
            | Self::Watched(_)
            | Self::Damaged { .. }
            | Self::Database { .. } => None,
        }
    }
}

impl Store {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still the one at its path: a damaged one is moved aside, and another
    /// begun, while others have it open.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.file == files::identity(&self.path)
    }

    /// From now on these never reach the file.
    pub fn set_secrets(&mut self, secrets: Secrets) {
        self.secrets = secrets;
    }

    /// Puts the path to an error of SQLite.
    fn error(&self, source: rusqlite::Error) -> Error {
        Error::Database {
            path: self.path.clone(),
            source,
        }
    }
}

/// What SQLite says, without the query that it says it of.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// Microseconds since 1970.
fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
