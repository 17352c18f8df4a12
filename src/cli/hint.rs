//! Commands for the user to type next.

use std::path::PathBuf;

use super::arguments::Global;
use crate::clean;

/// `sched WORDS`, about the config, the state and the tasks that this command is about.
pub(super) fn command(global: &Global, words: &str) -> String {
    let flags = [
        ("-c", &global.config, "SCHED_CONFIG"),
        ("--state-dir", &global.state_dir, "SCHED_STATE_DIR"),
        ("--tasks-dir", &global.tasks_dir, "SCHED_TASKS_DIR"),
    ];
    let mut line = "sched".to_owned();
    for (flag, path, variable) in flags {
        // What the environment says, it says to the next command too.
        let said = std::env::var_os(variable).map(PathBuf::from);
        if let Some(path) = path.as_ref().filter(|path| said.as_ref() != Some(path)) {
            let path = quoted(&path.display().to_string());
            line = format!("{line} {flag} {path}");
        }
    }
    format!("{line} {words}")
}

/// A name as one word of a shell, without control characters.
pub(super) fn quoted(name: &str) -> String {
    clean::word(&clean::line(name)).into_owned()
}
