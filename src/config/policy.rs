//! How the fires of a job are treated, and what surrounds its process.

use std::time::Duration;

use super::needs::Need;
use super::reader::Reader;
use super::scalar;
use super::section::{Item, Section};
use crate::job::{Policy, Surroundings};
use crate::value::Value;
use crate::yaml::Node;

/// Reads the policy keys; what is not given stays as in `defaults`.
pub(super) fn policy(reader: &mut Reader<'_>, keys: &mut Section<'_>, defaults: &Policy) -> Policy {
    let mut policy = defaults.clone();
    let mut number = |reader: &mut Reader<'_>, name, least| {
        let item = keys.take(name)?;
        let number = scalar::whole(reader, item, least..=i64::from(u32::MAX))?;
        u32::try_from(number).ok()
    };
    if let Some(number) = number(reader, "max_instances", 1) {
        policy.max_instances = number;
    }
    if let Some(number) = number(reader, "retries", 0) {
        policy.retries = number;
    }
    for (name, place) in [
        ("coalesce", &mut policy.coalesce),
        ("run_at_start", &mut policy.run_at_start),
        ("enabled", &mut policy.enabled),
    ] {
        if let Some(truth) = keys
            .take(name)
            .and_then(|item| scalar::boolean(reader, item))
        {
            *place = truth;
        }
    }
    limit(
        reader,
        keys,
        "misfire_grace_time",
        &mut policy.misfire_grace_time,
    );
    limit(reader, keys, "timeout", &mut policy.timeout);
    if let Some(delay) = keys
        .take("retry_delay")
        .and_then(|item| scalar::duration(reader, item))
    {
        policy.retry_delay = delay;
    }
    policy
}

/// A duration above zero, or null for none.
fn limit(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    name: &str,
    place: &mut Option<Duration>,
) {
    let Some(item) = keys.take(name) else { return };
    if item.value.is_null() {
        *place = None;
        return;
    }
    match scalar::duration(reader, item) {
        Some(Duration::ZERO) => {
            let message = format!("`{name}` must be longer than zero");
            let help = "leave it out, or write null, for no limit".to_owned();
            reader.bad_value(item.value.span, message, Some(help));
        }
        Some(duration) => *place = Some(duration),
        None => {}
    }
}

/// Reads the keys of the process; what is not given stays as in `defaults`.
pub(super) fn surroundings(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    defaults: &Surroundings,
) -> Surroundings {
    let mut surroundings = defaults.clone();
    if let Some(item) = keys.take("environment file") {
        let path = scalar::text(reader, item).map(|text| reader.path(text));
        if let Some(path) = &path {
            reader.need(Need::EnvironmentFile(path.clone()), item.value.span);
        }
        surroundings.environment_file = path;
    }
    if let Some(item) = keys.take("directory") {
        let path = scalar::text(reader, item).map(|text| reader.path(text));
        if let Some(path) = &path {
            reader.need(Need::Directory(path.clone()), item.value.span);
        }
        surroundings.directory = path;
    }
    if let Some(item) = keys.take("user") {
        surroundings.user = match item.value.value() {
            Some(Value::Int(number)) if *number >= 0 => Some(number.to_string()),
            _ => scalar::text(reader, item).map(str::to_owned),
        };
        if let Some(user) = &surroundings.user {
            reader.need(Need::User(user.clone()), item.value.span);
        }
    }
    if let Some(item) = keys.take("environment") {
        environment(reader, item, &mut surroundings);
    }
    surroundings
}

fn environment(reader: &mut Reader<'_>, item: Item<'_>, surroundings: &mut Surroundings) {
    let Some(entries) = item.value.entries() else {
        let help = "write `environment: {NAME: value}`".to_owned();
        let message = format!(
            "`environment` must be a mapping{}",
            scalar::but_this_is(item.value)
        );
        reader.bad_value(item.value.span, message, Some(help));
        return;
    };
    for entry in entries.iter().filter(|entry| !entry.overridden) {
        let name = entry.key.as_str().filter(|name| is_variable(name));
        let text = environment_text(reader, &entry.value);
        match (name, text) {
            (Some(name), Some(text)) => {
                surroundings.environment.insert(name.to_owned(), text);
            }
            (None, _) => {
                let message = "this cannot be the name of an environment variable";
                reader.bad_value(entry.key.span, message, None);
            }
            (_, None) => {
                let message = "an environment variable must be text without a NUL";
                reader.bad_value(entry.value.span, message, None);
            }
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// The text of a scalar, just as it was written: `010` and `yes` stay what they are.
fn environment_text(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = match node.value()? {
        Value::None => String::new(),
        Value::Str(text) => text.clone(),
        value => node
            .written(reader.text)
            .map_or_else(|| value.str(), str::to_owned),
    };
    reader.understand(node.span);
    (!text.contains('\0')).then_some(text)
}
