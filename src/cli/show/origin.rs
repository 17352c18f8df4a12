//! Where each value of what is shown comes from: a comment behind its line.

use std::collections::BTreeMap;

use crate::clean;
use crate::config::{Config, Overrides, ZoneOrigin, is_same_key};
use crate::diagnostic::place::Lines;
use crate::job::Job;
use crate::run::Level;
use crate::trigger::Unit;
use crate::yaml::{self, Entry, Node};

/// What nobody has written.
const DEFAULT: &str = "default";

/// What a config was read from.
pub(super) struct Source<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// How the file is named.
    pub(super) name: &'a str,
    /// What the environment said in place of the file.
    pub(super) overrides: &'a Overrides,
}

/// The text that shows `config`, each line with where its value comes from.
pub(super) fn annotated(text: &str, config: &Config, source: &Source<'_>) -> String {
    let (Ok(shown), Ok(written)) = (yaml::parse(text), yaml::parse(source.text)) else {
        // Neither happens: the config has been read, and what is shown is read back by tests.
        return text.to_owned();
    };
    let origins = Origins::new(config, source, &written.root);
    let mut notes = Notes {
        lines: Lines::of(text),
        of_lines: BTreeMap::new(),
    };
    origins.root(&shown.root, &mut notes);
    notes.write(text)
}

/// The comments, by the lines of what is shown.
struct Notes<'t> {
    lines: Lines<'t>,
    of_lines: BTreeMap<usize, String>,
}

impl Notes<'_> {
    fn add(&mut self, shown: &Entry, origin: String) {
        let line = self.lines.position(shown.key.span.start).line;
        // Of a list's item, the first key stands for the item.
        self.of_lines.entry(line).or_insert(origin);
    }

    fn write(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() * 2);
        for (index, line) in text.lines().enumerate() {
            out.push_str(line);
            if let Some(origin) = self.of_lines.get(&(index + 1)) {
                out.push_str("  # ");
                out.push_str(&clean::line(origin));
            }
            out.push('\n');
        }
        out
    }
}

/// The text of a config as nodes, and who else has a say.
struct Origins<'a> {
    config: &'a Config,
    source: &'a Source<'a>,
    lines: Lines<'a>,
    root: &'a Node,
    /// What replaces entries of the root.
    from: Option<&'a Node>,
    section: Option<&'a Node>,
    job_defaults: Option<&'a Node>,
}

impl<'a> Origins<'a> {
    fn new(config: &'a Config, source: &'a Source<'a>, root: &'a Node) -> Self {
        let from = entry(root, "config from").map(|from| &from.value);
        let section = from.and_then(|from| entry(from, "scheduler"));
        let section = section.or_else(|| entry(root, "scheduler"));
        let section = section.map(|section| &section.value);
        let defaults = section.and_then(|section| entry(section, "job defaults"));
        Self {
            config,
            source,
            lines: Lines::of(source.text),
            root,
            from,
            section,
            job_defaults: defaults.map(|defaults| &defaults.value),
        }
    }

    fn root(&self, shown: &Node, notes: &mut Notes<'_>) {
        for part in entries(shown) {
            let name = name(part);
            notes.add(part, self.directive(name));
            if name != "scheduler" {
                let written = self.directive_entry(name);
                self.nested(&part.value, written.map(|written| &written.value), notes);
                continue;
            }
            for part in entries(&part.value) {
                match self.config.jobs.named(self::name(part)) {
                    Some(job) => self.job(job, part, notes),
                    None => notes.add(part, self.setting(self::name(part))),
                }
            }
        }
    }

    fn job(&self, job: &Job, shown: &Entry, notes: &mut Notes<'_>) {
        let section = self.section.map(entries).unwrap_or_default();
        let own = section.iter().find(|one| one.key.span == job.span);
        notes.add(shown, self.place_or_default(own));
        let own = own.map(|own| &own.value);
        for part in entries(&shown.value) {
            let name = name(part);
            notes.add(part, self.of_job(own, name));
            let written = own.and_then(|own| entry(own, name));
            let written = written.map(|written| &written.value);
            match name {
                "triggers" => self.triggers(&part.value, written, notes),
                "environment" => self.environment(&part.value, written, notes),
                _ => self.nested(&part.value, written, notes),
            }
        }
    }

    /// The triggers of a list, each with keys of its own.
    fn triggers(&self, shown: &Node, written: Option<&Node>, notes: &mut Notes<'_>) {
        let written = written.and_then(Node::items).unwrap_or_default();
        for (shown, written) in shown.items().unwrap_or_default().iter().zip(written) {
            for part in entries(shown) {
                notes.add(part, self.of_trigger(Some(written), name(part)));
            }
        }
    }

    /// Variables: the job's own, and those that all jobs have.
    fn environment(&self, shown: &Node, written: Option<&Node>, notes: &mut Notes<'_>) {
        let common = self.job_defaults.and_then(|all| entry(all, "environment"));
        for part in entries(shown) {
            let of = |node: &'a Node| equal(node, &part.key);
            let own = written.and_then(|written| equal(written, &part.key));
            let origin = match (own, common.and_then(|common| of(&common.value))) {
                (None, Some(common)) => self.of_all_jobs(common),
                (own, _) => self.place_or_default(own),
            };
            notes.add(part, origin);
        }
    }

