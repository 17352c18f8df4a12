//! `sched show`: the config as understood, as YAML that is a config itself.

mod effective;
mod emit;
mod origin;
mod places;

use std::io::Write;

use chrono::{DateTime, Utc};

use super::arguments::{Global, Show};
use super::load;
use super::output::{self, Refusal};
use super::{Exit, faulty, select, usable};
use crate::clean;
use crate::config::Config;
use crate::paths;
use crate::secret::Secrets;
use origin::Source;

/// Shows the config as understood.
///
/// # Errors
/// Where there is no config, a job is unknown, or nobody reads the answer.
pub fn run(global: &Global, arguments: &Show, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    let loaded = load::load(&global.given(), now).map_err(Refusal::from)?;
    let Some(config) = usable(&loaded, global) else {
        return Ok(Exit::Failed);
    };
    if let Some(exit) = faulty::refuse(&loaded, config, arguments.job.as_slice(), global) {
        return Ok(exit);
    }
    let mut text = text(
        global,
        config,
        &loaded.written_secrets(),
        arguments.job.as_deref(),
    )?;
    if global.verbose {
        let source = Source {
            text: &loaded.text,
            name: &loaded.name(),
            overrides: &paths::outside(&loaded.path, now).environment,
        };
        text = places::text(global, &loaded, config) + &origin::annotated(&text, config, &source);
    }
    output::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The config, or those of its jobs that `job` names, every default filled in.
///
/// The secrets are masked. Jobs that are left out because they are faulty are named in a comment.
///
/// # Errors
/// [`Refusal`] for an unknown job.
fn text(
    global: &Global,
    config: &Config,
    secrets: &Secrets,
    job: Option<&str>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    let value = match job {
        Some(word) => {
            let jobs = select::jobs(config, &[word.to_owned()], global)?;
            effective::of_jobs(jobs.into_iter(), secrets)
        }
        None => effective::config(config, secrets),
    };
    if job.is_none() {
        for name in &config.faulty {
            text.push_str("# left out, see `sched validate`: ");
            text.push_str(&clean::line(name));
            text.push('\n');
        }
    }
    Ok(text + &emit::document(&value)?)
}

#[cfg(test)]
mod tests;
