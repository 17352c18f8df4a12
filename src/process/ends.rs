//! The ends of what flows between us and a child that somebody else forks.

use std::io;
use std::os::fd::OwnedFd;

use super::Channel;
use super::pump::Pipes;

/// Our ends.
#[derive(Debug)]
pub struct Ends {
    request: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    channel: Channel,
}

/// The child's ends: its standard input, output and error, and its channel.
pub type Theirs = [OwnedFd; 4];

impl Ends {
    /// New pipes and a new channel.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn pair() -> io::Result<(Self, Theirs)> {
        let (child_stdin, request) = io::pipe()?;
        let (stdout, child_stdout) = io::pipe()?;
        let (stderr, child_stderr) = io::pipe()?;
        let channel = Channel::new()?;
        let theirs = [
            child_stdin.into(),
            child_stdout.into(),
            child_stderr.into(),
            channel.theirs.try_clone()?.into(),
        ];
        let ours = Self {
            request: request.into(),
            stdout: stdout.into(),
            stderr: stderr.into(),
            channel,
        };
        Ok((ours, theirs))
    }

    /// The pipes of the child, which reads `request` from its standard input.
    pub(super) fn into_pipes(self, request: Vec<u8>) -> io::Result<Pipes> {
        Pipes::new(
            Some((self.request, request)),
            self.stdout,
            self.stderr,
            Some(self.channel.ours),
        )
    }
}
