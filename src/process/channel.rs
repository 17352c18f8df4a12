//! A way for a child to send messages that its output cannot be mistaken for.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixDatagram;

/// A pair of connected datagram sockets: what is sent in one piece arrives in one piece, also
/// from several threads and processes that share the child's end.
#[derive(Debug)]
pub struct Channel {
    pub(super) ours: UnixDatagram,
    pub(super) theirs: UnixDatagram,
}

impl Channel {
    /// A new pair, inherited by nobody until a child is started with it.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixDatagram::pair()?;
        ours.set_nonblocking(true)?;
        Ok(Self { ours, theirs })
    }

    /// The number that the child's end has in the child.
    #[must_use]
    pub fn child_descriptor(&self) -> RawFd {
        self.theirs.as_raw_fd()
    }
}
