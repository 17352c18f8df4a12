//! A file as it is at one moment: opened once, read whole, told apart by its content.
//!
//! Not for what the bytes mean. A config may be replaced while it is read, or be something that
//! is no file at all: it is opened without waiting, checked, and those very bytes are used.

use std::fs::OpenOptions;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use foldhash::quality::FixedState;

use crate::reason::chain;
use crate::yaml::MAX_BYTES;

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The bytes, at most [`MAX_BYTES`].
    pub bytes: Vec<u8>,
    /// A number that is the same for the same bytes.
    pub digest: u64,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system says no.
    #[error("cannot read {}: {}", .path.display(), reason(.source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a pipe, a device.
    #[error("cannot read {}: it is {what}, not a file", .path.display())]
    NotAFile {
        /// What was to be a file.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// It is longer than any config.
    #[error("cannot read {}: it is larger than {} MiB", .path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl Source {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be opened or read, is no regular file, or is too large.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        // Opening a pipe would wait for its writer.
        let no_wait = nix::libc::O_NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(no_wait)
            .open(path)
            .map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let kind = metadata.file_type();
        if !kind.is_file() {
            let what = if kind.is_dir() {
                "a folder"
            } else {
                "a pipe or a device"
            };
            return Err(Error::NotAFile {
                path: path.to_owned(),
                what,
            });
        }
        Self::of(file, metadata.len(), path)
    }

    /// Reads standard input to its end.
    ///
    /// # Errors
    /// Where it cannot be read, or is too large.
    pub fn of_stdin() -> Result<Self, Error> {
        Self::of(io::stdin().lock(), 0, Path::new("<stdin>"))
    }

    /// The content of bytes that are at hand.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write(&bytes);
        Self {
            digest: hasher.finish(),
            bytes,
        }
    }

    /// All of `from`, which is probably `size` bytes.
    fn of(from: impl Read, size: u64, path: &Path) -> Result<Self, Error> {
        let size = usize::try_from(size).map_or(MAX_BYTES, |size| size.min(MAX_BYTES));
        let mut bytes = Vec::with_capacity(size + 1);
        // A file can grow while it is read, and its size be a lie: one byte over the limit tells.
        from.take(MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Io {
                path: path.to_owned(),
                source,
            })?;
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLarge {
                path: path.to_owned(),
            });
        }
        Ok(Self::of_bytes(bytes))
    }
}

/// What the system says, in the words of this program.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_same_bytes_have_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let first = Source::read(&path).unwrap();
        assert_eq!(first, Source::of_bytes(b"one".to_vec()));
        std::fs::write(&path, "two").unwrap();
        assert_ne!(first.digest, Source::read(&path).unwrap().digest);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| Source::read(path).unwrap_err().to_string();
        assert!(told(folder.path()).ends_with("it is a folder, not a file"));
        assert!(told(Path::new("/dev/zero")).ends_with("it is a pipe or a device, not a file"));
        assert!(told(&folder.path().join("none")).ends_with("none: no such file"));
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(told(&pipe).ends_with("it is a pipe or a device, not a file"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(5 << 30).unwrap();
        assert!(
            Source::read(&path)
                .unwrap_err()
                .to_string()
                .ends_with("larger than 64 MiB")
        );
    }
}
