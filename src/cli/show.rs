//! `sched show`: the config as understood, as YAML that is a config itself.

mod effective;
mod emit;

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::arguments::{Global, Show};
use super::load;
use super::output::Refusal;
use super::{Exit, select, usable};
use crate::clean;
use crate::config::Config;
use crate::secret::Secrets;

/// Shows the config as understood.
///
/// # Errors
/// Where there is no config, a job is unknown, or nobody reads the answer.
pub fn run(global: &Global, arguments: &Show, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    let loaded = load::load(&global.given(), now).map_err(Refusal::from)?;
    let Some(config) = usable(&loaded, global) else {
        return Ok(Exit::Failed);
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out, config, &loaded.text, arguments.job.as_deref())?;
    Ok(Exit::Done)
}

/// Writes the config, or those of its jobs that `job` names, every default filled in.
///
/// `text` is what the config was read from: its secrets are masked. Jobs that are left out because
/// they are faulty are named in a comment.
///
/// # Errors
/// [`Refusal`] for an unknown job, [`io::Error`] where `out` cannot be written.
fn write(
    out: &mut dyn Write,
    config: &Config,
    text: &str,
    job: Option<&str>,
) -> anyhow::Result<()> {
    let secrets = Secrets::of_yaml(text);
    let value = match job {
        Some(word) => {
            let jobs = select::jobs(config, &[word.to_owned()])?;
            effective::of_jobs(jobs.into_iter(), &secrets)
        }
        None => effective::config(config, &secrets),
    };
    if job.is_none() {
        for name in &config.faulty {
            writeln!(
                out,
                "# left out, see `sched validate`: {}",
                clean::line(name)
            )?;
        }
    }
    out.write_all(emit::document(&value)?.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;
