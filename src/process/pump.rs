//! Everything that flows between a child and us while it runs.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixDatagram;
use tokio::net::unix::pipe;
use tokio::time::MissedTickBehavior;

use super::channel::Notice;
use super::tail::Tail;
use super::{Channel, Sink};

/// How much is read in one go, in bytes. A datagram that is longer is cut off.
const PIECE_BYTES: usize = 64 * 1024;

/// The most that a pipe can hold, in bytes (Linux, `/proc/sys/fs/pipe-max-size`): whatever a
/// child wrote before its end is within so much.
const PIPE_BYTES: usize = 1024 * 1024;

/// The most datagrams that may wait (Linux, `/proc/sys/net/unix/max_dgram_qlen`, is far below).
const QUEUED_DATAGRAMS: usize = 16 * 1024;

/// How long to wait before asking again whether datagrams are wanted, and how often in a row: after
/// ten seconds in vain a child goes on, whatever becomes of what it sends.
const PAUSE: Duration = Duration::from_millis(10);
const MOST_PAUSES: u32 = 1_000;

/// Our ends of a child's pipes.
#[derive(Debug)]
pub struct Pipes {
    input: Input,
    stdout: Output,
    stderr: Output,
    channel: Option<Arc<UnixDatagram>>,
    datagram: Vec<u8>,
}

impl Pipes {
    /// The pipes of a child that somebody else forks, and the child's ends of them. It waits for
    /// its input.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn pair() -> io::Result<(Self, Theirs)> {
        let (child_stdin, stdin) = io::pipe()?;
        let (stdout, child_stdout) = io::pipe()?;
        let (stderr, child_stderr) = io::pipe()?;
        let Channel { ours, theirs } = Channel::new()?;
        let theirs = [
            child_stdin.into(),
            child_stdout.into(),
            child_stderr.into(),
            theirs.into(),
        ];
        let input = Some((stdin.into(), Vec::new()));
        let pipes = Self::new(input, stdout.into(), stderr.into(), Some(ours))?;
        Ok((pipes, theirs))
    }

    /// Adds to the input of the child. What finds room in its pipe is written now.
    pub fn feed(&mut self, bytes: &[u8]) {
        if let Some((pipe, input)) = &mut self.input.pipe {
            input.extend_from_slice(bytes);
            // What goes wrong here goes wrong again where the rest is written.
            let rest = &input[self.input.sent..];
            self.input.sent += nix::unistd::write(pipe.as_fd(), rest).unwrap_or(0);
        }
    }

    /// The pipes of a child that reads `bytes` from its standard input.
    pub(super) fn new(
        stdin: Option<(OwnedFd, Vec<u8>)>,
        stdout: OwnedFd,
        stderr: OwnedFd,
        channel: Option<std::os::unix::net::UnixDatagram>,
    ) -> io::Result<Self> {
        let stdin = stdin.map(|(pipe, bytes)| Ok((pipe::Sender::from_owned_fd(pipe)?, bytes)));
        Ok(Self {
            input: Input {
                pipe: stdin.transpose().map_err(|error: io::Error| error)?,
                sent: 0,
            },
            stdout: Output::new(stdout)?,
            stderr: Output::new(stderr)?,
            channel: channel
                .map(UnixDatagram::from_std)
                .transpose()?
                .map(Arc::new),
            datagram: Vec::with_capacity(PIECE_BYTES),
        })
    }

    /// What gives the child notice of its end. It must be gone before [`Self::drain`].
    pub(super) fn notice(&self) -> Notice {
        Notice(self.channel.clone())
    }

    /// Passes everything on as it arrives, for as long as it is polled.
    pub(super) async fn pump(&mut self, sink: &mut dyn Sink) -> Infallible {
        let mut patience = MOST_PAUSES;
        // Goes on beside what else happens: a child that also prints waits no longer.
        let mut pauses = tokio::time::interval(PAUSE);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wanted = sink.wants_datagrams();
            if wanted {
                patience = MOST_PAUSES;
            }
            tokio::select! {
                count = self.stdout.read() => pass(self.stdout.take(count), |bytes| sink.stdout(bytes)),
                count = self.stderr.read() => pass(self.stderr.take(count), |bytes| sink.stderr(bytes)),
                () = receive(self.channel.as_deref(), &mut self.datagram), if wanted || patience == 0 => {
                    sink.datagram(&self.datagram);
                }
                _ = pauses.tick(), if !wanted && patience > 0 => patience -= 1,
                () = self.input.feed() => self.input.pipe = None,
            }
        }
    }

    /// Passes on what is in the pipes now and returns the ends of standard output and standard
    /// error. Processes that the child left behind may hold the other ends, and even write on.
    pub(super) fn drain(self, sink: &mut dyn Sink) -> (String, String) {
        let stdout = self.stdout.drain(|bytes| sink.stdout(bytes));
        let stderr = self.stderr.drain(|bytes| sink.stderr(bytes));
        let channel = self.channel.and_then(Arc::into_inner);
        if let Some(Ok(channel)) = channel.map(UnixDatagram::into_std) {
            let mut datagram = vec![0; PIECE_BYTES];
            for _ in 0..QUEUED_DATAGRAMS {
                match channel.recv(&mut datagram) {
                    Ok(count) => sink.datagram(&datagram[..count]),
                    Err(_) => break,
                }
            }
        }
        (stdout, stderr)
    }
}

