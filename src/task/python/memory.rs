//! What Pythons have said of themselves, kept in the state folder: a shim takes a tenth of a second
//! to answer.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::interpreter::Stamp;

/// The file in the state folder.
const FILE: &str = "pythons.json";

/// How many answers are kept.
const MOST: usize = 8;

/// The longest file that is read, in bytes.
const LONGEST_BYTES: u64 = 64 * 1024;

/// What was started, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    /// What was started.
    path: PathBuf,
    bytes: u64,
    modified_ns: u64,
    /// Its own name for itself.
    pub(super) program: PathBuf,
    /// Its version.
    pub(super) version: String,
}

impl Answered {
    /// The answer of the file at `path`, as it is by its stamp.
    pub(super) fn of(path: &Path, stamp: Stamp, program: PathBuf, version: String) -> Self {
        Self {
            path: path.to_owned(),
            bytes: stamp.bytes,
            modified_ns: nanos(stamp.modified),
            program,
            version,
        }
    }

    fn is_of(&self, path: &Path, stamp: Stamp) -> bool {
        let known = (self.bytes, self.modified_ns);
        self.path == path && known == (stamp.bytes, nanos(stamp.modified))
    }
}

fn nanos(instant: SystemTime) -> u64 {
    let since = instant.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What the file at `path` answered, if it is the same and so is what it named.
pub(super) fn recall(folder: &Path, path: &Path, stamp: Stamp) -> Option<Answered> {
    let mut known = read(folder).into_iter();
    known.find(|one| one.is_of(path, stamp) && one.program.is_file())
}

/// Keeps an answer. A folder that does not exist is not made: its owner knows how.
///
/// # Errors
/// Where the file cannot be written; then Python is asked again next time.
pub(super) fn keep(folder: &Path, answer: Answered) -> io::Result<()> {
    let mut known = read(folder);
    known.retain(|one| one.path != answer.path);
    known.insert(0, answer);
    known.truncate(MOST);
    let text = serde_json::to_vec(&known)?;
    let draft = folder.join(format!("{FILE}.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(&text))
        .and_then(|()| fs::rename(&draft, folder.join(FILE)));
    if written.is_err() {
        // It may be left of a process that died; the next one finds the way free.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// All answers that are kept; none where the file is not as we write it.
fn read(folder: &Path) -> Vec<Answered> {
    let path = folder.join(FILE);
    let is_ours = |metadata: &fs::Metadata| metadata.is_file() && metadata.len() <= LONGEST_BYTES;
    fs::symlink_metadata(&path)
        .ok()
        .filter(is_ours)
        .and_then(|_| fs::read(&path).ok())
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}
