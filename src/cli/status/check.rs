//! `sched status --check`: an answer for probes.

use std::io::Write as _;

use serde::Serialize;

use super::standing::Standing;
use crate::clean;
use crate::cli::Exit;
use crate::cli::arguments::{Format, Global};
use crate::cli::history::result;
use crate::cli::{output, pulse};
use crate::store::{Error, Lock, Place};

/// What a probe wants to know.
#[derive(Serialize)]
pub(super) struct Check {
    alive: bool,
    pid: Option<u32>,
    /// The jobs whose last run failed, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<Vec<String>>,
    /// The same for people, one a line.
    #[serde(skip)]
    lines: Vec<String>,
}

impl Check {
    /// Whether the watcher of the config whose state is at `place` is alive.
    ///
    /// # Errors
    /// Where it may not be looked at.
    pub(super) fn of(place: &Place) -> Result<Self, Error> {
        let holder = Lock::holder(place)?;
        let pid = holder.as_ref().and_then(Option::as_ref);
        let pid = pid.map(|holder| holder.pid);
        let alive = holder.is_some() && pulse::answers(&place.socket());
        let who = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let line = match (&holder, alive) {
            (None, _) => "sched is not running".to_owned(),
            (Some(_), true) => format!("sched is alive{who}"),
            (Some(_), false) => format!("sched{who} does not answer"),
        };
        Ok(Self {
            alive,
            pid,
            failing: None,
            lines: vec![line],
        })
    }

    /// The same, and whether these jobs do well.
    pub(super) fn with_jobs(mut self, standings: &[Standing<'_>]) -> Self {
        let failing = standings.iter().filter(|one| one.is_failing());
        let (names, lines): (Vec<String>, Vec<String>) =
            failing.map(|one| (one.name.clone(), failure(one))).unzip();
        self.failing = Some(names);
        self.lines.extend(lines);
        self
    }

    /// Writes the answer to stdout, and says how the program ends.
    ///
    /// # Errors
    /// Where stdout does not take the answer.
    pub(super) fn tell(&self, format: Format, global: &Global) -> anyhow::Result<Exit> {
        let well = self.alive && self.failing.as_ref().is_none_or(Vec::is_empty);
        let exit = if well { Exit::Done } else { Exit::Failed };
        output::answered(self.write(format, global), exit)
    }

    fn write(&self, format: Format, global: &Global) -> anyhow::Result<()> {
        let mut out = output::stdout();
        match format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(self)?)?,
            Format::Text if global.quiet => {}
            Format::Text => {
                for line in &self.lines {
                    writeln!(out, "{}", clean::line(line))?;
                }
            }
        }
        Ok(())
    }
}

/// Such as `backup.nightly: FAILED 3, 2 times in a row`.
fn failure(standing: &Standing<'_>) -> String {
    let often = standing.often().map(|often| format!(", {often}"));
    let (name, result) = (&standing.name, result(standing.failure()).0);
    format!("{name}: {result}{}", often.unwrap_or_default())
}
