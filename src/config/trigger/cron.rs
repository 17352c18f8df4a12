//! A cron trigger, as the config writes it.

use super::{Frame, report};
use crate::config::reader::Reader;
use crate::config::section::{Item, Section};
use crate::config::{key, scalar};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::cron::{Field, Name};
use crate::trigger::{Cron, Trigger};
use crate::value::Value;
use crate::yaml::{self, Node};

/// Takes the fields or the expression of a cron trigger; `place` is where its type is.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    frame: &Frame,
    place: Span,
) -> Option<Trigger> {
    let expression = keys.take("expression").filter(|item| !item.value.is_null());
    let (fields, good) = fields(reader, keys, expression);
    let Frame {
        bounds,
        zone,
        jitter_s,
        ..
    } = frame;
    let cron = match expression {
        Some(item) => self::expression(reader, item, frame)?,
        None if fields.is_empty() && good && !keys.has_near(key::CRON) => {
            let message = "a cron trigger needs at least one field";
            let help = "write, for example, `hour: 4`, or an `expression`";
            reader.report(
                Diagnostic::error(Code::MissingKey, message)
                    .at(place)
                    .with_help(help),
            );
            return None;
        }
        None if fields.is_empty() => return None,
        None => Cron::of_fields(fields, *bounds, zone.clone(), *jitter_s),
    };
    good.then(|| Trigger::Cron(reader.share(cron)))
}

/// The fields that are given, and whether all of them can be. Beside an expression none can.
fn fields(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    expression: Option<Item<'_>>,
) -> (Vec<Field>, bool) {
    let (mut fields, mut good) = (Vec::new(), true);
    for name in Name::ALL {
        let field_key = name.key();
        let Some(item) = keys.take(field_key).filter(|item| !item.value.is_null()) else {
            continue;
        };
        if expression.is_some() {
            let message = format!("`{field_key}` and `expression` exclude each other");
            let help = "the expression says it all; leave one of them out";
            reader.report(
                Diagnostic::error(Code::UnknownKey, message)
                    .at(item.key)
                    .with_help(help),
            );
            good = false;
            continue;
        }
        let field = field(reader, item, name);
        good &= field.is_some();
        fields.extend(field);
    }
    (fields, good)
}

/// Longer lists are not written anew.
const MOST_ITEMS: usize = 60;

/// One field: a whole number or text.
fn field(reader: &mut Reader<'_>, item: Item<'_>, name: Name) -> Option<Field> {
    let text = match item.value.value() {
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::BigInt(number)) => number.to_string(),
        Some(Value::Str(text)) => text.clone(),
        _ => {
            let message = format!(
                "`{}` must be a number or text{}",
                item.name,
                scalar::but_this_is(item.value)
            );
            let help = yaml::explain(item.value, reader.text)
                .or_else(|| as_commas(item.value, name))
                .or_else(|| allowed(name));
            reader.bad_value(item.value.span, message, help);
            return None;
        }
    };
    match Field::parse(name, &text) {
        Ok(field) => {
            if item.value.as_str().is_some() {
                reader.understand(item.value.span);
            }
            scalar::warn_of_number(reader, item, &text);
            Some(field)
        }
        Err(mut fault) => {
            if yaml::explain(item.value, reader.text).is_some() {
                // The number is not what was written: it must not look so.
                fault.message = fault.message.replace(", not ", ", but this is ");
                fault.help.extend(clock_help(item, name, reader.text));
            }
            report(reader, item, fault, Code::BadValue);
            None
        }
    }
}

/// For `day_of_week: [mon, wed]`: how to write it.
fn as_commas(node: &Node, name: Name) -> Option<String> {
    let word = |item: &Node| match item.value()? {
        Value::Int(number) => Some(number.to_string()),
        Value::Str(text) => Some(text.trim().to_owned()),
        _ => None,
    };
    let items = node.items()?.iter().take(MOST_ITEMS + 1);
    let words: Vec<String> = items.map(word).collect::<Option<_>>()?;
    let text = words.join(",");
    let accepted = words.len() <= MOST_ITEMS && Field::parse(name, &text).is_ok();
    accepted.then(|| format!("write `{}: \"{text}\"`", name.key()))
}

/// What a field takes, as is told to who writes what no field takes.
fn allowed(name: Name) -> Option<String> {
    Field::parse(name, "…").err()?.help.pop()
}

/// For `hour: 4:30`, which YAML 1.1 makes 270: how to write it.
fn clock_help(item: Item<'_>, name: Name, text: &str) -> Option<String> {
    let (hour, minute) = item.value.span.of(text).split_once(':')?;
    let numbers = hour.parse::<u8>().ok()? < 24 && minute.parse::<u8>().ok()? < 60;
    (numbers && name == Name::Hour).then(|| format!("write `hour: {hour}` and `minute: {minute}`"))
}

fn expression(reader: &mut Reader<'_>, item: Item<'_>, frame: &Frame) -> Option<Cron> {
    let Some(text) = item.value.as_str() else {
        let message = format!(
            "`expression` must be text{}",
            scalar::but_this_is(item.value)
        );
        let help = "write, for example, `expression: \"0 4 * * *\"`".to_owned();
        reader.bad_value(item.value.span, message, Some(help));
        return None;
    };
    let Frame {
        bounds,
        zone,
        jitter_s,
        ..
    } = frame;
    Cron::of_expression(text, *bounds, zone.clone(), *jitter_s)
        .map_err(|fault| report(reader, item, fault, Code::BadValue))
        .ok()
}
