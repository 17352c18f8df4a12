//! The end of a stream whose length nobody knows.

use crate::run::KEPT_BYTES;

/// The last [`KEPT_BYTES`] of what was pushed.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// Adds `bytes` and forgets what is too old; at most twice the limit is held.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0
            .extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT_BYTES)..]);
        if self.0.len() > 2 * KEPT_BYTES {
            self.cut();
        }
    }

    /// What is kept as text; bytes that are not UTF-8 become replacement characters.
    pub(super) fn into_text(mut self) -> String {
        self.cut();
        // A character that the cut went through is left out rather than shown broken.
        let broken = self
            .0
            .iter()
            .take(3)
            .take_while(|byte| **byte & 0xC0 == 0x80);
        let start = if self.0.len() == KEPT_BYTES {
            broken.count()
        } else {
            0
        };
        String::from_utf8_lossy(&self.0[start..]).into_owned()
    }

    fn cut(&mut self) {
        let surplus = self.0.len().saturating_sub(KEPT_BYTES);
        self.0.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_64_kib_are_kept() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push(&[b'x'; 5000]);
        }
        tail.push(b"end");
        let text = tail.into_text();
        assert_eq!(text.len(), KEPT_BYTES);
        assert!(text.ends_with("xxend"));
    }

    #[test]
    fn one_piece_longer_than_the_limit_is_cut() {
        let mut tail = Tail::default();
        tail.push(&vec![b'y'; 10 * KEPT_BYTES]);
        assert!(tail.0.len() <= 2 * KEPT_BYTES);
        assert_eq!(tail.into_text().len(), KEPT_BYTES);
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        let mut tail = Tail::default();
        tail.push("€".repeat(KEPT_BYTES).as_bytes());
        assert!(tail.into_text().chars().all(|c| c == '€'));
        let mut short = Tail::default();
        short.push(b"\x80abc");
        assert_eq!(short.into_text(), "\u{FFFD}abc");
    }
}
