//! The far end of a stream: it takes what is written, or does not for a while, or never again.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd;

use super::Stream;

/// How long to wait where whoever shares the stream with us made it one that does not wait.
const PAUSE: Duration = Duration::from_millis(10);

/// A stream, and what it did not take.
pub(super) struct Sink<W> {
    to: W,
    /// How many bytes it did not take since it last took some.
    lost: usize,
    /// Whether it took the beginning of a line and not the rest.
    is_torn: bool,
}

/// Why a stream does not take what is written.
#[derive(Debug)]
pub(super) enum Refused {
    /// There is no room for it; there may be later.
    ForNow(io::Error),
    /// Nobody reads any more, most of all.
    ForGood(io::Error),
}

impl<W: Write> Sink<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            lost: 0,
            is_torn: false,
        }
    }

    /// How many bytes are missing before what is written next.
    pub(super) fn lost(&self) -> usize {
        self.lost
    }

    /// Writes whole lines, after the `note` of what is missing before them. What is not taken counts
    /// as lost.
    ///
    /// # Errors
    /// Why not all of it was written.
    pub(super) fn write(&mut self, note: &[u8], lines: &[u8]) -> Result<(), Refused> {
        // What comes after a page that was written whole is its own affair: it may be half a line.
        let line_break: &[u8] = if self.is_torn && self.lost > 0 {
            b"\n"
        } else {
            b""
        };
        let page = [line_break, note, lines].concat();
        let (done, written) = self.push(&page);
        if done > 0 {
            self.is_torn = page[done - 1] != b'\n';
        }
        if written.is_ok() {
            self.lost = 0;
            return Ok(());
        }
        let rest = page.len() - done;
        if rest <= lines.len() {
            // The note was written.
            self.lost = rest;
        } else {
            self.lost += lines.len();
        }
        written.map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Refused::ForNow(error)
            }
            _ => Refused::ForGood(error),
        })
    }

    /// Writes as much of `page` as there is room for; gives how much that was.
    fn push(&mut self, page: &[u8]) -> (usize, io::Result<()>) {
        let mut done = 0;
        while done < page.len() {
            match self.to.write(&page[done..]) {
                Ok(0) => return (done, Err(ErrorKind::WriteZero.into())),
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                Err(error) => return (done, Err(error)),
            }
        }
        (done, self.to.flush())
    }
}

/// A stream of ours, without a buffer: that would keep what a full disk did not take, and write it
/// into the middle of something else.
pub(super) struct Own(pub(super) Stream);

impl Write for Own {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.0 {
            Stream::Stdout => unistd::write(io::stdout(), bytes),
            Stream::Stderr => unistd::write(io::stderr(), bytes),
        };
        match written {
            // Whoever started us closed it: nobody wants it.
            Err(Errno::EBADF) => Ok(bytes.len()),
            other => Ok(other?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
