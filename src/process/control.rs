//! A conversation with a child that serves us: orders with descriptors one way, lines the other.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// How much is read in one go, in bytes.
const PIECE_BYTES: usize = 4096;

/// The longest line, in bytes; what is longer ends the conversation.
const LONGEST_BYTES: usize = 4 * 1024 * 1024;

/// Our end of the conversation.
#[derive(Debug)]
pub struct Control {
    stream: UnixStream,
}

/// What of the child's lines has arrived.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
}

impl Control {
    /// Our end, and the child's.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        Ok((Self { stream }, theirs.into()))
    }

    /// Sends `order` behind its length of four bytes, together with descriptors.
    ///
    /// # Errors
    /// Where the child is gone.
    pub async fn send(&self, order: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
        let length = u32::try_from(order.len()).map_err(io::Error::other)?;
        let message = [&length.to_be_bytes(), order].concat();
        let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let first = || self.send_with(&message, &numbers);
        let mut sent = self.stream.async_io(Interest::WRITABLE, first).await?;
        while sent < message.len() {
            let next = || self.send_with(&message[sent..], &[]);
            sent += self.stream.async_io(Interest::WRITABLE, next).await?;
        }
        Ok(())
    }

    fn send_with(&self, bytes: &[u8], descriptors: &[RawFd]) -> io::Result<usize> {
        let rights = [ControlMessage::ScmRights(descriptors)];
        let rights = if descriptors.is_empty() {
            &[]
        } else {
            &rights[..]
        };
        let socket = self.stream.as_fd().as_raw_fd();
        // It is no end of us that the child is gone: the standard library has SIGPIPE ignored.
        let flags = MsgFlags::empty();
        Ok(sendmsg::<()>(
            socket,
            &[IoSlice::new(bytes)],
            rights,
            flags,
            None,
        )?)
    }

    /// The child's next line; `None` where it is gone. The wait may be given up and begun again,
    /// with the same `lines`.
    pub async fn line(&self, lines: &mut Lines) -> Option<String> {
        loop {
            if let Some(line) = lines.take() {
                return Some(line);
            }
            self.stream.readable().await.ok()?;
            let mut piece = [0; PIECE_BYTES];
            match self.stream.try_read(&mut piece) {
                Ok(count @ 1..) => lines.bytes.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return None,
            }
            if lines.bytes.len() > LONGEST_BYTES {
                return None;
            }
        }
    }
}

impl Lines {
    /// The first whole line.
    fn take(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        self.bytes.drain(..=end);
        Some(line)
    }
}
