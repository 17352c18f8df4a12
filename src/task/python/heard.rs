//! A child whose standard output is an answer.

use crate::process::Sink;

/// The beginning of what a child says, up to a limit.
pub(super) struct Heard {
    /// What it said so far.
    pub(super) bytes: Vec<u8>,
    limit_bytes: usize,
}

impl Heard {
    pub(super) fn up_to(limit_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit_bytes,
        }
    }
}

impl Sink for Heard {
    fn stdout(&mut self, bytes: &[u8]) {
        let room = self.limit_bytes.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn stderr(&mut self, _bytes: &[u8]) {}

    fn datagram(&mut self, _bytes: &[u8]) {}
}
