//! The signals that ask to stop.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Sleep, sleep};

/// Within what time the same signal says the same again: `timeout` sends its own to the program and
/// to the program's group. Nobody presses a key twice so quickly.
const ECHO: Duration = Duration::from_millis(100);

/// Ctrl-C and TERM: from here on, none is lost.
pub(super) struct Stops {
    interrupt: Signal,
    terminate: Signal,
    /// The signal that came last, for as long as it may have an echo.
    last: Option<(&'static str, Pin<Box<Sleep>>)>,
}

impl Stops {
    /// # Errors
    /// Where the system has none for us.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            last: None,
        })
    }

    /// Waits for the next one that is no echo of the last, and gives its name.
    pub(super) async fn next(&mut self) -> &'static str {
        loop {
            let name = tokio::select! {
                biased;
                () = faded(&mut self.last) => {
                    self.last = None;
                    continue;
                }
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.terminate.recv() => "SIGTERM",
            };
            if self.last.as_ref().is_none_or(|(last, _)| *last != name) {
                self.last = Some((name, Box::pin(sleep(ECHO))));
                return name;
            }
        }
    }
}

/// Waits until the last signal has no echo any more; for ever where there is none.
async fn faded(last: &mut Option<(&'static str, Pin<Box<Sleep>>)>) {
    match last {
        Some((_, echo)) => echo.await,
        None => std::future::pending().await,
    }
}
