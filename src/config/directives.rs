//! The directives of docassemble that matter here, from the root of the config.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

use super::account::{Account, NoAccount};
use super::mail;
use super::outside::Overrides;
use super::reader::Reader;
use super::scalar;
use super::section::Item;
use super::trigger::named_zone;
use crate::clean;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Fault, Zone};
use crate::value::Value;
use crate::yaml::Node;

/// The directives of docassemble that matter here.
#[derive(Debug, Clone, PartialEq)]
pub struct Directives {
    /// The name of the application in mails.
    pub appname: Option<String>,
    /// The host name in mails.
    pub external_hostname: Option<String>,
    /// Who gets mails.
    pub error_notification_email: Vec<String>,
    /// How mail is sent, as written. It holds secrets.
    pub mail: Option<Value>,
    /// The same, understood.
    pub account: Result<Account, NoAccount>,
    /// Where docassemble's logs are.
    pub log: Option<PathBuf>,
    /// The host whose logs docassemble's web interface lists.
    pub log_server: Option<String>,
}

impl Default for Directives {
    /// What is so where none is given.
    fn default() -> Self {
        Self {
            appname: None,
            external_hostname: None,
            error_notification_email: Vec::new(),
            mail: None,
            account: Err(NoAccount::NoSender),
            log: None,
            log_server: None,
        }
    }
}

impl Directives {
    /// The names of those that are not as in `other`.
    pub(crate) fn differences(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let differ = [
            ("appname", self.appname != other.appname),
            (
                "external hostname",
                self.external_hostname != other.external_hostname,
            ),
            (
                "error notification email",
                self.error_notification_email != other.error_notification_email,
            ),
            ("mail", self.mail != other.mail),
            ("log", self.log != other.log),
        ];
        differ
            .into_iter()
            .filter_map(|(name, differs)| differs.then_some(name))
    }
}

/// The entries of the root, as docassemble sees them: `_` is a space, and what `config from`
/// holds replaces what stands beside it.
pub(super) struct Root<'n> {
    entries: Vec<(String, Item<'n>)>,
}

impl<'n> Root<'n> {
    /// The root mapping; keys that are not text are reported, as docassemble ignores them.
    pub(super) fn read(reader: &mut Reader<'_>, node: &'n Node) -> Option<Self> {
        let mut root = Self {
            entries: Vec::new(),
        };
        root.add(reader, node)?;
        let from = root.take("config from");
        if let Some(item) = from
            && root.add(reader, item.value).is_none()
        {
            warn_of_secret_store(reader, item.key, "config from");
        }
        Some(root)
    }

    fn add(&mut self, reader: &mut Reader<'_>, node: &'n Node) -> Option<()> {
        let known = self.entries.iter().enumerate();
        let mut places: HashMap<String, usize> = known
            .map(|(index, (name, _))| (name.clone(), index))
            .collect();
        for entry in node.entries()?.iter().filter(|entry| !entry.overridden) {
            let span = entry.key.span;
            let Some(name) = entry.key.as_str() else {
                let key = entry.key.to_value().repr();
                let message = format!("the key `{key}` is not text; docassemble ignores it");
                reader.report(Diagnostic::warning(Code::IgnoredKey, message).at(span));
                continue;
            };
            let directive = name.replace('_', " ");
            warn_of_indentation(reader, name, span);
            let item = Item {
                name,
                key: span,
                value: &entry.value,
            };
            match places.entry(directive) {
                Entry::Occupied(place) => self.entries[*place.get()].1 = item,
                Entry::Vacant(place) => {
                    self.entries.push((place.key().clone(), item));
                    place.insert(self.entries.len() - 1);
                }
            }
        }
        Some(())
    }

    /// Takes the directive of that name out.
    pub(super) fn take(&mut self, name: &str) -> Option<Item<'n>> {
        let index = self.entries.iter().position(|(known, _)| known == name)?;
        Some(self.entries.remove(index).1)
    }

    /// The names of all directives.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Span)> {
        self.entries
            .iter()
            .map(|(name, item)| (name.as_str(), item.key))
    }
}

/// Warns of a key that only looks as if it were indented.
fn warn_of_indentation(reader: &mut Reader<'_>, name: &str, key: Span) {
    let Some(blank) = name.chars().next().filter(|c| clean::is_unseen(*c)) else {
        return;
    };
    let message = format!(
        "this line begins with U+{:04X}, which is no indentation",
        u32::from(blank)
    );
    reader.report(
        Diagnostic::warning(Code::IgnoredKey, message)
            .at(key)
            .with_help("write spaces in its place, or remove it"),
    );
}

/// What the directive `timezone` says.
pub(super) enum Timezone {
    /// Nothing.
    Absent,
    /// A zone that does not exist, which is reported.
    Faulty,
    /// A zone.
    Zone(Zone),
}

/// The directive `timezone`, or the environment variable in its place.
pub(super) fn timezone(reader: &mut Reader<'_>, root: &mut Root<'_>) -> Timezone {
    let item = root.take("timezone").filter(|item| !item.value.is_null());
    let zone = match (&reader.outside.environment.timezone, item) {
        (Some(name), _) => zone_of_environment(reader, &name.clone()),
        (None, Some(item)) => named_zone(reader, item),
        (None, None) => return Timezone::Absent,
    };
    zone.map_or(Timezone::Faulty, Timezone::Zone)
}

