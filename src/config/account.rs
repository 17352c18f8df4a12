//! How mail is sent: docassemble's directive `mail`.

use std::fmt;

use lettre::message::Mailbox;

use crate::value::Value;
use crate::yaml::{Entry, Node};

/// Where messages for Mailgun go, unless `mailgun api url` says otherwise.
const MAILGUN: &str = "https://api.mailgun.net/v3/%s/messages.mime";

/// Who else sends mail for docassemble, and the keys that must all be there for it.
const SERVICES: [(&str, &[&str]); 2] = [
    ("SendGrid", &["sendgrid api key"]),
    (
        "Azure",
        &["azure client id", "azure client secret", "azure tenant id"],
    ),
];

/// A sender and a way to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The address in `From`.
    pub sender: Mailbox,
    /// Who takes the mail.
    pub way: Way,
}

/// Who takes the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A mail server.
    Smtp(Server),
    /// Mailgun, by HTTP.
    Mailgun(Mailgun),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When the connection is encrypted.
    pub security: Security,
    /// User and password.
    pub login: Option<(String, String)>,
}

/// When the connection is encrypted. There is no way back to clear text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Never.
    None,
    /// Before anything of the mail is said.
    StartTls,
    /// From the beginning.
    Tls,
}

/// An account at Mailgun.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailgun {
    /// Where messages are posted.
    pub url: String,
    /// The key that opens it.
    pub key: String,
}

/// Why no mail can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// There is no address to send from.
    #[error("`mail` has no `default sender`")]
    NoSender,
    /// It is no address.
    #[error("the `default sender` of `mail` is no address: `{0}`")]
    Sender(String),
    /// A service that is not supported, and the first key that asks for it.
    #[error("`mail` names {0}, which sched does not support; give it an SMTP server or Mailgun")]
    Unsupported(&'static str, &'static str),
}

/// The entries of the directive that count: of a list those of the mapping called `default`, else
/// of the first.
pub(super) struct Entries<'n>(Vec<&'n Entry>);

impl fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({:?})", self.host, self.port, self.security)
    }
}

impl fmt::Debug for Mailgun {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Account {
    /// The name of who takes the mail, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.way {
            Way::Smtp(server) => &server.host,
            Way::Mailgun(_) => "Mailgun",
        }
    }
}

/// The address, with or without a name; `None` for what is no address, or could be more than one.
#[must_use]
pub fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let text = text.trim();
    text.parse().ok().or_else(|| loosely(text))
}

/// An address in angle brackets behind a name that should be quoted and is not.
///
/// Source: Python's `email.utils.parseaddr`, by which docassemble reads it.
fn loosely(text: &str) -> Option<Mailbox> {
    let (name, address) = text.strip_suffix('>')?.rsplit_once('<')?;
    // With these it could be several addresses, or half of a quoted name.
    if name.contains([',', ';', ':', '<', '>', '"', '\\']) {
        return None;
    }
    // An address is no name of another.
    let name = Some(name.trim()).filter(|name| !name.is_empty() && !name.contains('@'));
    let address = address.trim().parse().ok()?;
    Some(Mailbox::new(name.map(str::to_owned), address))
}

/// The account that the directive describes.
///
/// Source: docassemble's own defaults; what is not of the right type counts as absent.
pub(super) fn read(entries: &Entries<'_>) -> Result<Account, NoAccount> {
    let way = way(entries)?;
    let sender = entries.text("default sender").ok_or(NoAccount::NoSender)?;
    let sender = mailbox(&sender).ok_or(NoAccount::Sender(sender))?;
    Ok(Account { sender, way })
}

fn way(entries: &Entries<'_>) -> Result<Way, NoAccount> {
    let domain = entries.text("mailgun domain");
    if let Some((domain, key)) = domain.zip(entries.text("mailgun api key")) {
        let url = entries.text("mailgun api url");
        let url = url.as_deref().unwrap_or(MAILGUN).replace("%s", &domain);
        return Ok(Way::Mailgun(Mailgun { url, key }));
    }
    for (service, keys) in SERVICES {
        if keys.iter().all(|key| entries.text(key).is_some()) {
            return Err(NoAccount::Unsupported(service, keys[0]));
        }
    }
    Ok(Way::Smtp(server(entries)))
}

fn server(entries: &Entries<'_>) -> Server {
    let text = |key: &str| entries.text(key);
    let security = if entries.is_true("use ssl", false) {
        Security::Tls
    } else if entries.is_true("use tls", true) {
        Security::StartTls
    } else {
        Security::None
    };
    Server {
        host: text("server").unwrap_or_else(|| "localhost".to_owned()),
        port: port(entries).unwrap_or(25),
        security,
        login: text("username").zip(text("password")),
    }
}

/// The port that is given, where it is one.
pub(super) fn port(entries: &Entries<'_>) -> Option<u16> {
    entries.text("port")?.parse().ok()
}

