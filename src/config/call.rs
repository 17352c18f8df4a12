//! What a job calls, and with what: command, arguments, context manager.

use std::collections::HashMap;

use super::lookup::Role;
use super::needs::Need;
use super::reader::Reader;
use super::scalar;
use super::section::{Item, Section};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::job::Task;
use crate::value::Value;
use crate::yaml::Node;

/// A list makes a command without a shell, text one for the shell.
pub(super) fn command(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Task> {
    let task = match item.value.value() {
        Some(Value::Str(text)) if !text.trim().is_empty() => Some(Task::Shell(text.clone())),
        Some(_) => None,
        None => words(reader, item.value)
            .filter(|words| !words.is_empty())
            .map(Task::Command),
    };
    let has_nul = match &task {
        Some(Task::Shell(text)) => text.contains('\0'),
        Some(Task::Command(words)) => words.iter().any(|word| word.contains('\0')),
        Some(Task::Named(_)) | None => false,
    };
    if has_nul {
        let message = "`command` holds a NUL character, which no program can be given";
        let help = "between double quotes YAML reads `\\0` as one: write single quotes".to_owned();
        reader.bad_value(item.value.span, message, Some(help));
        return None;
    }
    if let Some(Task::Command(words)) = &task {
        let span = item
            .value
            .items()
            .map_or(item.value.span, |items| items[0].span);
        reader.need(Need::Program(words[0].clone().into()), span);
    }
    if task.is_none() {
        let message = match item.value.items() {
            None | Some([]) => format!(
                "`command` must be a list of words or text{}",
                scalar::but_this_is(item.value)
            ),
            Some(_) => "each word of `command` must be text or a number".to_owned(),
        };
        let help = "write `command: [program, argument]`, or text for /bin/sh".to_owned();
        reader.bad_value(item.value.span, message, Some(help));
    }
    task
}

/// The words of a command: text as it is, other plain scalars as they were written.
fn words(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let word = |item: &Node| {
        let word = match item.value()? {
            Value::Str(text) => text.clone(),
            Value::None => return None,
            value => item
                .written(reader.text)
                .map_or_else(|| value.str(), str::to_owned),
        };
        reader.understand(item.span);
        Some(word)
    };
    node.items()?.iter().map(word).collect()
}

/// The positional arguments: whatever Python's `list()` takes.
pub(super) fn args(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Vec<Value>> {
    Some(match item.value.to_value() {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => items,
        Value::Str(text) => {
            let written = item.value.span.of(reader.text);
            warn_of_args(reader, item, "characters", &one_item(written, &text));
            text.chars()
                .map(|char| Value::Str(char.to_string()))
                .collect()
        }
        Value::Map(entries) => {
            warn_of_args(reader, item, "keys", "[{…}]");
            entries.into_iter().map(|(key, _)| key).collect()
        }
        Value::Bytes(bytes) => {
            warn_of_args(reader, item, "numbers", "[!!binary …]");
            bytes
                .into_iter()
                .map(|byte| Value::Int(byte.into()))
                .collect()
        }
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Date(_)
        | Value::DateTime(..) => {
            unusable(
                reader,
                item,
                "a list",
                "write a list such as `args: [one, 2]`",
            );
            return None;
        }
    })
}

/// How a list is written of the one text that was `written` so.
fn one_item(written: &str, text: &str) -> String {
    const LONGEST: usize = 60;
    let is_quoted = written.starts_with(['\'', '"']);
    if written.len() > LONGEST || written.contains('\n') {
        "[…]".to_owned()
    } else if is_quoted || !written.contains(|c| ",[]{}#:?&*!|>%@`'\"".contains(c)) {
        format!("[{written}]")
    } else {
        format!("['{}']", text.replace('\'', "''"))
    }
}

fn warn_of_args(reader: &mut Reader<'_>, item: Item<'_>, becomes: &str, list: &str) {
    let noun = scalar::noun(&item.value.to_value());
    let message = format!("`args` is {noun}: the function gets its {becomes} one by one");
    reader.report(
        Diagnostic::warning(Code::BadValue, message)
            .at(item.value.span)
            .with_help(format!("to pass it as one argument write `args: {list}`")),
    );
}

/// Keyword arguments, and the context manager that lay among them.
type Keywords = (Vec<(Value, Value)>, Option<String>);

/// The keyword arguments, whatever Python's `dict()` takes, and the context manager that may lie
/// among them.
pub(super) fn kwargs(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Keywords> {
    let Some(mut entries) = pairs(item.value.to_value()) else {
        unusable(
            reader,
            item,
            "a mapping",
            "write a mapping such as `kwargs: {name: value}`",
        );
        return None;
    };
    if entries.iter().any(|(key, _)| !matches!(key, Value::Str(_))) {
        let message = "keyword arguments must have text as their names";
        let place = key_place(item.value, |key| key.as_str().is_none());
        let fault = Diagnostic::error(Code::BadValue, message).at(place);
        reader.report_call(fault.with_help("put the name into quotes"));
    }
    let is_context = |(key, _): &(Value, Value)| *key == Value::Str("contextmanager".to_owned());
    let context = entries
        .iter()
        .position(is_context)
        .map(|index| entries.remove(index).1);
    let name = match context {
        Some(Value::Str(name)) if is_dotted(&name) => Some(name),
        None | Some(Value::None) => None,
        Some(_) => {
            no_dotted_name(reader, item, Role::ContextManager);
            None
        }
    };
    if let Some(name) = &name {
        let place = key_place(item.value, |key| key.as_str() == Some("contextmanager"));
        reader.refer(name, place, Role::ContextManager);
    }
    Some((entries, name))
}

/// Where the first such key of a mapping is; else the mapping.
fn key_place(node: &Node, is_meant: impl Fn(&Node) -> bool) -> Span {
    let mut keys = node
        .entries()
        .unwrap_or_default()
        .iter()
        .map(|entry| &entry.key);
    keys.find(|key| is_meant(key))
        .map_or(node.span, |key| key.span)
}

/// What `dict()` makes of a value: a mapping, or a list of things with two items each.
fn pairs(value: Value) -> Option<Vec<(Value, Value)>> {
    let items = match value {
        Value::Map(entries) => return Some(entries),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => items,
        _ => return None,
    };
    let entries: Vec<(Value, Value)> = items.into_iter().map(pair).collect::<Option<_>>()?;
    let mut places = HashMap::with_capacity(entries.len());
    let mut kept: Vec<(&Value, &Value)> = Vec::with_capacity(entries.len());
    for (key, value) in &entries {
        let place = *places.entry(key.key().ok()?).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(entry) => entry.1 = value,
            None => kept.push((key, value)),
        }
    }
    if kept.len() == entries.len() {
        return Some(entries);
    }
    let kept = kept.into_iter();
    Some(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

/// The two items of a value that has two.
fn pair(value: Value) -> Option<(Value, Value)> {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(text) => text
            .chars()
            .map(|char| Value::Str(char.to_string()))
            .collect(),
        _ => return None,
    };
    let [key, value] = <[Value; 2]>::try_from(items).ok()?;
    Some((key, value))
}

fn unusable(reader: &mut Reader<'_>, item: Item<'_>, wanted: &str, help: &str) {
    let name = item.name;
    let message = format!(
        "`{name}` must be {wanted}{}; the job is called without",
        scalar::but_this_is(item.value)
    );
    reader.report_call(
        Diagnostic::error(Code::BadValue, message)
            .at(item.value.span)
            .with_help(help),
    );
}

/// The dotted name of a function of the given role; null for none.
pub(super) fn function(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    name: &str,
    role: Role,
) -> Option<String> {
    function_of(reader, keys.take(name)?, role)
}

/// The same of a key that is at hand.
pub(super) fn function_of(reader: &mut Reader<'_>, item: Item<'_>, role: Role) -> Option<String> {
    match item.value.value() {
        Some(Value::None) => None,
        Some(Value::Str(name)) if is_dotted(name) => {
            reader.refer(name, item.value.span, role);
            Some(name.clone())
        }
        _ => {
            no_dotted_name(reader, item, role);
            None
        }
    }
}

fn no_dotted_name(reader: &mut Reader<'_>, item: Item<'_>, role: Role) {
    let name = if item.name == "kwargs" {
        "contextmanager"
    } else {
        item.name
    };
    let help = match role {
        Role::ContextManager => "write FILE.NAME, such as `test_context.SchedulerContext`",
        Role::Task | Role::ErrorHandler => "write FILE.FUNCTION, such as `alerts.on_error`",
    };
    reader.report_call(
        Diagnostic::error(Code::BadValue, format!("`{name}` must be a dotted name"))
            .at(item.value.span)
            .with_help(help),
    );
}

/// Whether a name has at least two parts, none of them empty or able to leave the tasks folder.
#[must_use]
pub fn is_dotted(name: &str) -> bool {
    let good = |part: &str| !part.is_empty() && !part.contains(['/', '\\', '\0']);
    name.contains('.') && name.split('.').all(good) && !name.contains(char::is_whitespace)
}