    /// What lies within a value that is shown as it was written.
    fn nested(&self, shown: &Node, written: Option<&Node>, notes: &mut Notes<'_>) {
        for part in entries(shown) {
            if let Some(written) = written.and_then(|written| equal(written, &part.key)) {
                notes.add(part, self.place(written));
                self.nested(&part.value, Some(&written.value), notes);
            }
        }
    }

    fn directive_entry(&self, name: &str) -> Option<&'a Entry> {
        let from = self.from.and_then(|from| entry(from, name));
        from.or_else(|| entry(self.root, name))
    }

    fn directive(&self, name: &str) -> String {
        let Overrides {
            hostname,
            log_server,
            ..
        } = self.source.overrides;
        match name {
            "external hostname" if hostname.is_some() => variable("DAHOSTNAME"),
            "log server" if log_server.is_some() => variable("LOGSERVER"),
            _ => self.place_or_default(self.directive_entry(name)),
        }
    }

    fn setting_entry(&self, name: &str) -> Option<&'a Entry> {
        self.section.and_then(|section| given(section, name))
    }

    fn setting(&self, name: &str) -> String {
        match self.setting_entry(name) {
            _ if name == "timezone" => self.zone(),
            Some(written) if self.is_faulty(name, written) => {
                format!("{DEFAULT}: {} is faulty", self.place(written))
            }
            written => self.place_or_default(written),
        }
    }

    /// Whether what is written of a setting is not what is used.
    fn is_faulty(&self, name: &str, written: &Entry) -> bool {
        let level = written.value.to_value().str();
        let is_no_level = name == "log level" && Level::named(level.trim()).is_none();
        is_no_level || self.config.settings.faulty.contains(&name)
    }

    /// Where the zone of triggers without one comes from.
    fn zone(&self) -> String {
        match self.config.settings.timezone_from {
            ZoneOrigin::Scheduler => self.place_or_default(self.setting_entry("timezone")),
            ZoneOrigin::Docassemble if self.source.overrides.timezone.is_some() => {
                variable("TIMEZONE")
            }
            ZoneOrigin::Docassemble => self.place_or_default(self.directive_entry("timezone")),
            ZoneOrigin::Tz => variable("TZ"),
            ZoneOrigin::System => "the system".to_owned(),
        }
    }

    fn of_job(&self, own: Option<&Node>, name: &str) -> String {
        let common = || self.job_defaults.and_then(|all| entry(all, name));
        let within = |key: &str| own.and_then(|own| entry(own, key));
        let written = match name {
            // The handler of all jobs comes before a job's own.
            "error handler" => self.setting_entry(name).or_else(|| within(name)),
            "contextmanager" => own.and_then(|own| given(own, name)).or_else(|| {
                let kwargs = within("kwargs")?;
                entry(&kwargs.value, name)
            }),
            _ => within(name),
        };
        match (written, common()) {
            (Some(written), _) => self.place(written),
            (None, Some(common)) => self.of_all_jobs(common),
            (None, None) => self.of_trigger(own, name),
        }
    }

    fn of_trigger(&self, own: Option<&Node>, name: &str) -> String {
        let mut names = vec![name];
        // How long an interval is may be written in other units than it is shown in.
        let units = Unit::ALL.map(Unit::key);
        if units.contains(&name) {
            names.extend(units);
        }
        let written = names
            .into_iter()
            .find_map(|name| own.and_then(|own| given(own, name)));
        match written {
            None if name == "timezone" => self.zone(),
            written => self.place_or_default(written),
        }
    }

    fn of_all_jobs(&self, written: &Entry) -> String {
        format!("{}, job defaults", self.place(written))
    }

    fn place_or_default(&self, written: Option<&Entry>) -> String {
        written.map_or_else(|| DEFAULT.to_owned(), |written| self.place(written))
    }

    fn place(&self, written: &Entry) -> String {
        let line = self.lines.position(written.key.span.start).line;
        format!("{}:{line}", self.source.name)
    }
}

fn variable(name: &str) -> String {
    format!("environment variable {name}")
}

fn entries(node: &Node) -> &[Entry] {
    node.entries().unwrap_or_default()
}

fn name(entry: &Entry) -> &str {
    entry.key.as_str().unwrap_or_default()
}

/// The entry of a mapping that counts for a key of ours.
fn entry<'n>(mapping: &'n Node, key: &str) -> Option<&'n Entry> {
    let mut last_first = entries(mapping).iter().rev();
    last_first.find(|entry| is_same_key(name(entry), key))
}

/// The same, where it is not null.
fn given<'n>(mapping: &'n Node, key: &str) -> Option<&'n Entry> {
    entry(mapping, key).filter(|entry| !entry.value.is_null())
}

/// The entry of a mapping with just that key.
fn equal<'n>(mapping: &'n Node, key: &Node) -> Option<&'n Entry> {
    let key = key.to_value();
    let mut last_first = entries(mapping).iter().rev();
    last_first.find(|entry| entry.key.to_value() == key)
}
