//! Whether the config and the tasks are in trusted hands, before anything of them runs.

use super::load::Loaded;
use super::output::Refusal;
use crate::paths::Given;
use crate::trust::{self, Findings};

/// A warning of what others could change, where they could.
///
/// # Errors
/// Where `sched` runs as root and others could change what it runs.
pub(super) fn check(loaded: &Loaded, given: &Given) -> Result<Option<String>, Refusal> {
    let findings = findings(loaded, given);
    match refusal(&findings) {
        Some(refusal) => Err(refusal),
        None => Ok(warning(&findings)),
    }
}

/// Why nothing of `loaded` may run, if that is so.
pub(super) fn distrust(loaded: &Loaded, given: &Given) -> Option<Refusal> {
    refusal(&findings(loaded, given))
}

fn findings(loaded: &Loaded, given: &Given) -> Findings {
    if loaded.is_stdin() {
        return Findings::default();
    }
    trust::check(&loaded.path, loaded.tasks_folder(given).as_deref())
}

fn refusal(findings: &Findings) -> Option<Refusal> {
    let first = findings.refused.first()?;
    let others = others(findings.refused.len());
    let message = format!(
        "{}{others}, so others could run code as root",
        first.message()
    );
    let refusal = Refusal::new(message).with_help(first.help());
    Some(refusal.with_help("or run sched as another user than root"))
}

fn warning(findings: &Findings) -> Option<String> {
    let first = findings.doubtful.first()?;
    let others = others(findings.doubtful.len());
    Some(format!(
        "{}{others}, so others could run code as this user",
        first.message()
    ))
}

/// ` (and 2 more)`, where there are more than the first.
fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    }
}
