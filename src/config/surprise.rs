//! Warnings of plain scalars that mean something else than they look like.

use foldhash::HashSet;

use super::directives;
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::{Kind, Node, explain};

/// Warns of every surprising scalar in `node` whose key does not tell what is meant.
pub(super) fn warn(reader: &mut Reader<'_>, node: &Node) {
    walk(reader, node, &mut HashSet::default());
}

fn walk(reader: &mut Reader<'_>, node: &Node, seen: &mut HashSet<Span>) {
    match &node.kind {
        Kind::Plain(_) | Kind::Quoted(_) => warn_of_scalar(reader, node),
        // An alias leads to the same content again: once is enough.
        Kind::Sequence(items) if seen.insert(node.span) => {
            items.iter().for_each(|item| walk(reader, item, seen));
        }
        Kind::Mapping(entries) if seen.insert(node.span) => {
            for entry in entries.iter() {
                walk(reader, &entry.key, seen);
                walk(reader, &entry.value, seen);
            }
        }
        Kind::Sequence(_) | Kind::Mapping(_) | Kind::Tagged(_) => {}
    }
}

fn warn_of_scalar(reader: &mut Reader<'_>, node: &Node) {
    if reader.is_understood(node.span) {
        return;
    }
    if node.as_str().is_some_and(directives::is_cloud_secret) {
        directives::warn_of_secret_store(reader, node.span, "this value");
    }
    if let Some(message) = explain(node, reader.text) {
        let raw = node.span.of(reader.text);
        reader.report(
            Diagnostic::warning(Code::SurprisingValue, message)
                .at(node.span)
                .with_help(format!("write \"{raw}\" in quotes if it is meant as text")),
        );
        reader.understand(node.span);
    }
}
