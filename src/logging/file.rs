//! `scheduler.log`: one record a line in upstream's format, none lost, none torn.

use std::borrow::Cow;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, Utc};

use super::line::Line;
use super::old;
use crate::clean;
use crate::reason::chain;
use crate::trigger::Zone;
use crate::words::counted;

/// How many bytes wait for a file that cannot be written.
const WAITING_BYTES: usize = 1 << 20;

/// How many bytes are written at once.
const BATCH_BYTES: usize = 1 << 16;

/// Who may read the log: its owner, who also writes it, and its group.
const MODE: u32 = 0o640;

/// How long the part of a record is that tells when.
const STAMP_BYTES: usize = "scheduler: 2023-05-14 04:00:00,123".len();

/// How a record tells the time. Its description is read once, as there are many records.
static STAMP: LazyLock<Vec<Item<'static>>> =
    LazyLock::new(|| StrftimeItems::new("%Y-%m-%d %H:%M:%S,%3f").collect());

/// The record of `line`: `scheduler: `, local time, level, place, message.
///
/// Further lines of the message are indented, so that none passes for a record.
pub(super) fn format(line: &Line, zone: &Zone) -> String {
    let time = zone.local(line.at).naive_local();
    let level = line.level.word();
    let (place, message) = (clean::line(&line.place), body(&line.message));
    let length = STAMP_BYTES + level.len() + place.len() + message.len() + "   \n".len();
    let mut record = String::with_capacity(length);
    record.push_str("scheduler: ");
    time.format_with_items(STAMP.iter())
        .write_to(&mut record)
        .expect("a String takes all");
    for part in [" ", level, " ", &place, " ", &message, "\n"] {
        record.push_str(part);
    }
    record
}

/// The message with its line breaks indented, tabs kept, and other control characters shown.
fn body(message: &str) -> Cow<'_, str> {
    if message.chars().all(|c| c == '\t' || clean::visible(c) == c) {
        return Cow::Borrowed(message);
    }
    let message = message.replace("\r\n", "\n");
    let mut body = String::with_capacity(message.len());
    for c in message.trim_end_matches('\n').chars() {
        match c {
            '\n' => body.push_str("\n    "),
            '\t' => body.push('\t'),
            c => body.push(clean::visible(c)),
        }
    }
    Cow::Owned(body)
}

/// The day, in the zone of the log, of an instant, or of now.
pub(super) type DayOf = Box<dyn Fn(Option<DateTime<Utc>>) -> NaiveDate + Send>;

/// Where the log is now.
pub(super) type PathOf = Box<dyn Fn() -> PathBuf + Send>;

/// The file, written to by one thread. Writing never fails: what cannot be written waits, up to
/// a mebibyte, and what does not fit is counted.
///
/// With the first line of a new day another file begins. Where the clock is set back, the same
/// file goes on.
pub(super) struct LogFile {
    path_of: PathOf,
    path: PathBuf,
    file: Option<File>,
    day_of: DayOf,
    /// The day of its last line.
    day: NaiveDate,
    waiting: Vec<u8>,
    lost: usize,
    troubled: bool,
    complain: Box<dyn FnMut(&str) + Send>,
}

impl LogFile {
    /// The log where `path_of` says, which may be elsewhere at any time; `complain` is told once when it cannot be written, and once when it can
    /// be again.
    pub(super) fn new(
        path_of: PathOf,
        day_of: DayOf,
        complain: Box<dyn FnMut(&str) + Send>,
    ) -> Self {
        Self {
            path: path_of(),
            path_of,
            file: None,
            day: day_of(None),
            day_of,
            waiting: Vec::new(),
            lost: 0,
            troubled: false,
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
        match self.append() {
            Ok(file) => {
                self.file = Some(file);
                self.waiting.clear();
                self.lost = 0;
                if std::mem::take(&mut self.troubled) {
                    let path = self.path.display();
                    (self.complain)(&format!("{path} can be written again"));
                }
            }
            Err(error) => self.trouble(&error),
        }
    }

    fn trouble(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            let path = self.path.display();
            (self.complain)(&format!(
                "cannot write {path}: {}; what runs goes on without it",
                chain(error)
            ));
        }
    }

    /// Appends what waits as a whole, or not at all.
    fn append(&mut self) -> io::Result<File> {
        let mut file = self.file_of_today()?;
        let note = self.note_of_loss();
        self.waiting.extend_from_slice(note.as_bytes());
        let written = append_whole(&mut file, &self.waiting);
        self.waiting.truncate(self.waiting.len() - note.len());
        written.map(|()| file)
    }

    /// The file for a line of now, another one where a new day has begun.
    fn file_of_today(&mut self) -> io::Result<File> {
        let path = (self.path_of)();
        if path != self.path {
            self.path = path;
            self.file = None;
        }
        let file = match self.file.take() {
            Some(file) if is_at(&file, &self.path) => file,
            // It is the first line, or somebody moved or removed it: what is written from now on
            // belongs into another one.
            Some(_) | None => {
                let file = open(&self.path)?;
                let modified = file.metadata()?.modified()?;
                self.day = (self.day_of)(Some(modified.into()));
                file
            }
        };
        let today = (self.day_of)(None);
        let ended = std::mem::replace(&mut self.day, today);
        if today <= ended || file.metadata()?.len() == 0 {
            return Ok(file);
        }
        match old::keep(&self.path, ended) {
            Ok(()) => open(&self.path),
            Err(error) => {
                let path = self.path.display();
                (self.complain)(&format!(
                    "cannot rename {path} after {ended}: {}; it is written on",
                    chain(&error)
                ));
                Ok(file)
            }
        }
    }

    /// A record that tells how many are missing, at the time of the first that waited.
    fn note_of_loss(&self) -> String {
        if self.lost == 0 {
            return String::new();
        }
        let stamp = String::from_utf8_lossy(&self.waiting[..STAMP_BYTES.min(self.waiting.len())]);
        let lost = counted(self.lost, "line");
        format!("{stamp} WARNING sched->run(0) after this, {lost} could not be written\n")
    }
}

impl Write for LogFile {
    /// Takes a record, which waits for the next flush, or until there are many.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.add(record);
        if self.waiting.len() >= BATCH_BYTES {
            self.put();
        }
        Ok(record.len())
    }

    /// Writes what waits; fails where that cannot be.
    fn flush(&mut self) -> io::Result<()> {
        self.put();
        if self.waiting.is_empty() {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

/// Appends all of `bytes`; where that fails, what was appended is taken back, so that a record
/// that a full disk cut in two is written whole when there is room.
fn append_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write(&bytes[done..]) {
            Ok(count @ 1..) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => return take_back(file, done, io::ErrorKind::WriteZero.into()),
            Err(error) => return take_back(file, done, error),
        }
    }
    Ok(())
}

/// Removes the last `count` bytes that were appended, unless another process appended since.
fn take_back(file: &mut File, count: usize, error: io::Error) -> io::Result<()> {
    let end = file.stream_position()?;
    if count > 0 && file.metadata()?.len() == end {
        file.set_len(end - count as u64)?;
    }
    Err(error)
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
    match options.clone().create_new(true).mode(MODE).open(path) {
        Ok(file) => {
            // Whatever the umask is.
            file.set_permissions(Permissions::from_mode(MODE))?;
            let owner = folder.metadata()?;
            // Only root may give it away, others at most to their groups; all works without it.
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()))
                .or_else(|_| fchown(&file, None, Some(owner.gid())));
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
