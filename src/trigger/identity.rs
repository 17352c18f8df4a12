//! What makes a trigger the same from one start of the scheduler to the next.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Bounds, Trigger};

/// All that its fire times depend on, but for its anchor: not by how much they may be delayed, nor in
/// which order several triggers are written.
pub(super) fn of(trigger: &Trigger) -> String {
    text(trigger, |_| String::new())
}

/// The same, and by how much they may be delayed.
pub(super) fn with_jitter(trigger: &Trigger) -> String {
    text(trigger, |jitter_s| format!(" jitter={jitter_s}"))
}

fn text(trigger: &Trigger, jitter: fn(u32) -> String) -> String {
    match trigger {
        Trigger::Interval(interval) => {
            let within = within(interval.bounds());
            format!("{interval}{within}{}", jitter(interval.jitter_s()))
        }
        Trigger::Cron(cron) => {
            let (zone, within) = (cron.zone().name(), within(cron.bounds()));
            format!("{cron} timezone={zone}{within}{}", jitter(cron.jitter_s()))
        }
        // Its zone decides how it is shown, not when it fires.
        Trigger::Date(date) => {
            let at = date.at().to_rfc3339_opts(SecondsFormat::AutoSi, true);
            format!("date[{at}]{}", jitter(date.jitter_s()))
        }
        Trigger::Any(triggers) => {
            let each = triggers.iter().map(|one| text(one, jitter));
            let mut each: Vec<_> = each.collect();
            each.sort();
            each.join(", ")
        }
    }
}

fn within(bounds: Bounds) -> String {
    let end = |key, at: DateTime<Utc>| {
        let at = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        format!(" {key}={at}")
    };
    let parts = [
        bounds.start.map(|start| end("start_date", start)),
        bounds.end.map(|at| end("end_date", at)),
    ];
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, Utc};

    use crate::trigger::{Bounds, Cron, Date, Interval, Trigger, Zone};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn triggers_with_other_fire_times_are_told_apart() {
        let start = Bounds::new(Some(at("2026-01-01T00:00:00Z")), None).unwrap();
        let none = Bounds::default();
        let zone = |name| Zone::named(name).unwrap();
        let cron = |text, zone| {
            let cron = Cron::of_expression(text, none, zone, 0).unwrap();
            Trigger::Cron(Arc::new(cron))
        };
        let interval = |every, bounds, jitter| {
            Trigger::Interval(Interval::new(every, bounds, Zone::utc(), jitter))
        };
        let date = |text| Trigger::Date(Date::new(at(text), Zone::utc(), 0));
        let triggers = [
            interval(60, none, 0),
            interval(61, none, 0),
            interval(60, start, 0),
            cron("0 4 * * *", Zone::utc()),
            cron("0 4 * * *", zone("Europe/Berlin")),
            cron("0 0 4 * * *", Zone::utc()),
            cron("0 4 1 * mon", Zone::utc()),
            date("2026-12-24T18:00:00Z"),
            date("2026-12-24T18:00:01Z"),
            Trigger::Any(vec![date("2026-12-24T18:00:00Z"), interval(60, none, 0)]),
        ];
        let texts: Vec<String> = triggers.iter().map(Trigger::identity).collect();
        for (index, text) in texts.iter().enumerate() {
            assert!(!texts[..index].contains(text), "{text}");
        }
        assert_eq!(
            texts[2],
            "interval[0:01:00] start_date=2026-01-01T00:00:00Z"
        );
        let delayed = interval(60, none, 5);
        assert_eq!(delayed.identity(), texts[0]);
        assert!(delayed.differs(&triggers[0]) && !delayed.fires_otherwise(&triggers[0]));
        let turned = Trigger::Any(vec![interval(60, none, 0), date("2026-12-24T18:00:00Z")]);
        assert!(texts.contains(&turned.identity()));
    }
}