/// Passes on what was read, unless that is nothing: nobody is to be woken by the end of a stream.
fn pass(bytes: &[u8], on: impl FnOnce(&[u8])) {
    if !bytes.is_empty() {
        on(bytes);
    }
}

/// Waits for a datagram, which may be empty; for ever where there is no channel, or one that is
/// broken.
async fn receive(channel: Option<&UnixDatagram>, datagram: &mut Vec<u8>) {
    datagram.clear();
    if let Some(channel) = channel
        && channel.recv_buf(datagram).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The child's ends: its standard input, output and error, and its channel.
pub type Theirs = [OwnedFd; 4];

/// What a child reads from its standard input.
#[derive(Debug)]
struct Input {
    pipe: Option<(pipe::Sender, Vec<u8>)>,
    sent: usize,
}

impl Input {
    /// Writes until everything is written or the child does not want it; for ever where there is
    /// nothing to write. It goes on where it was interrupted.
    async fn feed(&mut self) {
        let Some((pipe, bytes)) = &mut self.pipe else {
            return std::future::pending().await;
        };
        while self.sent < bytes.len() {
            match pipe.write(&bytes[self.sent..]).await {
                Ok(count @ 1..) => self.sent += count,
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// One stream that a child writes.
#[derive(Debug)]
struct Output {
    pipe: Option<pipe::Receiver>,
    /// The piece that was read last: room that no silent child ever fills.
    buffer: Vec<u8>,
    tail: Tail,
}

impl Output {
    fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: Some(pipe::Receiver::from_owned_fd(pipe)?),
            buffer: Vec::with_capacity(PIECE_BYTES),
            tail: Tail::default(),
        })
    }

    /// Waits for a piece of the stream and gives its length: 0 at the end, and then never again.
    async fn read(&mut self) -> usize {
        self.buffer.clear();
        match &mut self.pipe {
            Some(pipe) => pipe.read_buf(&mut self.buffer).await.unwrap_or(0),
            None => std::future::pending().await,
        }
    }

    /// The `count` bytes that were read.
    fn take(&mut self, count: usize) -> &[u8] {
        if count == 0 {
            self.pipe = None;
        }
        self.tail.push(&self.buffer[..count]);
        &self.buffer[..count]
    }

    fn drain(mut self, mut pass_on: impl FnMut(&[u8])) -> String {
        let rest = self.pipe.take().map(pipe::Receiver::into_nonblocking_fd);
        if let Some(Ok(rest)) = rest {
            let mut rest = File::from(rest).take(PIPE_BYTES as u64);
            self.buffer.resize(PIECE_BYTES, 0);
            while let Ok(count @ 1..) = rest.read(&mut self.buffer) {
                pass_on(self.take(count));
            }
        }
        self.tail.into_text()
    }
}

#[cfg(test)]
mod tests;