fn zone_of_environment(reader: &mut Reader<'_>, name: &str) -> Option<Zone> {
    let report = |fault: Fault| {
        let message = format!("{} (environment variable TIMEZONE)", fault.message);
        let mut diagnostic = Diagnostic::error(Code::UnknownZone, message);
        diagnostic.help = fault.help;
        reader.report(diagnostic);
    };
    Zone::named(name).map_err(report).ok()
}

/// Reads the other directives.
pub(super) fn read(reader: &mut Reader<'_>, root: &mut Root<'_>) -> Directives {
    let Overrides {
        hostname,
        log_server,
        ..
    } = reader.outside.environment.clone();
    let mut text =
        |reader: &mut Reader<'_>, name| root.take(name).and_then(|item| word(reader, item));
    let appname = text(reader, "appname");
    let external_hostname = hostname.or_else(|| text(reader, "external hostname"));
    let log = text(reader, "log").map(PathBuf::from);
    let in_config = root.take("log server");
    let place = in_config.map(|item| item.value.span);
    let log_server = log_server.or_else(|| in_config.and_then(|item| word(reader, item)));
    if let Some(host) = &log_server {
        warn_of_log_server(reader, host, place);
    }
    let recipients = root.take("error notification email");
    if recipients.is_none() {
        warn_of_misspelt_recipients(reader, root);
    }
    let error_notification_email = recipients
        .map(|item| addresses(reader, item))
        .unwrap_or_default();
    let by_mail = root.take("mail").filter(|item| !item.value.is_null());
    let wanted = recipients.filter(|_| !error_notification_email.is_empty());
    let account = match (by_mail, wanted) {
        (Some(item), _) => mail::read(reader, item, wanted.is_some()),
        (None, Some(wanted)) => Err(mail::warn_of_none(reader, wanted)),
        (None, None) => Err(NoAccount::NoSender),
    };
    Directives {
        appname,
        external_hostname,
        error_notification_email,
        mail: by_mail.map(|item| item.value.to_value()),
        account,
        log,
        log_server,
    }
}

/// Warns of a key that is nearly the one that says who gets mail: nobody would notice before it is
/// needed. Docassemble has other directives that begin alike.
fn warn_of_misspelt_recipients(reader: &mut Reader<'_>, root: &Root<'_>) {
    const NAME: &str = "error notification email";
    let is_near = |name: &str| strsim::osa_distance(&name.replace('_', " "), NAME) <= 3;
    let Some((name, place)) = root.names().find(|(name, _)| is_near(name)) else {
        return;
    };
    let message = format!("unknown directive `{name}`, so nobody gets mail");
    reader.report(
        Diagnostic::warning(Code::UnknownKey, message)
            .at(place)
            .with_help(format!("did you mean `{NAME}`?")),
    );
}

/// The text of a directive; anything else has no effect, as in docassemble, and is told.
fn word(reader: &mut Reader<'_>, item: Item<'_>) -> Option<String> {
    match item.value.value() {
        Some(Value::None) => None,
        Some(Value::Str(text)) if is_cloud_secret(text) => {
            warn_of_secret_store(reader, item.value.span, item.name);
            None
        }
        Some(Value::Str(text)) => Some(text.clone()),
        _ => {
            let message = format!(
                "`{}` must be text{}; it has no effect",
                item.name,
                scalar::but_this_is(item.value)
            );
            reader.report(Diagnostic::warning(Code::BadValue, message).at(item.value.span));
            None
        }
    }
}

/// One address or a list of them.
fn addresses(reader: &mut Reader<'_>, item: Item<'_>) -> Vec<String> {
    let nodes = item.value.items();
    let nodes = nodes.unwrap_or_else(|| std::slice::from_ref(item.value));
    let addresses = nodes.iter().filter_map(|value| {
        let address = word(reader, Item { value, ..item })?;
        mail::check_address(reader, &address, value.span, "no mail goes there");
        Some(address)
    });
    addresses.collect()
}

fn warn_of_log_server(reader: &mut Reader<'_>, host: &str, place: Option<Span>) {
    let message =
        format!("docassemble's web interface lists the logs of `{host}`, not `scheduler.log` here");
    let mut diagnostic = Diagnostic::warning(Code::Unsupported, message);
    diagnostic.span = place;
    reader.report(diagnostic);
}

/// Whether docassemble would fetch the value from AWS Secrets Manager or Azure Key Vault.
pub(super) fn is_cloud_secret(text: &str) -> bool {
    text.starts_with("arn:aws:secretsmanager:") || text.starts_with("@Microsoft.KeyVault(")
}

/// Warns that a value was not fetched.
pub(super) fn warn_of_secret_store(reader: &mut Reader<'_>, span: Span, name: &str) {
    let message = format!(
        "`{name}` lies in a cloud's secret store; docassemble fetches it, `sched` does not"
    );
    reader.report(Diagnostic::warning(Code::CloudSecret, message).at(span));
}
