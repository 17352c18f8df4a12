//! What the scheduler does is told twice: in the log, and by mail where somebody must know of it.

use super::voice::Voice;
use crate::alert::Post;
use crate::scheduler::{Event, Journal};

/// Tells of events in the log, and of failures by mail.
pub(super) struct Teller {
    pub(super) voice: Voice,
    pub(super) post: Post,
}

impl Journal for Teller {
    fn note(&mut self, event: &Event<'_>) {
        self.voice.note(event);
        if let Event::Ended {
            run, ended, retry, ..
        } = event
        {
            self.post.ended(run, ended, retry.is_none());
        }
    }
}
