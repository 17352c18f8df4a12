//! Mail about failures: what it says, how often, and that it arrives.
//!
//! A mail is written into the outbox of the store before it is tried, so that it outlives a server
//! that is down and a restart. Nothing here makes a job wait: one thread writes, another sends.

mod carried;
mod clerk;
mod mailgun;
mod message;
mod outbox;
mod post;
mod postman;
mod rate;
mod smtp;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use lettre::message::Mailbox;

use message::Letterhead;
pub use post::Post;

use crate::config::{Account, Config, NoAccount, mailbox};
use crate::run::{Ended, Outcome, Run, RunError, RunId};

/// How much of a failed program's standard error is mailed, in bytes.
const STDERR_BYTES: usize = 10_000;

/// What the config says of mail.
#[derive(Debug, Clone)]
pub struct Setup {
    letterhead: Letterhead,
    recipients: Vec<Mailbox>,
    /// What stands in their place and is no address.
    unusable: Vec<String>,
    account: Result<Account, NoAccount>,
    recovery: bool,
}

/// Something that is mailed.
#[derive(Debug)]
struct News {
    job: String,
    run: RunId,
    at: DateTime<Utc>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A task logged a critical line.
    Critical(RunError),
    /// A run failed for good.
    Failed(RunError),
    /// A job succeeded whose failure was mailed.
    Recovered,
}

impl News {
    /// That a run failed for good; `None` where it did not fail.
    fn of_failure(run: &Run, ended: &Ended) -> Option<Self> {
        Some(Self::of(
            run,
            end_of(run, ended),
            What::Failed(error_of(run, ended)?),
        ))
    }

    /// Something about a run, at that time.
    fn of(run: &Run, at: DateTime<Utc>, what: What) -> Self {
        Self {
            job: run.job.clone(),
            run: run.id,
            at,
            what,
        }
    }
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    /// Because of the server or the account: no other mail would be taken now.
    Server(String),
    /// Because of this mail, and it may be taken later.
    Later(String),
    /// Because of this mail, for good.
    Refused(String),
}

impl Setup {
    /// What `config` says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let directives = &config.directives;
        let (mut recipients, mut unusable) = (Vec::new(), Vec::new());
        for address in &directives.error_notification_email {
            match mailbox(address) {
                Some(mailbox) => recipients.push(mailbox),
                None => unusable.push(address.clone()),
            }
        }
        let appname = directives.appname.as_deref().unwrap_or("docassemble");
        Self {
            letterhead: Letterhead {
                appname: appname.to_owned(),
                external_hostname: directives.external_hostname.clone(),
                host: host(),
                zone: config.settings.timezone.clone(),
            },
            recipients,
            unusable,
            account: directives.account.clone(),
            recovery: config.settings.recovery_mail,
        }
    }

    /// Whether anybody wants mail.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.recipients.is_empty() || !self.unusable.is_empty()
    }
}

/// The name of this computer, in letters that fit everywhere.
fn host() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let plain: String = name.to_string_lossy().chars().filter(is_plain).collect();
    if plain.is_empty() {
        "localhost".to_owned()
    } else {
        plain
    }
}

/// What is mailed of a run that failed; `None` where it did not.
fn error_of(run: &Run, ended: &Ended) -> Option<RunError> {
    let how = match ended.outcome {
        Outcome::Timeout => match &ended.error {
            Some(error) => format!("ran into its timeout: {}: {}", error.class, error.message),
            None => "ran into its timeout".to_owned(),
        },
        Outcome::Failure | Outcome::Killed => match (ended.signal, ended.exit_code) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("ended with exit code {code}"),
            (None, None) => "ended without a result".to_owned(),
        },
        Outcome::Success
        | Outcome::Interrupted
        | Outcome::Skipped
        | Outcome::Coalesced
        | Outcome::Missed => return None,
    };
    Some(match &ended.error {
        Some(error) if ended.outcome != Outcome::Timeout => RunError {
            message: format!("Scheduler Exception: {}", error.message),
            ..error.clone()
        },
        // Named, so that one job's exit code does not hold back the mail about another's.
        error => RunError {
            class: "Exception".to_owned(),
            message: format!("Scheduler Exception: '{}' {how}", run.job),
            traceback: match error {
                Some(error) => error.traceback.clone(),
                None => last_words(&ended.stderr),
            },
        },
    })
}

/// When a run ended.
fn end_of(run: &Run, ended: &Ended) -> DateTime<Utc> {
    let took = TimeDelta::from_std(ended.took).unwrap_or_default();
    run.started.checked_add_signed(took).unwrap_or(run.started)
}

/// The end of a program's standard error.
fn last_words(stderr: &str) -> String {
    let surplus = stderr.len().saturating_sub(STDERR_BYTES);
    let start = (surplus..=stderr.len()).find(|at| stderr.is_char_boundary(*at));
    let end = stderr[start.unwrap_or_default()..].trim();
    if end.is_empty() {
        String::new()
    } else {
        format!("The end of its standard error:\n\n{end}")
    }
}
