//! The words for what a reload finds mended.

use crate::scheduler::reload::Changes;

/// The jobs and settings that a config had faults in.
#[derive(Default)]
pub(super) struct Faulty {
    /// Those that stayed as they were.
    kept: Vec<String>,
    /// The jobs that were left out.
    left_out: Vec<String>,
}

impl Faulty {
    pub(super) fn of(changes: &Changes) -> Self {
        let settings = changes.kept_settings.iter().map(|name| (*name).to_owned());
        Self {
            kept: changes.kept.iter().cloned().chain(settings).collect(),
            left_out: changes.left_out.clone(),
        }
    }

    /// What is not faulty any more, as `changes` does not tell by itself.
    pub(super) fn mended(&self, now: &Self, changes: &Changes) -> String {
        let untold = |name: &&String| {
            let told = [&now.kept, &now.left_out, &changes.added, &changes.removed];
            !told.into_iter().any(|names| names.contains(name))
                && !changes.changed.iter().any(|(changed, _)| changed == *name)
                && !changes.settings.contains(&name.as_str())
        };
        let parts = [("no longer faulty", &self.kept), ("gone", &self.left_out)];
        let parts = parts.map(|(word, names)| {
            let names: Vec<_> = names.iter().filter(untold).map(String::as_str).collect();
            if names.is_empty() {
                String::new()
            } else {
                format!("; {word}: {}", names.join(", "))
            }
        });
        parts.concat()
    }
}
