//! The blocks that people read.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::changes;
use super::{Surroundings, Upcoming, Window};
use crate::clean;
use crate::cli::output::{Paint, paint};
use crate::cli::time;

/// Where the zone stands in a block's first line, where that is short enough and the screen wide
/// enough.
const ZONE_COLUMN: usize = 66;

/// The screen so far: blocks are parted by an empty line, and the zone is told when it changes.
pub(super) struct Screen<'a> {
    window: Window,
    around: &'a Surroundings,
    zone: Option<&'static str>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(window: Window, around: &'a Surroundings) -> Self {
        Self {
            window,
            around,
            zone: None,
        }
    }

    /// Writes the block of one job.
    pub(super) fn block(&mut self, out: &mut dyn Write, upcoming: &Upcoming<'_>) -> io::Result<()> {
        if self.zone.is_some() {
            writeln!(out)?;
        }
        self.header(out, upcoming)?;
        for remark in self.remarks(upcoming) {
            writeln!(out, "  {}", clean::line(&remark))?;
        }
        let mut before = self.window.from;
        for fire in &upcoming.fires {
            self.fire(out, upcoming, before, *fire)?;
            before = *fire;
        }
        if upcoming.exhausted && !upcoming.fires.is_empty() {
            writeln!(out, "  {}", self.dim("then never again"))?;
        }
        Ok(())
    }

    /// Names the jobs that are left out because they are faulty.
    pub(super) fn faulty(&self, out: &mut dyn Write, names: &[&str]) -> io::Result<()> {
        if self.zone.is_some() && !names.is_empty() {
            writeln!(out)?;
        }
        for name in names {
            let name = paint(&clean::line(name), Paint::Name, self.color());
            let why = paint(
                "faulty, no fire time can be told",
                Paint::Warning,
                self.color(),
            );
            writeln!(out, "{name} — {why}")?;
        }
        Ok(())
    }

    fn header(&mut self, out: &mut dyn Write, upcoming: &Upcoming<'_>) -> io::Result<()> {
        let trigger = &upcoming.job.trigger;
        let name = clean::line(&upcoming.job.name);
        let english = trigger.english();
        write!(
            out,
            "{} — {english}",
            paint(&name, Paint::Name, self.color())
        )?;
        let zone = trigger.zone().name();
        if self.zone.replace(zone) != Some(zone) {
            let used = name.chars().count() + 3 + english.chars().count();
            self.zone(out, used, &format!("({zone})"))?;
        }
        writeln!(out)
    }

    /// The zone, after so many columns of its line; on a line of its own where it does not fit.
    fn zone(&self, out: &mut dyn Write, used: usize, zone: &str) -> io::Result<()> {
        let last = self.around.style.width.saturating_sub(zone.chars().count());
        let column = ZONE_COLUMN.min(last).max(used + 2);
        if column > last {
            return write!(out, "\n  {}", self.dim(zone));
        }
        write!(
            out,
            "{:space$}{}",
            "",
            self.dim(zone),
            space = column - used
        )
    }

    /// What must be known of a job before its fire times are read.
    fn remarks(&self, upcoming: &Upcoming<'_>) -> Vec<String> {
        let job = upcoming.job;
        let description = job.description.as_deref();
        let mut remarks: Vec<String> = description
            .map(|text| self.around.secrets.mask(text).into_owned())
            .into_iter()
            .collect();
        if !job.policy.enabled {
            remarks.push("disabled: it has `enabled: false` and does not fire".to_owned());
            return remarks;
        }
        if upcoming.not_started {
            remarks.push("not started yet by `sched watch`; counted from now".to_owned());
        }
        let jitter = upcoming
            .fires
            .iter()
            .map(|fire| job.trigger.jitter_s(*fire))
            .max();
        if let Some(jitter) = jitter.filter(|jitter| *jitter > 0) {
            remarks.push(format!(
                "nominal times: each run starts up to {jitter} s later (jitter)"
            ));
        }
        if job.policy.run_at_start {
            remarks.push("also runs once when `sched watch` starts".to_owned());
        }
        if upcoming.fires.is_empty() {
            remarks.push(self.nothing(upcoming));
        }
        remarks
    }

    fn nothing(&self, upcoming: &Upcoming<'_>) -> String {
        let has_fired = || {
            upcoming
                .job
                .trigger
                .next_after(DateTime::UNIX_EPOCH)
                .is_some()
        };
        match (upcoming.exhausted, self.window.until) {
            (false, Some(_)) => "no fire in that time".to_owned(),
            _ if !has_fired() => "never fires".to_owned(),
            _ if self.window.from == self.around.now => "never fires again".to_owned(),
            _ => "never fires from then on".to_owned(),
        }
    }

    fn fire(
        &self,
        out: &mut dyn Write,
        upcoming: &Upcoming<'_>,
        before: DateTime<Utc>,
        fire: DateTime<Utc>,
    ) -> io::Result<()> {
        let trigger = &upcoming.job.trigger;
        let absolute = time::absolute(fire, trigger.zone());
        write!(
            out,
            "  {absolute}   {}",
            self.dim(&time::relative(fire, self.around.now))
        )?;
        if let Some(note) = changes::note(trigger, before, fire) {
            write!(out, "   {}", paint(&note, Paint::Warning, self.color()))?;
        }
        writeln!(out)
    }

    fn dim(&self, text: &str) -> String {
        paint(text, Paint::Dim, self.color())
    }

    fn color(&self) -> bool {
        self.around.style.color
    }
}
