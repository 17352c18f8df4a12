//! What systemd is told: that jobs run, that the config is read again, that the loop goes round.
//!
//! Source: `sd_notify(3)`, `sd_watchdog_enabled(3)`, `systemd.service(5)` on `Type=notify-reload`.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::time::{MissedTickBehavior, interval};

use crate::clean;
use crate::reason::chain;

/// How long a word may wait for a manager that is busy: one that is lost may end the service.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whoever manages this service, where somebody does.
#[derive(Debug, Clone, Default)]
pub(super) struct Manager(Option<Arc<Socket>>);

#[derive(Debug)]
struct Socket {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Manager {
    /// The manager that the environment names.
    pub(super) fn from_environment() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        match Socket::of(&name) {
            Ok(socket) => Self(Some(Arc::new(socket))),
            Err(error) => {
                warn(&error);
                Self::default()
            }
        }
    }

    /// What was begun is done, and `status` holds now.
    pub(super) fn ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={}", clean::line(status)));
    }

    /// The config is about to be read again; [`Self::ready`] follows.
    pub(super) fn reloading(&self) {
        // It tells this answer from an answer to an earlier request by the time.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
        let now = now.unwrap_or_default().as_micros();
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The end has begun.
    pub(super) fn stopping(&self, status: &str) {
        self.say(&format!("STOPPING=1\nSTATUS={}", clean::line(status)));
    }

    /// Says for ever that the loop goes round, which shares its thread, where that is asked for.
    pub(super) async fn beat(self) {
        let (Some(_), Some(limit)) = (&self.0, watchdog()) else {
            return;
        };
        let mut beats = interval(limit / 2);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            self.say("WATCHDOG=1");
        }
    }

    fn say(&self, words: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(words)
        {
            warn(&error);
        }
    }
}

impl Socket {
    fn of(name: &OsStr) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let address = address(name.as_bytes())?;
        Ok(Self { socket, address })
    }

    fn send(&self, words: &str) -> io::Result<usize> {
        self.socket.send_to_addr(words.as_bytes(), &self.address)
    }
}

/// The address of a name: a path, or on Linux an abstract name behind `@`.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name {
        [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(name)),
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(rest)
        }
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "NOTIFY_SOCKET is neither a path nor an abstract name",
        )),
    }
}

/// After how long without a beat the manager ends us; `None` where it does not.
fn watchdog() -> Option<Duration> {
    let variable = |name| env::var(name).ok();
    let meant = variable("WATCHDOG_PID").is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    let limit: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    (meant && limit > 1).then(|| Duration::from_micros(limit))
}

fn warn(error: &io::Error) {
    tracing::warn!(
        event = "notify_failed",
        "systemd is not told: {}",
        chain(error)
    );
}
