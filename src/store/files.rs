//! Files that nobody else may read, in a folder that nobody else may write.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::sys::stat::FchmodatFlags::NoFollowSymlink;
use nix::sys::stat::{Mode, fchmodat};

use super::Error;

/// Makes the state folder where it is not there, for its owner alone; gives its resolved path.
///
/// # Errors
/// Where it cannot be made, is somebody else's, or others can write in it.
pub(super) fn folder(path: &Path) -> Result<PathBuf, Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| match error.kind() {
        // Something is there, and a folder would be taken as it is.
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
    .map_err(Error::io(path))?;
    let folder = fs::canonicalize(path).map_err(Error::io(path))?;
    let found = folder.metadata().map_err(Error::io(path))?;
    let us = nix::unistd::geteuid();
    // Root may look after the state of a service that runs as another user.
    if !us.is_root() && found.uid() != us.as_raw() {
        return Err(Error::Foreign(folder));
    }
    if found.mode() & 0o022 != 0 {
        return Err(Error::Exposed(folder));
    }
    Ok(folder)
}

/// Opens the file for reading and writing, made where it is not there, for its owner alone.
///
/// # Errors
/// Where that is not possible, or it is a symbolic link or no regular file.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    make(path)?;
    let mut options = OpenOptions::new();
    let flags = O_NOFOLLOW | O_NONBLOCK;
    let file = options
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path);
    let file = file.map_err(Error::io(path))?;
    if file.metadata().map_err(Error::io(path))?.is_file() {
        Ok(file)
    } else {
        Err(Error::NotAFile(path.to_owned()))
    }
}

/// Makes the file where it is not there, for its owner alone; gives what is known of it.
///
/// One that is there is not opened: where this process has a database open, to close any other
/// descriptor of it gives up the locks that SQLite holds.
///
/// Source: "How To Corrupt An SQLite Database File", 2.2.
///
/// # Errors
/// Where that is not possible, or it is a symbolic link or no regular file.
pub(super) fn make(path: &Path) -> Result<fs::Metadata, Error> {
    let mut options = OpenOptions::new();
    match options.write(true).mode(0o600).create_new(true).open(path) {
        Ok(file) => belongs_to_folder(&file, path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io(path)(error)),
    }
    let found = path.symlink_metadata().map_err(Error::io(path))?;
    if !found.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        // The folder may be another user's: whatever takes the file's place now is not followed.
        let (private, no_link) = (Mode::from_bits_truncate(0o600), NoFollowSymlink);
        let made = fchmodat(AT_FDCWD, path, private, no_link);
        made.map_err(|errno| Error::io(path)(errno.into()))?;
    }
    Ok(found)
}

/// The device and the inode of the file at `path`; `None` where there is none.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = path.symlink_metadata().ok()?;
    Some((found.dev(), found.ino()))
}

/// What root makes in the folder of another user is that user's.
fn belongs_to_folder(file: &File, path: &Path) {
    if nix::unistd::geteuid().is_root()
        && let Some(folder) = path.parent()
        && let Ok(owner) = folder.metadata()
    {
        // Where it fails, root's file serves root.
        let _ = std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

/// Refuses a symbolic link at `path`; anything else, and nothing at all, is fine.
pub(super) fn no_link(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(Error::NotAFile(path.to_owned())),
        Ok(_) | Err(_) => Ok(()),
    }
}
