//! When a job is due, as the config writes it.

mod cron;
mod date;
mod interval;
mod kind;
mod past;

pub(super) use kind::Kind;
pub(super) use past::warn_of_the_past;

use super::key;
use super::reader::Reader;
use super::scalar;
use super::section::{Item, Section};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Bounds, Cron, Fault, Trigger, Zone};
use crate::value::Value;
use crate::yaml::{self, Node};
use date::instant;

/// What all kinds have in common.
struct Frame {
    bounds: Bounds,
    zone: Zone,
    jitter_s: u32,
    /// Whether the zone is the config's own, and that is faulty: only what needs no zone is true.
    zone_is_faulty: bool,
}

/// Takes the trigger's keys out of a job's. `None` for a trigger that cannot be, and for a kind
/// that cannot be guessed.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    job: Span,
) -> (Option<Trigger>, Option<Kind>) {
    if let Some(item) = keys.take("triggers") {
        if let Some(kind) = keys.take("type") {
            reader.report(
                Diagnostic::error(Code::UnknownKey, "`type` and `triggers` exclude each other")
                    .at(kind.key)
                    .with_help("write this trigger into the list under `triggers`"),
            );
        }
        return (list(reader, item), None);
    }
    one(reader, keys, job)
}

/// The triggers of a list, each a mapping with a `type` of its own.
fn list(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Trigger> {
    let nodes = item.value.items().filter(|nodes| !nodes.is_empty());
    let Some(nodes) = nodes else {
        let message = format!(
            "`triggers` must be a list of triggers{}",
            scalar::but_this_is(item.value)
        );
        let help = "write `triggers: [{type: cron, hour: 4}, …]`".to_owned();
        reader.bad_value(item.value.span, message, Some(help));
        return None;
    };
    let mut triggers = Vec::with_capacity(nodes.len());
    for node in nodes {
        triggers.push(element(reader, node));
    }
    triggers
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .map(Trigger::Any)
}

fn element(reader: &mut Reader<'_>, node: &Node) -> Option<Trigger> {
    let Some(entries) = node.entries() else {
        let message = format!("a trigger must be a mapping{}", scalar::but_this_is(node));
        reader.bad_value(node.span, message, Some(as_mapping(node)));
        return None;
    };
    let mut keys = Section::read(reader, entries);
    let (trigger, kind) = one(reader, &mut keys, node.span);
    let allowed = kind.map_or_else(Vec::new, Kind::keys);
    for item in keys.rest() {
        unknown_key(reader, item, kind, &allowed);
    }
    if let Some(trigger) = &trigger {
        warn_of_the_past(reader, trigger, node.span, node);
    }
    trigger
}

/// How to write an element that is no mapping, such as `0 4 * * *`.
fn as_mapping(node: &Node) -> String {
    let expression = node.as_str().filter(|text| {
        let read = Cron::of_expression(text, Bounds::default(), Zone::utc(), 0);
        read.is_ok() && !text.contains('\n')
    });
    match expression {
        Some(text) => format!("write `{{type: cron, expression: \"{text}\"}}`"),
        None => "write, for example, `{type: cron, hour: 4}`".to_owned(),
    }
}

/// One trigger; `place` is where it begins.
fn one(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    place: Span,
) -> (Option<Trigger>, Option<Kind>) {
    let Some((kind, type_span)) = kind::read(reader, keys, place) else {
        // Without a kind nothing can be said of the trigger's keys, nor are they unknown.
        for name in [key::INTERVAL, key::CRON, key::DATE, key::BOUNDS].concat() {
            keys.take(name);
        }
        return (None, None);
    };
    let frame = frame(reader, keys, kind);
    let trigger = match kind {
        Kind::Interval => interval::read(reader, keys, &frame, type_span),
        Kind::Cron => cron::read(reader, keys, &frame, type_span),
        Kind::Date => date::read(reader, keys, &frame, type_span),
    };
    if frame.zone_is_faulty && needs_zone(kind, &frame) {
        reader.job_is_faulty();
    }
    (trigger, Some(kind))
}

/// Whether the trigger would fire at other instants in another zone.
fn needs_zone(kind: Kind, frame: &Frame) -> bool {
    match kind {
        Kind::Interval => frame.bounds != Bounds::default(),
        Kind::Cron | Kind::Date => true,
    }
}

fn frame(reader: &mut Reader<'_>, keys: &mut Section<'_>, kind: Kind) -> Frame {
    let (zone, zone_is_faulty) = zone(reader, keys);
    let jitter_s = keys
        .take("jitter")
        .and_then(|item| jitter(reader, item))
        .unwrap_or(0);
    let mut bounds = Bounds::default();
    if kind != Kind::Date {
        let start = keys.take("start_date").filter(|item| !item.value.is_null());
        let end = keys.take("end_date").filter(|item| !item.value.is_null());
        let from = start.and_then(|item| instant(reader, item, &zone));
        let to = end.and_then(|item| instant(reader, item, &zone));
        match (Bounds::new(from, to), end) {
            (Err(fault), Some(end)) => report(reader, end, fault, Code::BadValue),
            (given, _) => bounds = given.unwrap_or_default(),
        }
    }
    Frame {
        bounds,
        zone,
        jitter_s,
        zone_is_faulty,
    }
}

/// The trigger's zone, and whether it is the config's own where that is faulty. A zone of the
/// trigger that does not exist is reported; the rest is then checked as if it were UTC.
fn zone(reader: &mut Reader<'_>, keys: &mut Section<'_>) -> (Zone, bool) {
    match keys.take("timezone").filter(|item| !item.value.is_null()) {
        Some(item) => (named_zone(reader, item).unwrap_or_else(Zone::utc), false),
        None => match &reader.zone {
            Some(zone) => (zone.clone(), false),
            None => (Zone::utc(), true),
        },
    }
}

/// The zone that a `timezone` key names.
pub(super) fn named_zone(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Zone> {
    let Some(name) = item.value.as_str() else {
        let message = format!(
            "`timezone` must be the name of a time zone{}",
            scalar::but_this_is(item.value)
        );
        let help = "write a name of the IANA database, such as `Europe/Berlin` or `UTC`";
        reader.report(
            Diagnostic::error(Code::UnknownZone, message)
                .at(item.value.span)
                .with_help(help),
        );
        return None;
    };
    Zone::named(name)
        .map_err(|fault| report(reader, item, fault, Code::UnknownZone))
        .ok()
}

fn jitter(reader: &mut Reader<'_>, item: Item<'_>) -> Option<u32> {
    if item.value.is_null() {
        return None;
    }
    let duration = scalar::duration(reader, item)?;
    let seconds = u32::try_from(duration.as_secs())
        .ok()
        .filter(|_| duration.subsec_nanos() == 0);
    if seconds.is_none() {
        let message = "`jitter` must be a whole number of seconds";
        reader.bad_value(item.value.span, message, None);
    }
    seconds
}

/// Notes what is wrong with the text of a value, at the part of it that is meant.
fn report(reader: &mut Reader<'_>, item: Item<'_>, fault: Fault, code: Code) {
    let node = item.value;
    let key = format!("`{}`", item.name);
    // A zone's message says itself what it is about.
    let message = if fault.message.contains(&key) || code == Code::UnknownZone {
        fault.message
    } else {
        format!("{key}: {}", fault.message)
    };
    let part = fault
        .part
        .filter(|_| node.as_str() == Some(node.span.of(reader.text)));
    let span = part.map_or(node.span, |part| {
        let start = node.span.start as usize;
        Span::new(start + part.start, start + part.end)
    });
    let mut diagnostic = Diagnostic::error(code, message).at(span);
    // A date is no surprise where one is due.
    if !matches!(node.value(), Some(Value::Date(_) | Value::DateTime(..))) {
        diagnostic.help.extend(yaml::explain(node, reader.text));
    }
    diagnostic.help.extend(fault.help);
    reader.understand(node.span);
    reader.report(diagnostic);
}

/// Notes a key that does not exist, or belongs to another kind of trigger.
pub(super) fn unknown_key(
    reader: &mut Reader<'_>,
    item: Item<'_>,
    kind: Option<Kind>,
    allowed: &[&'static str],
) {
    let name = item.name;
    reader.understand(item.value.span);
    if kind.is_none() && is_key_of_triggers(name) {
        let message = format!("`{name}` cannot stand beside `triggers`");
        let help = "write it into each trigger of the list that it is meant for";
        let fault = Diagnostic::error(Code::UnknownKey, message).at(item.key);
        return reader.report(fault.with_help(help));
    }
    if key::is_of_calls(name) && !allowed.iter().any(|key| key::same(key, name)) {
        let message = format!("`{name}` is a key of the job, not of a trigger");
        let fault = Diagnostic::error(Code::UnknownKey, message).at(item.key);
        return reader.report(fault.with_help("write it beside `triggers`"));
    }
    if kind == Some(Kind::Date) && key::BOUNDS.contains(&&*key::canonical(name)) {
        let message = format!("`{name}` is a key of interval and cron triggers");
        let fault = Diagnostic::error(Code::UnknownKey, message).at(item.key);
        return reader.report(fault.with_help("a date trigger has `run_date`"));
    }
    let of = |other: &Kind| other.own_keys().contains(&&*key::canonical(name));
    let other = Kind::ALL.into_iter().find(of);
    let (Some(kind), Some(other)) = (kind, other) else {
        return reader.unknown_key(name, item.key, key::way_out(name, allowed));
    };
    let message = format!(
        "`{name}` is a key of {} triggers; this job is {}",
        other.word(),
        kind.noun(),
    );
    let mut diagnostic = Diagnostic::error(Code::UnknownKey, message).at(item.key);
    let help = key::help(name, kind.own_keys());
    let other = || format!("for it write `type: {}`", other.word());
    diagnostic.help.push(help.unwrap_or_else(other));
    reader.report(diagnostic);
}

/// Whether some kind of trigger has that key. Of a trigger without a kind all of them are taken.
fn is_key_of_triggers(name: &str) -> bool {
    let name = key::canonical(name);
    Kind::ALL
        .into_iter()
        .any(|kind| kind.keys().contains(&&*name))
}
