//! Whether the watcher is alive: it answers on a socket in the state folder.
//!
//! Its loop and this answer share one thread, so an answer means that the loop goes round.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is answered.
const ANSWER: &[u8] = b"alive\n";

/// How long the path of a socket may be on every system, in bytes.
const LONGEST: usize = 100;

/// The watcher's side; the socket is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Pulse {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket.
    socket: (u64, u64),
}

impl Pulse {
    /// Listens at `path`; whoever holds the lock is the one to do so.
    ///
    /// # Errors
    /// Where the system allows no socket there.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let address = Address::of(path)?;
        let listener = UnixListener::bind(&address.path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            socket: identity(path)?,
        })
    }

    /// Answers for ever.
    pub(super) async fn beat(self) {
        loop {
            match self.listener.accept().await {
                // Whoever asked and went away needs no answer.
                Ok((mut stream, _)) => drop(stream.write_all(ANSWER).await),
                // Out of descriptors: there may be some again.
                Err(_) => tokio::time::sleep(PATIENCE).await,
            }
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        // Another watcher may have taken the place meanwhile.
        if identity(&self.path).is_ok_and(|found| found == self.socket) {
            // What is left of it is removed by the next watcher.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The device and the inode of what is at `path`.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = path.symlink_metadata()?;
    Ok((found.dev(), found.ino()))
}

/// Whether the watcher whose socket is at `path` answers in time.
pub(super) fn answers(path: &Path) -> bool {
    let path = path.to_owned();
    let (tell, told) = mpsc::channel();
    // On a thread of its own: nothing limits how long connecting may take.
    let asked = thread::Builder::new().spawn(move || {
        // Where nobody waits any more, nobody needs it.
        let _ = tell.send(ask(&path));
    });
    asked.is_ok() && matches!(told.recv_timeout(PATIENCE), Ok(Ok(true)))
}

fn ask(path: &Path) -> io::Result<bool> {
    let address = Address::of(path)?;
    let stream = UnixStream::connect(&address.path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = Vec::new();
    stream.take(ANSWER.len() as u64).read_to_end(&mut answer)?;
    Ok(answer == ANSWER)
}

/// A path that is short enough for a socket.
struct Address {
    path: PathBuf,
    /// The folder, where the path leads through its descriptor.
    _folder: Option<File>,
}

impl Address {
    fn of(path: &Path) -> io::Result<Self> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let mut options = OpenOptions::new();
        let flags = nix::libc::O_DIRECTORY;
        let folder = options.read(true).custom_flags(flags).open(folder)?;
        Ok(Self {
            path: format!("/proc/self/fd/{}", folder.as_raw_fd()).into(),
            _folder: Some(folder),
        }
        .below(name))
    }

    fn below(self, name: &std::ffi::OsStr) -> Self {
        Self {
            path: self.path.join(name),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_goes_round_answers_also_at_a_long_path() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["short", &"long".repeat(40)] {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            let path = folder.join("config.sock");
            assert!(!answers(&path));
            let pulse = Pulse::new(&path).unwrap();
            let beat = tokio::spawn(pulse.beat());
            let asked = path.clone();
            let answered = tokio::task::spawn_blocking(move || answers(&asked));
            assert!(answered.await.unwrap());
            beat.abort();
            let _ = beat.await;
            assert!(!path.exists());
            // What a killed one left does not hinder.
            fs::write(&path, "").unwrap();
            assert!(!answers(&path));
            drop(Pulse::new(&path).unwrap());
        }
    }
}
