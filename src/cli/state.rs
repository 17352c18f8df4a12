//! Where the state of the config is, and why it cannot be used.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::arguments::Global;
use super::output::Refusal;
use super::{hint, time};
use crate::config::Config;
use crate::paths::{self, Given};
use crate::store::{Error, Holder, Place, Store};
use crate::trigger::Zone;

/// The place of the state of the config at `path`.
pub(super) fn place(given: &Given, path: &Path) -> Place {
    Place::new(paths::state(given), &paths::identity(path))
}

/// From when, at `now`, the intervals count that `sched watch` has started, by their jobs' names.
pub(super) fn anchors(
    store: &Store,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<HashMap<String, DateTime<Utc>>, Error> {
    let memories = store.memories()?.into_iter();
    let anchors = memories.filter_map(|memory| {
        let trigger = &config.jobs.named(&memory.job)?.trigger;
        let is_same = trigger.identity() == memory.trigger;
        let anchor = trigger.anchor_until(memory.anchor, now);
        is_same.then_some((memory.job, anchor))
    });
    Ok(anchors.collect())
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let mut refusal = Self::new(error.to_string());
        refusal.help.extend(error.help());
        refusal
    }
}

/// Why a second watcher cannot begin at `now`.
pub(super) fn refuse_second(
    error: Error,
    global: &Global,
    now: DateTime<Utc>,
    zone: &Zone,
) -> Refusal {
    let Error::Watched(holder) = &error else {
        return Refusal::from(error);
    };
    let message = match holder {
        Some(holder) => format!(
            "this config is already watched by {}",
            who(holder, now, zone)
        ),
        None => error.to_string(),
    };
    let status = hint::command(global, "status");
    Refusal::new(message).with_help(format!(
        "`{status}` shows it; another config file can be watched beside it"
    ))
}

/// A watcher for people: `process 4711 (since 09:30:12, user www-data)`.
fn who(holder: &Holder, now: DateTime<Utc>, zone: &Zone) -> String {
    let since = time::of_day(holder.since, now, zone);
    let Holder { pid, user, .. } = holder;
    format!("process {pid} (since {since}, user {user})")
}
