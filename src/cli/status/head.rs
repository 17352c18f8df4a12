//! The lines above the jobs.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::clean;
use crate::cli::arguments::Global;
use crate::cli::load::Loaded;
use crate::cli::subject::Subject;
use crate::cli::{hint, time};
use crate::diagnostic::place::Lines;
use crate::store::{Holder, Past};
use crate::trigger::Zone;
use crate::words::counted;

/// The first line: whether anybody watches, or who did last.
pub(super) fn watcher(
    name: &str,
    holder: Option<&Option<Holder>>,
    last: Option<&Past>,
    global: &Global,
    now: DateTime<Utc>,
    zone: &Zone,
) -> String {
    let at = |at| time::of_day(at, now, zone);
    let last = match (holder, last) {
        (Some(None), _) => return format!("● watching {name}"),
        (Some(Some(Holder { pid, since, .. })), _) => {
            return format!("● watching {name} since {} (pid {pid})", at(*since));
        }
        (None, None) => String::new(),
        (None, Some(Past { holder, end: None })) => format!(
            " (last watched since {} by process {}, which ended without a word)",
            at(holder.since),
            holder.pid
        ),
        (
            None,
            Some(Past {
                end: Some((end, why)),
                ..
            }),
        ) => format!(" (last watched until {}, stopped by {why})", at(*end)),
    };
    if global.config.as_deref() == Some(Path::new("-")) {
        return format!("○ {name} is not watched{last}: only a file can be");
    }
    let watch = hint::command(global, "watch");
    format!("○ {name} is not watched{last}: nothing runs until `{watch}` does")
}

/// The second line, where the config has errors now or cannot be read.
pub(super) fn trouble(subject: &Subject, global: &Global) -> Option<String> {
    let text = match &subject.loaded {
        Ok(loaded) => faults(loaded, global)?,
        Err(error) => error.to_string(),
    };
    Some(clean::line(&format!("! {text}")).into_owned())
}

/// How many errors the config has now, and where the first is; `None` where it has none.
fn faults(loaded: &Loaded, global: &Global) -> Option<String> {
    let diagnostics = loaded.reading.diagnostics.iter();
    let errors: Vec<_> = diagnostics.filter(|one| one.is_error()).collect();
    let first = errors.first()?;
    let line = first.span.map(|span| {
        let position = Lines::of(&loaded.text).position(span.start);
        format!("line {}", position.line)
    });
    let place: Vec<String> = first.job.clone().into_iter().chain(line).collect();
    let place = match place.join(", ") {
        none if none.is_empty() => none,
        place => format!(" ({place})"),
    };
    Some(format!(
        "{} has {}{} now{place}: `{}`",
        loaded.name(),
        loaded.least(),
        counted(errors.len(), "error"),
        hint::command(global, "validate")
    ))
}
