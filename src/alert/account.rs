//! How mail is sent: docassemble's directive `mail`.

use lettre::message::Mailbox;

use super::mailgun::Mailgun;
use super::smtp::{Security, Server};
use crate::config::mailbox;
use crate::value::Value;

/// A sender and a way to send.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The address in `From`.
    pub(super) sender: Mailbox,
    /// Who takes the mail.
    pub(super) way: Way,
}

/// Who takes the mail.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// A mail server.
    Smtp(Server),
    /// Mailgun, by HTTP.
    Mailgun(Mailgun),
}

/// Why no mail can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AccountError {
    /// There is no address to send from.
    #[error("`mail` has no `default sender`")]
    NoSender,
    /// It is no address.
    #[error("the `default sender` of `mail` is no address: `{0}`")]
    Sender(String),
    /// A service that is not supported.
    #[error("`mail` names {0}, which sched does not support; give it an SMTP server or Mailgun")]
    Unsupported(&'static str),
}

impl Account {
    /// The account of the directive's value.
    ///
    /// Source: docassemble's own defaults; what is not of the right type counts as absent.
    pub(super) fn read(mail: Option<&Value>) -> Result<Self, AccountError> {
        let entries = chosen(mail);
        let text = |key: &str| text(entries, key);
        let sender = text("default sender").ok_or(AccountError::NoSender)?;
        let sender = mailbox(&sender).ok_or(AccountError::Sender(sender))?;
        let way = match (text("mailgun domain"), text("mailgun api key")) {
            (Some(domain), Some(key)) => Way::Mailgun(Mailgun::new(
                &domain,
                key,
                text("mailgun api url").as_deref(),
            )),
            (Some(_) | None, Some(_) | None) => Way::Smtp(server(entries)?),
        };
        Ok(Self { sender, way })
    }

    /// The name of who takes the mail, for people.
    pub(super) fn name(&self) -> &str {
        match &self.way {
            Way::Smtp(server) => &server.host,
            Way::Mailgun(_) => "Mailgun",
        }
    }
}

fn server(entries: &[(Value, Value)]) -> Result<Server, AccountError> {
    let text = |key: &str| text(entries, key);
    if text("sendgrid api key").is_some() {
        return Err(AccountError::Unsupported("SendGrid"));
    }
    let azure = ["azure client id", "azure client secret", "azure tenant id"];
    if azure.iter().all(|key| text(key).is_some()) {
        return Err(AccountError::Unsupported("Azure"));
    }
    let is_true = |key, default| get(entries, key).map_or(default, Value::is_true);
    let security = if is_true("use ssl", false) {
        Security::Tls
    } else if is_true("use tls", true) {
        Security::StartTls
    } else {
        Security::None
    };
    Ok(Server {
        host: text("server").unwrap_or_else(|| "localhost".to_owned()),
        port: text("port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(25),
        security,
        login: text("username").zip(text("password")),
    })
}

/// The mapping that counts: of a list the one called `default`, else the first.
fn chosen(mail: Option<&Value>) -> &[(Value, Value)] {
    let all = match mail {
        Some(Value::List(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let maps: Vec<&[(Value, Value)]> = all.iter().filter_map(entries).collect();
    let is_default = |map: &&&[_]| text(map, "name").as_deref() == Some("default");
    let chosen = maps.iter().find(is_default).or(maps.first());
    chosen.copied().unwrap_or_default()
}

fn entries(value: &Value) -> Option<&[(Value, Value)]> {
    if let Value::Map(entries) = value {
        Some(entries)
    } else {
        None
    }
}

fn get<'a>(entries: &'a [(Value, Value)], key: &str) -> Option<&'a Value> {
    let found = entries.iter().find(|(name, _)| name.as_str() == Some(key));
    found.map(|(_, value)| value)
}

/// The text of a key that is not empty; numbers are taken as text.
fn text(entries: &[(Value, Value)], key: &str) -> Option<String> {
    let value = get(entries, key)?;
    let is_number = matches!(value, Value::Int(_) | Value::BigInt(_));
    let text = if is_number {
        value.str()
    } else {
        value.as_str()?.trim().to_owned()
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(yaml: &str) -> Result<Account, AccountError> {
        Account::read(Some(&crate::yaml::parse_value(yaml).unwrap()))
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
        assert_eq!(sendgrid, AccountError::Unsupported("SendGrid"));
    }

    #[test]
    fn without_a_sender_there_is_no_account() {
        assert_eq!(Account::read(None).unwrap_err(), AccountError::NoSender);
        for none in ["[]", "5", "text", "{server: s}", "{default sender: [a]}"] {
            assert_eq!(account(none).unwrap_err(), AccountError::NoSender, "{none}");
        }
        let evil = account("{default sender: \"a@b.c\\r\\nBcc: x@y.z\"}");
        assert!(matches!(evil, Err(AccountError::Sender(_))));
    }

    #[test]
    fn a_password_is_not_shown() {
        let text = "{default sender: a@example.org, username: u, password: hunter22}";
        assert!(!format!("{:?}", account(text)).contains("hunter22"));
    }
}
