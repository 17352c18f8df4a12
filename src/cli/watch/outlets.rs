//! Where it goes what is said while `sched watch` runs: the program's streams and `scheduler.log`,
//! mail, systemd, the history. Secrets must pass none of them.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use super::systemd::Manager;
use crate::alert::Post;
use crate::logging::console::{Console, Stream};
use crate::logging::{self, Logging};
use crate::run::{Record, Run};
use crate::secret::Secrets;
use crate::store::Masks;
use crate::task::Output;

/// All ways out.
#[derive(Clone)]
pub(super) struct Outlets {
    pub(super) console: Console,
    pub(super) logging: Arc<Logging>,
    pub(super) post: Post,
    pub(super) manager: Manager,
    pub(super) masks: Masks,
    /// Held while more secrets are hidden: the config's reader and the runs know of some.
    pub(super) hiding: Arc<Mutex<()>>,
}

impl Outlets {
    /// Hides these secrets, too: runs that began with an earlier config go on, and what they say
    /// must not be shown either.
    pub(super) fn hide(&self, more: &Secrets) {
        let _held = self.hiding.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.logging.secrets();
        if known.hold(more) {
            return;
        }
        let mut secrets = Secrets::clone(&known);
        secrets.extend(more);
        self.masks.set(secrets.clone());
        self.post.hide(secrets.clone());
        self.logging.hide(secrets);
    }
}

/// What runs say goes to the console and to the log, and what is critical to the post.
impl Output for Outlets {
    fn stdout(&self, run: &Run, bytes: &[u8]) {
        self.console.pass(Stream::Stdout, run, bytes);
    }

    fn stderr(&self, run: &Run, bytes: &[u8]) {
        self.console.pass(Stream::Stderr, run, bytes);
    }

    fn record(&self, run: &Run, record: &Record) {
        logging::task_record(run, record);
        if let Some(alarm) = &record.alarm {
            self.post.critical(run, alarm, record.at);
        }
    }

    /// An environment file may hold others than when the config was read.
    fn variables(&self, variables: &[(OsString, Option<OsString>)]) {
        let mut secrets = Secrets::default();
        for (key, value) in variables {
            if let (Some(key), Some(Some(value))) =
                (key.to_str(), value.as_ref().map(|v| v.to_str()))
            {
                secrets.add_variable(key, value);
            }
        }
        self.hide(&secrets);
    }

    fn handled(&self, run: &Run) {
        self.post.handled(run);
    }

    fn wants_records(&self) -> bool {
        !self.logging.is_behind()
    }
}
