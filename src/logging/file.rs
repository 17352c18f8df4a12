//! `scheduler.log`: one record a line in upstream's format, none lost, none torn.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing_appender::non_blocking::NonBlocking;

use super::line::Line;
use crate::clean;
use crate::trigger::Zone;

/// How many bytes wait for a file that cannot be written.
const WAITING_BYTES: usize = 1 << 20;

/// How long the part of a record is that tells when.
const STAMP: usize = "scheduler: 2023-05-14 04:00:00,123".len();

/// What is sent to the writer to learn that everything before it is written. A line never begins
/// like this.
const MARK: &[u8] = b"\0everything before this is written\0";

/// The record of `line`: `scheduler: `, local time, level, place, message.
///
/// Further lines of the message are indented, so that none passes for a record.
pub(super) fn format(line: &Line, zone: &Zone) -> String {
    let time = zone.local(line.at).format("%Y-%m-%d %H:%M:%S,%3f");
    let level = line.level.word();
    let (place, message) = (clean::line(&line.place), body(&line.message));
    format!("scheduler: {time} {level} {place} {message}\n")
}

/// The message with its line breaks indented, tabs kept, and other control characters shown.
fn body(message: &str) -> String {
    let message = message.replace("\r\n", "\n");
    let mut body = String::with_capacity(message.len());
    for c in message.trim_end_matches('\n').chars() {
        match c {
            '\n' => body.push_str("\n    "),
            '\t' => body.push('\t'),
            c => body.push(clean::visible(c)),
        }
    }
    body
}

/// Hands a record to the writer's thread.
pub(super) fn send(file: &mut NonBlocking, record: &[u8]) {
    // The queue takes it or counts it as lost; it has no other way to fail.
    let _ = file.write_all(record);
}

/// A place in the stream of records that the writer's thread reports.
#[derive(Debug, Default)]
pub(super) struct Mark {
    passed: Mutex<Option<bool>>,
    news: Condvar,
}

impl Mark {
    /// Waits until everything that was sent so far has been tried to write, at most `longest`.
    /// Gives whether it is in the file.
    pub(super) fn reach(&self, file: &mut NonBlocking, longest: Duration) -> bool {
        let queue = file.error_counter();
        let mut patience = longest.as_millis() / 10;
        loop {
            let lost = queue.dropped_lines();
            send(file, MARK);
            if queue.dropped_lines() == lost {
                break;
            }
            if patience == 0 {
                return false;
            }
            // The queue is full: its writer is at work, or hangs.
            patience -= 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .news
            .wait_timeout_while(passed, longest, |passed| passed.is_none());
        let (mut passed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        passed.take().unwrap_or(false)
    }

    fn pass(&self, all_written: bool) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(all_written);
        self.news.notify_all();
    }
}

/// The file, written to by one thread. Writing never fails: what cannot be written waits, up to
/// a mebibyte, and what does not fit is counted.
pub(super) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    waiting: Vec<u8>,
    lost: u64,
    troubled: bool,
    mark: Arc<Mark>,
    complain: Box<dyn FnMut(&str) + Send>,
}

impl LogFile {
    /// The log at `path`; `complain` is told once when it cannot be written, and once when it can
    /// be again.
    pub(super) fn new(
        path: PathBuf,
        mark: Arc<Mark>,
        complain: Box<dyn FnMut(&str) + Send>,
    ) -> Self {
        Self {
            path,
            file: None,
            waiting: Vec::new(),
            lost: 0,
            troubled: false,
            mark,
            complain,
        }
    }

    fn add(&mut self, record: &[u8]) {
        if self.troubled && self.waiting.len() + record.len() > WAITING_BYTES {
            self.lost += 1;
        } else {
            self.waiting.extend_from_slice(record);
        }
    }

    /// Writes what waits, or complains.
    fn put(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let path = self.path.display();
        match self.file.take().map_or_else(|| open(&self.path), Ok) {
            Ok(file) => match self.append(file) {
                Ok(file) => {
                    self.file = Some(file);
                    self.waiting.clear();
                    self.lost = 0;
                    if std::mem::take(&mut self.troubled) {
                        (self.complain)(&format!("{path} can be written again"));
                    }
                }
                Err(error) => self.trouble(&error),
            },
            Err(error) => self.trouble(&error),
        }
    }

    fn trouble(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            let path = self.path.display();
            (self.complain)(&format!(
                "cannot write {path}: {error}; jobs go on, and it is tried again"
            ));
        }
    }

    /// Appends what waits as a whole, or not at all.
    fn append(&self, file: File) -> io::Result<File> {
        let mut file = if is_at(&file, &self.path) {
            file
        } else {
            // Somebody moved or removed it: what is written from now on belongs into a new one.
            open(&self.path)?
        };
        let length = file.metadata()?.len();
        let note = self.note_of_loss();
        let written = file
            .write_all(&self.waiting)
            .and_then(|()| file.write_all(note.as_bytes()));
        match written {
            Ok(()) => Ok(file),
            Err(error) => {
                // A record that a full disk cut in two is written whole when there is room.
                file.set_len(length)?;
                Err(error)
            }
        }
    }

    /// A record that tells how many are missing, at the time of the first that waited.
    fn note_of_loss(&self) -> String {
        if self.lost == 0 {
            return String::new();
        }
        let stamp = String::from_utf8_lossy(&self.waiting[..STAMP.min(self.waiting.len())]);
        let lost = self.lost;
        format!("{stamp} WARNING sched->run(0) after this, {lost} lines could not be written\n")
    }
}

impl Write for LogFile {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if record == MARK {
            self.put();
            self.mark.pass(self.waiting.is_empty());
        } else {
            self.add(record);
            self.put();
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether `file` is what is found at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |at: std::fs::Metadata| (at.dev(), at.ino());
    let (Ok(open), Ok(found)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    identity(open) == identity(found)
}

/// Opens the log, and makes it and its folder where they are not there.
///
/// A new log belongs to the owner and group of its folder where we may say so: docassemble's web
/// server shall be able to show it. A symlink in its place is refused.
fn open(path: &Path) -> io::Result<File> {
    use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(O_NOFOLLOW | O_NONBLOCK);
    match options.clone().create_new(true).mode(0o640).open(path) {
        Ok(file) => {
            let owner = folder.metadata()?;
            // Only root may, and all works without it.
            let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = options.open(path)?;
            if file.metadata()?.is_file() {
                Ok(file)
            } else {
                Err(io::Error::other("it is no file"))
            }
        }
        Err(error) => Err(error),
    }
}
