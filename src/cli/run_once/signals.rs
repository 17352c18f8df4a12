//! The signals by which a run by hand is ended, and then the waits that follow it.

use std::io;

use crate::cli::stop::Stops;

/// Ctrl-C and TERM: from the start of the run on, none is lost.
pub(super) struct Signals {
    stops: Stops,
    /// Whether one has come after the run.
    is_over: bool,
}

impl Signals {
    /// # Errors
    /// Where the system has none for us.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            stops: Stops::new()?,
            is_over: false,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        self.stops.next().await;
    }

    /// Waits until nobody wants to wait any longer: one signal ends all waits to come, too.
    pub(super) async fn end_of_patience(&mut self) {
        if !self.is_over {
            self.next().await;
            self.is_over = true;
        }
    }
}
