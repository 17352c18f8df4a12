//! What a config cannot say itself.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::ZoneOrigin;
use crate::trigger::{Fault, Zone};

/// What a config cannot say itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// The present instant: triggers that are over are warned of.
    pub now: DateTime<Utc>,
    /// The folder of the config, where relative paths start; itself absolute.
    pub folder: PathBuf,
    /// The zone where neither the scheduler nor docassemble names one.
    pub zone: Zone,
    /// Where that zone came from.
    pub zone_from: ZoneOrigin,
    /// What the environment says in place of the config.
    pub environment: Overrides,
}

impl Outside {
    /// A world whose system is in that zone, and whose environment says nothing.
    #[must_use]
    pub fn new(now: DateTime<Utc>, folder: impl Into<PathBuf>, zone: Zone) -> Self {
        Self {
            now,
            folder: folder.into(),
            zone,
            zone_from: ZoneOrigin::System,
            environment: Overrides::default(),
        }
    }
}

/// Environment variables: those that docassemble prefers to its config, where
/// `ENVIRONMENT_TAKES_PRECEDENCE` says so, and what is wrong with `TZ`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// `TIMEZONE`
    pub timezone: Option<String>,
    /// `DAHOSTNAME`
    pub hostname: Option<String>,
    /// `LOGSERVER`
    pub log_server: Option<String>,
    /// Why `TZ` does not say the zone, where it is set and does not.
    pub unknown_zone: Option<Fault>,
}
