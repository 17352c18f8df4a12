//! What was found: differences, which fail the test, and what is counted only.

use std::collections::BTreeMap;

/// How many differences are shown.
const SHOWN: usize = 60;

#[derive(Default)]
pub(crate) struct Report {
    counts: BTreeMap<String, usize>,
    differences: Vec<String>,
}

impl Report {
    /// One more case of that kind.
    pub(crate) fn count(&mut self, kind: impl Into<String>) {
        *self.counts.entry(kind.into()).or_default() += 1;
    }

    /// A case that must not be.
    pub(crate) fn differs(&mut self, seed: u64, what: &str) {
        self.differences.push(format!("SCHED_SEED={seed} {what}"));
    }

    /// Whether another difference would be shown.
    pub(crate) fn is_room(&self) -> bool {
        self.differences.len() < SHOWN
    }

    /// Prints the counts.
    ///
    /// # Panics
    /// Where there are differences.
    pub(crate) fn finish(self) {
        for (kind, count) in &self.counts {
            println!("{count:7} {kind}");
        }
        let shown: Vec<&str> = self
            .differences
            .iter()
            .take(SHOWN)
            .map(String::as_str)
            .collect();
        assert!(
            shown.is_empty(),
            "{} differences\n{}",
            self.differences.len(),
            shown.join("\n\n")
        );
    }
}
