//! A way for a child to send messages that its output cannot be mistaken for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{MsgFlags, send};

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

/// Tells a child, which need not care, that it is about to be ended: a signal says so too, but not who
/// sends it.
#[derive(Debug)]
pub(super) struct Notice(pub(super) Option<Arc<tokio::net::UnixDatagram>>);

impl Notice {
    /// Gives notice, where there is a channel.
    pub(super) fn give(&self) {
        if let Some(channel) = &self.0 {
            // Who has closed the channel does not want to know.
            let _ = send(channel.as_raw_fd(), &[0], MsgFlags::MSG_DONTWAIT);
        }
    }
}

/// The child's end of the channel that this process was started with, from its number there.
/// What this process starts does not inherit it.
///
/// To be called once, before anything else is opened.
///
/// # Errors
/// Where there is no such channel.
pub fn inherited_channel(number: RawFd) -> io::Result<UnixDatagram> {
    if number <= nix::libc::STDERR_FILENO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is not -1, and whether it is open is what the call tells.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(borrowed.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, and whoever started this process left it to nobody else here.
    let channel = UnixDatagram::from(unsafe { OwnedFd::from_raw_fd(number) });
    channel.peer_addr()?;
    Ok(channel)
}
