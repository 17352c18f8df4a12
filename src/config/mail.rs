//! What is wrong with docassemble's directive `mail`, as far as `sched` sends mail.

use lettre::message::Mailbox;

use super::directives::is_cloud_secret;
use super::reader::Reader;
use super::section::Item;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::{Entry, Kind, Node};

/// Who else sends mail for docassemble, and the keys that all must be there for it.
const SERVICES: [(&str, &[&str]); 2] = [
    ("SendGrid", &["sendgrid api key"]),
    (
        "Azure",
        &["azure client id", "azure client secret", "azure tenant id"],
    ),
];

/// The address, with or without a name; `None` for what is no address, or could be more than one.
#[must_use]
pub fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    text.trim().parse().ok()
}

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

/// Reports that there is nothing that says how the mail is sent that `wanted` asks for.
pub(super) fn warn_of_none(reader: &mut Reader<'_>, wanted: Item<'_>) {
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
}

/// Reports what keeps mail from being sent; `wanted` where there is somebody to send it to.
pub(super) fn check(reader: &mut Reader<'_>, item: Item<'_>, wanted: bool) {
    check_secrets(reader, item.value);
    let entries = chosen(item.value);
    let found = |name: &str| {
        entries
            .iter()
            .find(|entry| entry.key.as_str() == Some(name))
    };
    let is_set = |name: &str| found(name).is_some_and(|entry| entry.value.to_value().is_true());
    if is_set("mailgun domain") && is_set("mailgun api key") {
        return check_sender(reader, item, &entries, wanted);
    }
    for (service, names) in SERVICES {
        if let Some(entry) = found(names[0]).filter(|_| names.iter().all(|name| is_set(name))) {
            return warn_of_service(reader, service, entry.key.span);
        }
    }
    check_sender(reader, item, &entries, wanted);
    let is_open = found("use tls").is_some_and(|entry| !entry.value.to_value().is_true())
        && !is_set("use ssl");
    let server = found("server").and_then(|entry| entry.value.as_str());
    if let (true, Some(server), Some(password)) = (is_open, server, found("password"))
        && is_set("username")
        && is_set("password")
        && !is_here(server)
    {
        let message =
            format!("the password is not sent to `{server}`, for it would go unencrypted");
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

/// The entries that count: of a list those of the one called `default`, else of the first.
fn chosen(node: &Node) -> Vec<&Entry> {
    let maps: Vec<&Node> = match node.items() {
        Some(items) => items
            .iter()
            .filter(|item| item.entries().is_some())
            .collect(),
        None => vec![node],
    };
    let is_default = |node: &&&Node| {
        let mut entries = node.entries().into_iter().flatten();
        entries.any(|entry| {
            entry.key.as_str() == Some("name") && entry.value.as_str() == Some("default")
        })
    };
    let node = maps.iter().find(is_default).or(maps.first());
    let entries = node.and_then(|node| node.entries());
    let entries = entries.into_iter().flatten();
    entries.filter(|entry| !entry.overridden).collect()
}

fn check_sender(reader: &mut Reader<'_>, item: Item<'_>, entries: &[&Entry], wanted: bool) {
    if !wanted {
        return;
    }
    let is_sender = |entry: &&&Entry| entry.key.as_str() == Some("default sender");
    let sender = entries.iter().find(is_sender).map(|entry| &entry.value);
    match sender.and_then(|value| value.as_str().zip(Some(value.span))) {
        Some((sender, span)) if !sender.trim().is_empty() => {
            check_address(reader, sender, span, "no mail can be sent");
        }
        _ => reader.report(
            Diagnostic::warning(
                Code::MissingKey,
                "`mail` has no `default sender`, so no mail can be sent",
            )
            .at(item.key)
            .with_help("give it one, such as `default sender: sched@example.org`"),
        ),
    }
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
