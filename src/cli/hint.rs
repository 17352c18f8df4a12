//! Commands for the user to type next.

use super::arguments::Global;
use crate::clean;

/// `sched WORDS`, about the config that this command is about.
pub(super) fn command(global: &Global, words: &str) -> String {
    match &global.config {
        None => format!("sched {words}"),
        Some(path) => format!("sched -c {} {words}", quoted(&path.display().to_string())),
    }
}

/// A name as one word of a shell, without control characters.
pub(super) fn quoted(name: &str) -> String {
    let name = clean::line(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.into_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}
