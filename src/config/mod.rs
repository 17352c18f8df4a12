//! From the nodes of a config file to a [`Config`] and diagnostics.
//!
//! Text in, config and faults out: nothing here opens a file or runs a task. Whether a task exists
//! is asked of a [`Lookup`].

mod account;
mod call;
mod confidential;
mod directives;
pub mod duration;
mod job;
mod key;
mod lookup;
mod mail;
mod names;
mod needs;
mod outside;
mod policy;
mod reader;
mod scalar;
mod section;
mod settings;
mod surprise;
mod trigger;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use directives::Timezone;
use names::JobNames;
use reader::Reader;
use section::{Item, Section};

pub use account::{Account, Mailgun, NoAccount, Security, Server, Way, mailbox};
pub use call::is_dotted;
pub use directives::Directives;
pub use key::same as is_same_key;
pub use lookup::{Answer, Lookup, Reference, Role, TasksPlace};
pub use needs::{Need, Needed};
pub use outside::{Outside, Overrides};
pub use settings::{DocassembleContext, Settings, ZoneOrigin};

use crate::diagnostic::{Code, Diagnostic, Span, near};
use crate::job::{Job, Roster};
use crate::secret::Secrets;
use crate::yaml::{self, Entry, Node};

/// A config as understood, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The settings of the `scheduler` section.
    pub settings: Settings,
    /// The directives of docassemble that matter here.
    pub directives: Directives,
    /// The jobs that can be scheduled, in the order of the file.
    pub jobs: Roster,
    /// The names of the jobs that are left out, because their schedule or policy is faulty.
    pub faulty: Vec<String>,
}

/// What reading a config gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What could be understood; `None` where the text is not YAML or has no usable `scheduler`
    /// section.
    pub config: Option<Config>,
    /// How many jobs the text has, faulty ones included.
    pub jobs: usize,
    /// Every fault, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The dotted names that must exist and were not looked up yet.
    pub references: Vec<Reference>,
    /// What else jobs need, as far as it was not looked up yet.
    pub needs: Vec<Needed>,
    /// What must not be shown, by its value: as YAML reads it, however it is written.
    pub secrets: Secrets,
}

impl Config {
    /// Keeps the settings of `old` where those here are faulty.
    pub(crate) fn keep_settings(&mut self, old: &Settings) {
        self.settings.keep(old);
        let handler = self.settings.error_handler.as_deref();
        self.jobs = with_handler(self.jobs.to_vec(), handler);
    }
}

impl Reading {
    /// The reading of a text that is not YAML.
    #[must_use]
    pub fn of_fault(diagnostic: Diagnostic) -> Self {
        Self {
            config: None,
            jobs: 0,
            diagnostics: vec![diagnostic],
            references: Vec::new(),
            needs: Vec::new(),
            secrets: Secrets::default(),
        }
    }

    /// Whether nothing is wrong but what is worth a warning.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Says that the dotted names are not looked up, and why.
    pub fn leave_unchecked(&mut self, why: &str) {
        self.diagnostics.push(lookup::unchecked(why));
        self.diagnostics.sort_by_key(|one| one.span);
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, diagnostics: Vec<Diagnostic>) {
        self.diagnostics.extend(diagnostics);
        self.diagnostics.sort_by_key(|one| one.span);
    }

    /// Adds the faults of the dotted names, and of what else jobs need, as `lookup` sees them.
    pub fn look_up(&mut self, lookup: &dyn Lookup) {
        let jobs = self.config.as_ref().map(|config| config.jobs.clone());
        let jobs = jobs.unwrap_or_default();
        let references = std::mem::take(&mut self.references);
        let mut faults = lookup::check(&references, &jobs, lookup);
        let needs = std::mem::take(&mut self.needs);
        // Where the Python that the config names does not answer, that is the place to mend.
        let python = needs.iter().find(|one| one.need == Need::Python);
        for fault in &mut faults {
            fault.span = fault.span.or(python.map(|one| one.span));
        }
        self.diagnostics.extend(faults);
        self.diagnostics.extend(needs::check(&needs, &jobs, lookup));
        self.diagnostics.sort_by_key(|one| one.span);
    }
}

/// Reads a config from its text.
#[must_use]
pub fn read(text: &str, outside: &Outside) -> Reading {
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(mut diagnostic) => {
            confidential::hide_at_secrets(std::slice::from_mut(&mut *diagnostic), text);
            return Reading::of_fault(*diagnostic);
        }
    };
    let yaml::Document { root, duplicates } = document;
    let secrets = confidential::secrets(text, &root);
    let mut reader = Reader::new(text, outside);
    let mut names = JobNames::default();
    let config = self::root(&mut reader, root, &mut names);
    names::warn_of_doubled(&mut reader, &duplicates, &names);
    let (mut diagnostics, references, needs) = reader.finish();
    confidential::hide(&mut diagnostics, &secrets);
    confidential::hide_at_secrets(&mut diagnostics, text);
    Reading {
        config,
        jobs: names.count,
        diagnostics,
        references,
        needs,
        secrets,
    }
}

