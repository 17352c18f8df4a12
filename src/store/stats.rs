//! Figures of the runs of each job.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::params_from_iter;

use super::{Error, Filter, Store};
use crate::run::Outcome;

/// How the runs of one job did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// How many ended in each way.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// How many came to an end of their own: those that went well and those that failed.
    pub runs: u64,
    /// How many went well.
    pub succeeded: u64,
    /// When the last one began that went well.
    pub last_success: Option<DateTime<Utc>>,
    /// How long they took, the shortest first.
    took: Vec<Duration>,
}

impl Stats {
    /// How long so many of a hundred runs took at most; `None` where none came to an end.
    ///
    /// The smallest of the durations that so many are not longer than ("nearest rank").
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.took.len() * percent).div_ceil(100);
        self.took.get(rank.saturating_sub(1)).copied()
    }

    fn add(&mut self, outcome: Outcome, started: DateTime<Utc>, took: Option<Duration>) {
        *self.outcomes.entry(outcome.word()).or_default() += 1;
        match outcome {
            Outcome::Success => {
                self.succeeded += 1;
                self.last_success = self.last_success.max(Some(started));
            }
            Outcome::Failure | Outcome::Timeout | Outcome::Killed => {}
            Outcome::Interrupted | Outcome::Skipped | Outcome::Coalesced | Outcome::Missed => {
                return;
            }
        }
        self.runs += 1;
        self.took.extend(took);
    }
}

impl Store {
    /// The figures of each job, of the runs that `filter` asks for and that are over.
    ///
    /// # Errors
    /// Where SQLite says no.
    pub fn stats(&self, filter: &Filter) -> Result<BTreeMap<String, Stats>, Error> {
        let (conditions, values) = filter.conditions(None);
        let read = || {
            let mut query = self.connection.prepare(&format!(
                "SELECT name, outcome, started, took
                 FROM runs CROSS JOIN jobs ON jobs.key = runs.job {conditions}"
            ))?;
            let mut rows = query.query(params_from_iter(values))?;
            let mut all: BTreeMap<String, Stats> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let outcome: Option<String> = row.get(1)?;
                let Some(outcome) = outcome.as_deref().and_then(Outcome::named) else {
                    continue;
                };
                let started = DateTime::from_timestamp_micros(row.get(2)?).unwrap_or_default();
                let took: Option<i64> = row.get(3)?;
                let took = took.and_then(|took| u64::try_from(took).ok());
                let stats = all.entry(row.get(0)?).or_default();
                stats.add(outcome, started, took.map(Duration::from_nanos));
            }
            Ok(all)
        };
        let mut all = read().map_err(|source| self.error(source))?;
        for stats in all.values_mut() {
            stats.took.sort_unstable();
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_durations_that_were_measured() {
        let took = |seconds: u64| Some(Duration::from_secs(seconds));
        let mut stats = Stats::default();
        assert_eq!(stats.percentile(50), None);
        let now = DateTime::UNIX_EPOCH;
        for seconds in 1..=20 {
            stats.add(Outcome::Success, now, took(seconds));
        }
        assert_eq!(stats.percentile(50), took(10));
        assert_eq!(stats.percentile(95), took(19));
        assert_eq!(stats.percentile(100), took(20));
        stats.add(Outcome::Interrupted, now, took(100));
        stats.add(Outcome::Skipped, now, None);
        assert_eq!((stats.runs, stats.succeeded), (20, 20));
        assert_eq!(stats.outcomes["skipped"], 1);
    }
}