impl<'n> Entries<'n> {
    pub(super) fn of(mail: &'n Node) -> Self {
        let maps: Vec<Self> = mail
            .items()
            .unwrap_or_else(|| std::slice::from_ref(mail))
            .iter()
            .filter_map(Node::entries)
            .map(|entries| Self(entries.iter().filter(|entry| !entry.overridden).collect()))
            .collect();
        let is_default = |map: &Self| map.text("name").as_deref() == Some("default");
        let place = maps.iter().position(is_default).unwrap_or_default();
        maps.into_iter().nth(place).unwrap_or(Self(Vec::new()))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &'n Entry> {
        self.0.iter().copied()
    }

    /// The entry of that key.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        let mut entries = self.0.iter();
        entries
            .find(|entry| entry.key.as_str() == Some(key))
            .copied()
    }

    /// The text of a key that is not empty; numbers are taken as text.
    fn text(&self, key: &str) -> Option<String> {
        let value = self.entry(key)?.value.to_value();
        let is_number = matches!(value, Value::Int(_) | Value::BigInt(_));
        let text = if is_number {
            value.str()
        } else {
            value.as_str()?.trim().to_owned()
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn is_true(&self, key: &str, default: bool) -> bool {
        let entry = self.entry(key);
        entry.map_or(default, |entry| entry.value.to_value().is_true())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(yaml: &str) -> Result<Account, NoAccount> {
        read(&Entries::of(&crate::yaml::parse(yaml).unwrap().root))
    }

    fn smtp(yaml: &str) -> Server {
        match account(yaml).unwrap().way {
            Way::Smtp(server) => server,
            Way::Mailgun(_) => panic!("it is a server"),
        }
    }

    #[test]
    fn what_is_not_given_is_as_in_docassemble() {
        let server = smtp("{default sender: a@example.org}");
        assert_eq!((server.host.as_str(), server.port), ("localhost", 25));
        assert_eq!((server.security, server.login), (Security::StartTls, None));
    }

    #[test]
    fn every_key_is_read() {
        let server = smtp(
            "{default sender: 'A <a@example.org>', server: s, port: '465', use ssl: yes, \
             username: u, password: 123456}",
        );
        assert_eq!((server.host.as_str(), server.port), ("s", 465));
        assert_eq!(server.security, Security::Tls);
        assert_eq!(server.login, Some(("u".to_owned(), "123456".to_owned())));
        let server = smtp("{default sender: a@example.org, use tls: no, username: u}");
        assert_eq!((server.security, server.login), (Security::None, None));
    }

    #[test]
    fn of_a_list_the_default_counts() {
        let one = "{default sender: a@example.org, server: one}";
        let two = "{name: default, default sender: a@example.org, server: two}";
        assert_eq!(smtp(&format!("[{one}, {two}]")).host, "two");
        assert_eq!(smtp(&format!("[5, {one}]")).host, "one");
    }

    #[test]
    fn other_services_come_before_a_server() {
        let of = |keys: &str| account(&format!("{{default sender: a@example.org, {keys}}}"));
        let mailgun = of("mailgun domain: d, mailgun api key: k").unwrap();
        assert!(matches!(mailgun.way, Way::Mailgun(_)));
        let sendgrid = of("sendgrid api key: k").unwrap_err();
        assert_eq!(
            sendgrid,
            NoAccount::Unsupported("SendGrid", "sendgrid api key")
        );
    }

    #[test]
    fn without_a_sender_there_is_no_account() {
        for none in ["[]", "5", "text", "{server: s}", "{default sender: [a]}"] {
            assert_eq!(account(none).unwrap_err(), NoAccount::NoSender, "{none}");
        }
        let evil = account("{default sender: \"a@b.c\\r\\nBcc: x@y.z\"}");
        assert!(matches!(evil, Err(NoAccount::Sender(_))));
    }

    #[test]
    fn a_sender_may_have_any_name() {
        for (text, name) in [
            ("no-reply@example.org <no-reply@example.org>", None),
            (
                "Acme (Support) <no-reply@example.org>",
                Some("Acme (Support)"),
            ),
            ("Café [web] <no-reply@example.org>", Some("Café [web]")),
            ("\"Acme, Inc.\" <no-reply@example.org>", Some("Acme, Inc.")),
        ] {
            let sender = mailbox(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(sender.email.to_string(), "no-reply@example.org");
            assert_eq!(sender.name.as_deref(), name);
            // Recipients are kept as text.
            assert_eq!(mailbox(&sender.to_string()), Some(sender));
        }
        for text in [
            "Acme, Inc. <a@example.org>",
            "(a@example.org, B) <b@example.org>",
            "<a@example.org> (A) <b@example.org>",
            "A (B) <no address>",
            "A (B) a@example.org>",
        ] {
            assert_eq!(mailbox(text), None, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let text = "{default sender: a@example.org, username: u, password: hunter22}";
        assert!(!format!("{:?}", account(text)).contains("hunter22"));
    }
}