/// The config. Of its nodes nothing is left but what jobs were made of, one after the other: all of
/// both would be the most that is ever held.
fn root(reader: &mut Reader<'_>, node: Node, names: &mut JobNames) -> Option<Config> {
    let Some(mut root) = directives::Root::read(reader, &node) else {
        let what = if node.is_null() {
            "the file is empty"
        } else {
            "the file is not a mapping"
        };
        reader.report(
            Diagnostic::error(Code::MissingSection, what)
                .with_help("write a `scheduler:` section with jobs into it"),
        );
        return None;
    };
    let zone = directives::timezone(reader, &mut root);
    let directives = directives::read(reader, &mut root);
    let Some(Item { key, value, .. }) = root.take("scheduler") else {
        missing_section(reader, &root);
        return None;
    };
    if value.entries().is_none() && !value.is_null() {
        let found = scalar::but_this_is(value);
        let message = format!("`scheduler` must be a mapping of jobs{found}");
        let help = "write each job as a key: `test.heartbeat:`, without a hyphen before it";
        reader.bad_value(value.span, message, Some(help.to_owned()));
        return None;
    }
    let section = value.clone();
    drop(root);
    drop(node);
    let (settings, defaults) = settings(reader, &section, zone);
    reader.handler_of_all.clone_from(&settings.error_handler);
    let (jobs, faulty) = jobs(reader, section, &defaults, names);
    if names.count == 0 {
        let message = "the `scheduler` section has no jobs";
        reader.report(
            Diagnostic::warning(Code::EmptySection, message)
                .at(key)
                .with_help("a job is a key such as `test.heartbeat:` with `type` and a schedule"),
        );
    }
    let jobs = with_handler(jobs, settings.error_handler.as_deref());
    Some(Config {
        settings,
        directives,
        jobs,
        faulty,
    })
}

/// The jobs with the error handler of all jobs, where there is one: it comes before a job's own.
///
/// Source: docassemble.Scheduler 0.2.
fn with_handler(jobs: Vec<Arc<Job>>, handler: Option<&str>) -> Roster {
    let Some(handler) = handler else {
        return jobs.into_iter().collect();
    };
    let with = |mut job: Arc<Job>| {
        Arc::make_mut(&mut job).error_handler = Some(handler.to_owned());
        job
    };
    jobs.into_iter().map(with).collect()
}

fn missing_section(reader: &mut Reader<'_>, root: &directives::Root<'_>) {
    let near = near("scheduler", root.names().map(|(name, _)| name));
    let mut diagnostic = Diagnostic::error(Code::MissingSection, "there is no `scheduler` section");
    if let Some(name) = near.first() {
        diagnostic.span = root
            .names()
            .find(|(known, _)| known == name)
            .map(|(_, span)| span);
        diagnostic
            .help
            .push(format!("`{name}` was probably meant to be `scheduler`"));
    } else {
        diagnostic
            .help
            .push("write `scheduler:` at the start of a line, and jobs into it".to_owned());
    }
    reader.report(diagnostic);
}

fn settings(reader: &mut Reader<'_>, section: &Node, zone: Timezone) -> (Settings, job::Defaults) {
    let entries = section.entries().unwrap_or_default();
    let own: Vec<Entry> = entries
        .iter()
        .filter(|entry| is_setting(&entry.key))
        .cloned()
        .collect();
    let mut keys = Section::read(reader, &own);
    settings::read(reader, &mut keys, zone)
}

fn is_setting(key: &Node) -> bool {
    let is_one = |name: &str| key::SETTINGS.iter().any(|setting| key::same(setting, name));
    key.as_str().is_some_and(is_one)
}

/// The jobs that can be scheduled, and the names of those that cannot.
fn jobs(
    reader: &mut Reader<'_>,
    section: Node,
    defaults: &job::Defaults,
    names: &mut JobNames,
) -> (Vec<Arc<Job>>, Vec<String>) {
    let entries = section.entries().unwrap_or_default();
    let named = names.of(entries.iter().map(job_key));
    let (mut jobs, mut faulty) = (Vec::with_capacity(names.count), Vec::new());
    for (entry, name) in section.into_entries().into_iter().flatten().zip(named) {
        let Some(name) = name else {
            names.count += usize::from(entry.key.as_str().is_none());
            report_no_job(reader, &entry);
            continue;
        };
        match job::read(reader, &name, entry.key.span, &entry.value, defaults) {
            Some(job) => jobs.push(Arc::new(job)),
            None => faulty.push(name),
        }
    }
    (jobs, faulty)
}

/// The key of a job, and where it is; `None` for anything else.
fn job_key(entry: &Entry) -> Option<(&str, Span)> {
    let key = entry.key.as_str()?;
    let is_value = entry.value.value().is_some() && !entry.value.is_null();
    let is_job = !is_setting(&entry.key) && (key.contains('.') || !is_value);
    is_job.then_some((key, entry.key.span))
}

/// Says what is wrong with an entry that is neither a job nor a setting.
fn report_no_job(reader: &mut Reader<'_>, entry: &Entry) {
    match entry.key.as_str() {
        None => report_name(reader, &entry.key),
        Some(_) if is_setting(&entry.key) => {}
        Some(key) => unknown_setting(reader, key, entry),
    }
}

/// Says that a job's name is no text: `off` is not in YAML.
fn report_name(reader: &mut Reader<'_>, key: &Node) {
    let message = format!("a job's name must be text, not {}", key.to_value().repr());
    let mut diagnostic = Diagnostic::error(Code::BadName, message).at(key.span);
    let written = key.written(reader.text).filter(|text| !text.is_empty());
    let help = written.map(|text| format!("for text put it into quotes: `\"{text}\":`"));
    diagnostic.help.extend(help);
    reader.report(diagnostic);
}

fn unknown_setting(reader: &mut Reader<'_>, name: &str, entry: &Entry) {
    let message = format!("unknown setting `{name}`");
    let mut diagnostic = Diagnostic::error(Code::UnknownKey, message).at(entry.key.span);
    diagnostic
        .help
        .push(key::way_out_of_settings(name).unwrap_or_else(|| {
            "a job's name is FILE.FUNCTION, such as `test.heartbeat`, and its value a mapping"
                .to_owned()
        }));
    reader.report(diagnostic);
}
