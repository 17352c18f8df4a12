//! A date trigger, and the instants of all triggers, as the config writes them.

use chrono::{DateTime, Utc};

use super::{Frame, report};
use crate::config::reader::Reader;
use crate::config::section::{Item, Section};
use crate::config::{key, scalar};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Date, Trigger, Zone, bound};
use crate::value::Value;
use crate::yaml;

/// Takes the date of a date trigger; `place` is where its type is.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    frame: &Frame,
    place: Span,
) -> Option<Trigger> {
    let Some(item) = keys.take("run_date") else {
        if keys.has_near(key::DATE) {
            return None;
        }
        let message = "a date trigger needs `run_date`";
        let help = "write, for example, `run_date: 2026-12-24 18:00`";
        reader.report(
            Diagnostic::error(Code::MissingKey, message)
                .at(place)
                .with_help(help),
        );
        return None;
    };
    let at = instant(reader, item, &frame.zone)?;
    Some(Trigger::Date(Date::new(
        at,
        frame.zone.clone(),
        frame.jitter_s,
    )))
}

/// The instant that a `…_date` key names.
pub(super) fn instant(
    reader: &mut Reader<'_>,
    item: Item<'_>,
    zone: &Zone,
) -> Option<DateTime<Utc>> {
    let text = match item.value.value() {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Date(date)) => date.to_string(),
        Some(Value::DateTime(reading, offset)) => {
            let offset = offset.map(|offset| offset.to_string()).unwrap_or_default();
            format!("{}{offset}", reading.format("%Y-%m-%d %H:%M:%S%.f"))
        }
        _ => {
            let message = format!(
                "`{}` must be a date{}",
                item.name,
                scalar::but_this_is(item.value)
            );
            let help = yaml::explain(item.value, reader.text)
                .unwrap_or_else(|| "write 2026-12-01 or 2026-12-01 10:00".to_owned());
            reader.bad_value(item.value.span, message, Some(help));
            return None;
        }
    };
    reader.understand(item.value.span);
    bound::parse(&text, zone)
        .map_err(|fault| report(reader, item, fault, Code::BadValue))
        .ok()
}
