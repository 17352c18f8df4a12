//! Tests of the triggers as a whole; those of one part are beside it.

mod laws;
mod vectors;

use super::*;

/// An instant, such as `2024-03-31T02:30:00+01:00`.
fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The first `count` fire times from `from` on, inclusive.
fn fires(trigger: &Trigger, from: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
    let before = from - TimeDelta::nanoseconds(1);
    std::iter::successors(trigger.next_after(before), |fire| trigger.next_after(*fire))
        .take(count)
        .collect()
}

fn utc(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn cron(fields: &[(cron::Name, &str)], jitter_s: u32) -> Trigger {
    let fields = fields
        .iter()
        .map(|(name, text)| cron::Field::parse(*name, text).unwrap());
    let cron = Cron::of_fields(fields.collect(), Bounds::default(), Zone::utc(), jitter_s);
    Trigger::Cron(Arc::new(cron))
}

fn every(seconds: i64, start: Option<i64>, jitter_s: u32) -> Trigger {
    let bounds = Bounds::new(start.map(utc), None).unwrap();
    Trigger::Interval(Interval::new(seconds, bounds, Zone::utc(), jitter_s))
}

#[test]
fn the_text_is_that_of_apscheduler() {
    use super::cron::Name::{Day, DayOfWeek, Hour, Minute, Month, Year};
    let texts = [
        (
            cron(&[(Minute, "01"), (Hour, "0"), (Day, "1")], 0),
            "cron[day='1', hour='0', minute='1']",
        ),
        (
            cron(
                &[
                    (DayOfWeek, "Mon-FRI, sun"),
                    (Day, "1ST  Mon , last"),
                    (Year, "2020/2"),
                ],
                0,
            ),
            "cron[year='2020/2', day='1st mon,last', day_of_week='mon-fri,sun']",
        ),
        (
            cron(&[(Month, "3-3"), (Minute, "*/05"), (Hour, "00-07/2")], 0),
            "cron[month='3', hour='0-7/2', minute='*/5']",
        ),
        (every(90, None, 0), "interval[0:01:30]"),
        (
            Trigger::Any(vec![every(60, None, 0), cron(&[(Hour, "4")], 0)]),
            "interval[0:01:00], cron[hour='4']",
        ),
    ];
    for (trigger, text) in texts {
        assert_eq!(trigger.to_string(), text);
    }
    let new_york = Zone::named("America/New_York").unwrap();
    let date = Date::new(at("2026-12-24T18:00:00-05:00"), new_york.clone(), 0);
    assert_eq!(
        Trigger::Date(date).to_string(),
        "date[2026-12-24 18:00:00 EST]"
    );
    let crontab = Cron::of_expression(" 0  4\n* * * ", Bounds::default(), new_york, 0).unwrap();
    assert_eq!(crontab.to_string(), "cron[expression='0 4 * * *']");
}

#[test]
fn a_date_fires_once() {
    let date = Trigger::Date(Date::new(utc(100), Zone::utc(), 5));
    assert_eq!(fires(&date, utc(0), 3), [utc(100)]);
    assert_eq!(fires(&date, utc(100), 3), [utc(100)]);
    assert_eq!(date.next_after(utc(100)), None);
    assert_eq!(date.jitter_s(utc(100)), 5);
}

#[test]
fn a_list_fires_when_any_of_it_does_once_per_instant() {
    let list = Trigger::Any(vec![
        every(60, Some(0), 30),
        every(90, Some(0), 20),
        every(7, None, 0),
    ]);
    assert!(list.wants_anchor());
    let list = list.anchored(utc(1_000_000));
    assert_eq!(fires(&list, utc(0), 4), [0, 60, 90, 120].map(utc));
    assert_eq!(list.jitter_s(utc(60)), 30);
    assert_eq!(list.jitter_s(utc(90)), 20);
    // Both fire: the least delay, so that none is late by the other's.
    assert_eq!(list.jitter_s(utc(180)), 20);
    assert_eq!(list.jitter_s(utc(61)), 0);
    assert_eq!(list.zone(), &Zone::utc());
}

#[test]
fn a_fire_is_later_than_a_moment_within_the_second_before() {
    let trigger = cron(&[(cron::Name::Second, "*")], 0);
    assert_eq!(trigger.next_after(utc(10)), Some(utc(11)));
    let half = TimeDelta::milliseconds(500);
    assert_eq!(trigger.next_after(utc(9) + half), Some(utc(10)));
    assert_eq!(trigger.next_after(utc(-20) + half), Some(utc(0)));
}

#[test]
fn no_moment_is_too_early_or_too_late() {
    let ends = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
    for name in ["UTC", "America/New_York", "Pacific/Apia", "Etc/GMT+12"] {
        for text in ["* * * * *", "0 0 1 1 *", "0 0 31 2 *"] {
            let zone = Zone::named(name).unwrap();
            let cron = Cron::of_expression(text, Bounds::default(), zone, 0).unwrap();
            let [first, last] = ends.map(|moment| cron.next_after(moment));
            assert_eq!(first.is_none(), text.contains("31"), "{text} in {name}");
            assert_eq!(last, None, "{text} in {name}");
            let end = cron.next_after(utc(END_OF_TIME - 100_000_000));
            assert!(end.is_none_or(|end| end <= utc(END_OF_TIME)));
        }
    }
}

#[test]
fn a_trigger_ends_with_the_year_9999() {
    let trigger = cron(&[(cron::Name::Year, "9998-9999")], 0);
    let wanted = ["9998-01-01T00:00:00Z", "9999-01-01T00:00:00Z"].map(at);
    assert_eq!(fires(&trigger, utc(0), 3), wanted);
    let secondly = cron(&[(cron::Name::Second, "*")], 0);
    assert_eq!(
        secondly.next_after(utc(END_OF_TIME - 1)),
        Some(utc(END_OF_TIME))
    );
    assert_eq!(secondly.next_after(utc(END_OF_TIME)), None);
}

#[test]
fn an_end_is_not_before_its_start() {
    let fault = Bounds::new(Some(utc(1)), Some(utc(0))).unwrap_err();
    assert_eq!(fault.message, "`end_date` is before `start_date`");
    assert!(Bounds::new(Some(utc(1)), Some(utc(1))).is_ok());
}

#[test]
fn a_fire_after_a_gap_tells_the_reading_that_was_skipped() {
    let skipped = |expression: &str, fire_time: &str| {
        let new_york = Zone::named("America/New_York").unwrap();
        let cron = Cron::of_expression(expression, Bounds::default(), new_york, 0).unwrap();
        let list = Trigger::Any(vec![every(60, None, 0), Trigger::Cron(Arc::new(cron))]);
        list.skipped_reading(at(fire_time))
            .map(|reading| reading.to_string())
    };
    let after_gap = "2027-03-14T03:00:00-04:00";
    let half_past = Some("2027-03-14 02:30:00".to_owned());
    assert_eq!(skipped("30 2 * * *", after_gap), half_past);
    assert_eq!(skipped("30,45 2,3 * * *", after_gap), half_past);
    assert_eq!(skipped("0 3 * * *", after_gap), None);
    assert_eq!(skipped("*/30 * * * *", after_gap), None);
    assert_eq!(skipped("30 2 * * *", "2027-03-15T02:30:00-04:00"), None);
    assert_eq!(skipped("30 1 * * *", "2027-11-07T01:30:00-04:00"), None);
}

#[test]
fn of_several_triggers_only_those_that_fire_after_a_gap_tell_what_was_skipped() {
    let new_york = || Zone::named("America/New_York").unwrap();
    let cron = |expression: &str, end: Option<&str>| {
        let bounds = Bounds::new(None, end.map(at)).unwrap();
        let cron = Cron::of_expression(expression, bounds, new_york(), 0).unwrap();
        Trigger::Cron(Arc::new(cron))
    };
    let list = Trigger::Any(vec![
        cron("15 2 * * *", Some("2027-03-01T00:00:00Z")),
        cron("45 2 * * *", None),
        cron("30 2 * * *", None),
    ]);
    let skipped = list.skipped_reading(at("2027-03-14T03:00:00-04:00"));
    assert_eq!(skipped.unwrap().to_string(), "2027-03-14 02:30:00");
}
