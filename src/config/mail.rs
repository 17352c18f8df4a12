//! What is wrong with docassemble's directive `mail`, as far as `sched` sends mail.

use super::account::{self, Account, Entries, NoAccount, Security, Server, Way, mailbox};
use super::directives::is_cloud_secret;
use super::reader::Reader;
use super::scalar::but_this_is;
use super::section::Item;
use crate::diagnostic::{Code, Diagnostic, Span, did_you_mean, near};
use crate::secret::is_secret_key;
use crate::yaml::{Entry, Kind, Node};

/// The keys of the directive that count.
const KEYS: [&str; 15] = [
    "name",
    "default sender",
    "server",
    "port",
    "use tls",
    "use ssl",
    "username",
    "password",
    "mailgun domain",
    "mailgun api key",
    "mailgun api url",
    "sendgrid api key",
    "azure client id",
    "azure client secret",
    "azure tenant id",
];

/// Reports that the text at `span` is no address.
pub(super) fn check_address(reader: &mut Reader<'_>, text: &str, span: Span, then: &str) {
    if mailbox(text).is_none() {
        let message = format!("`{text}` is no address, so {then}");
        reader.report(
            Diagnostic::warning(Code::BadValue, message)
                .at(span)
                .with_help("write `name@example.org` or `Name <name@example.org>`"),
        );
    }
}

/// Reports that nothing says how the mail is sent that `wanted` asks for.
pub(super) fn warn_of_none(reader: &mut Reader<'_>, wanted: Item<'_>) -> NoAccount {
    reader.report(
        Diagnostic::warning(
            Code::MissingKey,
            "there is no `mail`, so no mail can be sent",
        )
        .at(wanted.key)
        .with_help(
            "give it a sender and a server, such as `mail: {default sender: sched@example.org, \
             server: localhost}`",
        ),
    );
    NoAccount::NoSender
}

/// The account of the directive; what keeps mail from being sent is reported, where there is
/// somebody who is `wanted` to get it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    item: Item<'_>,
    wanted: bool,
) -> Result<Account, NoAccount> {
    check_secrets(reader, item.value);
    let entries = Entries::of(item.value);
    let account = account::read(&entries);
    if wanted {
        check_keys(reader, &entries);
        check_values(reader, &entries);
    }
    match &account {
        Ok(Account {
            way: Way::Smtp(server),
            ..
        }) => check_password(reader, server, &entries),
        Err(NoAccount::Unsupported(service, key)) => {
            let span = entries.entry(key).map_or(item.key, |entry| entry.key.span);
            warn_of_service(reader, service, span);
        }
        Err(NoAccount::Sender(text)) if wanted => {
            let sender = entries.entry("default sender");
            let span = sender.map_or(item.key, |entry| entry.value.span);
            check_address(reader, text, span, "no mail can be sent");
        }
        Err(NoAccount::NoSender) if wanted => reader.report(
            Diagnostic::warning(
                Code::MissingKey,
                "`mail` has no `default sender`, so no mail can be sent",
            )
            .at(item.key)
            .with_help("give it one, such as `default sender: sched@example.org`"),
        ),
        Ok(_) | Err(NoAccount::Sender(_) | NoAccount::NoSender) => {}
    }
    account
}

/// Reports keys that are nearly those that count. Of others docassemble may know more.
fn check_keys(reader: &mut Reader<'_>, entries: &Entries<'_>) {
    for entry in entries.all() {
        let Some(name) = entry.key.as_str().filter(|name| !KEYS.contains(name)) else {
            continue;
        };
        let near = near(name, KEYS);
        let Some(help) = did_you_mean(&near) else {
            continue;
        };
        let message = format!("unknown key `{name}` of `mail`");
        let mut fault = Diagnostic::warning(Code::UnknownKey, message).with_help(help);
        // A value that would be hidden under its right key must not be shown with the wrong one.
        let is_secret = near.iter().any(|name| is_secret_key(name)) && !is_secret_key(name);
        fault.span = (!is_secret).then_some(entry.key.span);
        reader.report(fault);
    }
}

/// Reports values in whose place others are used.
fn check_values(reader: &mut Reader<'_>, entries: &Entries<'_>) {
    let warning = |entry: &Entry, message: String| {
        Diagnostic::warning(Code::BadValue, message).at(entry.value.span)
    };
    for name in ["use tls", "use ssl"] {
        if let Some(entry) = entries.entry(name)
            && entry.value.as_str().is_some_and(|text| !text.is_empty())
        {
            let message = format!("`{name}` must be true or false; text counts as true");
            reader.report(warning(entry, message).with_help("write true or false, unquoted"));
        }
    }
    if let Some(entry) = entries.entry("port")
        && !entry.value.is_null()
        && account::port(entries).is_none()
    {
        let found = but_this_is(&entry.value);
        let message = format!("`port` must be 1-65535{found}; 25 is used");
        let help = "587 is usual with `use tls: true`, 465 with `use ssl: true`";
        reader.report(warning(entry, message).with_help(help));
    }
    if let Some(domain) = entries.entry("mailgun domain")
        && entries.entry("mailgun api key").is_none()
    {
        let message = "`mailgun domain` does nothing without `mailgun api key`";
        reader.report(
            Diagnostic::warning(Code::MissingKey, message)
                .at(domain.key.span)
                .with_help("give the key too, or a `server` instead"),
        );
    }
}

/// Without encryption a password goes to this computer alone.
fn check_password(reader: &mut Reader<'_>, server: &Server, entries: &Entries<'_>) {
    let Server {
        host,
        security,
        login,
        ..
    } = server;
    let is_open = *security == Security::None && login.is_some();
    if let (true, Some(password)) = (is_open && !is_here(host), entries.entry("password")) {
        let message = format!("the password is not sent to `{host}`, for it would go unencrypted");
        reader.report(
            Diagnostic::warning(Code::Unsupported, message)
                .at(password.key.span)
                .with_help("set `use tls` or `use ssl` to true"),
        );
    }
}

/// Whether a server's name means this computer.
fn is_here(server: &str) -> bool {
    let address: Result<std::net::IpAddr, _> = server.parse();
    server == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn warn_of_service(reader: &mut Reader<'_>, service: &str, span: Span) {
    let message = format!("`sched` does not send mail by {service}: no mail will be sent");
    reader.report(
        Diagnostic::warning(Code::Unsupported, message)
            .at(span)
            .with_help("use an SMTP server or Mailgun, in a config of its own for `sched`"),
    );
}

/// Mail needs its own values: what lies in a cloud's secret store cannot be used.
fn check_secrets(reader: &mut Reader<'_>, node: &Node) {
    let mut nodes = vec![node];
    while let Some(node) = nodes.pop() {
        match &node.kind {
            Kind::Sequence(items) => nodes.extend(items.iter()),
            Kind::Mapping(entries) => nodes.extend(entries.iter().map(|entry| &entry.value)),
            Kind::Plain(_) | Kind::Quoted(_) | Kind::Tagged(_) => {
                if node.as_str().is_some_and(is_cloud_secret) {
                    reader.report(
                        Diagnostic::error(
                            Code::CloudSecret,
                            "this value lies in a cloud's secret store, and mail needs it",
                        )
                        .at(node.span)
                        .with_help("write the value itself into a config of its own for `sched`"),
                    );
                }
            }
        }
    }
}
