use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::trigger::cron::{Field, Name};

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

fn berlin() -> Zone {
    zone("Europe/Berlin")
}

fn at(text: &str) -> DateTime<Utc> {
    crate::trigger::bound::parse(text, &berlin()).unwrap()
}

/// `hour=9 minute=0,30`
fn fields(text: &str) -> Vec<Field> {
    text.split(' ')
        .map(|field| {
            let (key, value) = field.split_once('=').unwrap();
            let name = Name::ALL
                .into_iter()
                .find(|name| name.key() == key)
                .unwrap();
            Field::parse(name, &value.replace('_', " ")).unwrap()
        })
        .collect()
}

fn cron(text: &str) -> String {
    let bounds = Bounds::default();
    Trigger::Cron(Arc::new(Cron::of_fields(fields(text), bounds, berlin(), 0))).english()
}

fn crontab(text: &str) -> String {
    let cron = Cron::of_expression(text, Bounds::default(), berlin(), 0).unwrap();
    Trigger::Cron(Arc::new(cron)).english()
}

fn interval(every_s: i64) -> Interval {
    Interval::new(every_s, Bounds::default(), berlin(), 0)
}

#[test]
fn intervals_are_told_by_their_length() {
    for (seconds, text) in [
        (1, "every second"),
        (60, "every minute"),
        (90, "every 90 seconds"),
        (150, "every 2 min 30 s"),
        (300, "every 5 minutes"),
        (3_600, "every hour"),
        (5_400, "every 1 h 30 min"),
        (86_400, "every day"),
        (90_000, "every 25 hours"),
        (93_784, "every 1 d 2 h 3 min 4 s"),
        (1_209_600, "every 2 weeks"),
    ] {
        assert_eq!(Trigger::Interval(interval(seconds)).english(), text);
    }
}

#[test]
fn times_of_day_are_told() {
    for (fields, text) in [
        ("minute=5", "at minute 5 of every hour"),
        ("minute=0", "every hour by the clock"),
        ("minute=*", "every minute by the clock"),
        ("minute=*/15", "every 15 minutes by the clock"),
        (
            "minute=*/7",
            "at every 7th minute from 0 to 56 of every hour",
        ),
        ("second=*", "every second by the clock"),
        ("second=10", "at second 10 of every minute"),
        ("hour=*/2", "every 2 hours by the clock"),
        ("hour=*/5", "at minute 0 of every 5th hour from 0"),
        ("hour=0-23", "every hour from 00:00 to 23:00 every day"),
        ("hour=2 minute=30", "at 02:30 every day"),
        ("hour=9,17 minute=30", "at 09:30 and 17:30 every day"),
        (
            "hour=9 minute=*",
            "every minute from 09:00 to 09:59 every day",
        ),
        (
            "hour=9-17 minute=*/15",
            "every 15 minutes from 09:00 to 17:45 every day",
        ),
        (
            "hour=9-17 minute=5",
            "every hour from 09:05 to 17:05 every day",
        ),
        (
            "hour=9,11,20 minute=1-3",
            "at minutes 1 to 3 of hours 9, 11 and 20 every day",
        ),
        (
            "hour=4 minute=0 second=5,6",
            "at 04:00:05 and 04:00:06 every day",
        ),
        (
            "hour=1-5 minute=* second=5",
            "at second 5 of every minute of hours 1 to 5 every day",
        ),
    ] {
        assert_eq!(cron(fields), text, "{fields}");
    }
}

#[test]
fn days_are_told() {
    for (fields, text) in [
        (
            "day=1 minute=1",
            "at minute 1 of every hour on day 1 of every month",
        ),
        ("day=1 hour=0 minute=1", "at 00:01 on day 1 of every month"),
        (
            "hour=9 day_of_week=mon-fri",
            "at 09:00 from Monday to Friday",
        ),
        (
            "hour=9 day_of_week=sat,sun",
            "at 09:00 every Saturday and Sunday",
        ),
        (
            "hour=9 day_of_week=mon,wed-fri",
            "at 09:00 every Monday and Wednesday to Friday",
        ),
        ("hour=9 day_of_week=0-6", "at 09:00 every day"),
        (
            "month=6-8,11,12 day=3rd_fri",
            "at 00:00 on the 3rd Friday of June to August, November and December",
        ),
        (
            "day=last,1,last_sun",
            "at 00:00 on day 1, the last Sunday and the last day of every month",
        ),
        ("month=6", "at 00:00 on day 1 of June"),
        ("month=6 hour=5", "at 05:00 every day in June"),
        ("month=6 minute=5", "at minute 5 of every hour in June"),
        (
            "day=13 day_of_week=fri",
            "at 00:00 on day 13 of every month, if that is Friday",
        ),
        ("week=1-3", "at 00:00 every day in ISO weeks 1 to 3"),
        (
            "week=*/2 day_of_week=mon",
            "at 00:00 every Monday, in every 2nd ISO week from 1 to 53",
        ),
        (
            "year=2027 month=1 day=2",
            "at 00:00 on day 2 of January, in 2027",
        ),
        ("year=2027", "at 00:00 on day 1 of January, in 2027"),
    ] {
        assert_eq!(cron(fields), text, "{fields}");
    }
}

#[test]
fn expressions_are_told_like_fields() {
    for (expression, text) in [
        (
            "*/15 9-17 * * mon-fri",
            "every 15 minutes from 09:00 to 17:45 from Monday to Friday",
        ),
        (
            "0 0 13 * 5",
            "at 00:00 on day 13 of every month and every Friday",
        ),
        (
            "0 0 13 6 5",
            "at 00:00 on day 13 of June and every Friday in June",
        ),
        ("0 0 13 * 0-6", "at 00:00 every day"),
        ("@daily", "at 00:00 every day"),
    ] {
        assert_eq!(crontab(expression), text, "{expression}");
    }
}

#[test]
fn bounds_and_jitter_are_told() {
    let bounds = Bounds {
        start: Some(at("2026-12-01")),
        end: Some(at("2027-01-01 06:00:30")),
    };
    let cron = Cron::of_fields(fields("hour=9 day_of_week=mon-fri"), bounds, berlin(), 30);
    assert_eq!(
        Trigger::Cron(Arc::new(cron)).english(),
        "at 09:00 from Monday to Friday, from 2026-12-01 until 2027-01-01 06:00:30, up to 30 s later"
    );
    let interval = Interval::new(
        90,
        Bounds {
            end: None,
            ..bounds
        },
        berlin(),
        0,
    );
    assert_eq!(
        Trigger::Interval(interval).english(),
        "every 90 seconds, from 2026-12-01 00:00"
    );
}

#[test]
fn one_instant_is_told_with_its_offset_where_the_clock_reads_it_twice() {
    let english = |text| Trigger::Date(Date::new(at(text), berlin(), 0)).english();
    assert_eq!(english("2026-12-24 18:00"), "once, on 2026-12-24 at 18:00");
    assert_eq!(
        english("2026-10-25T02:30:00+02:00"),
        "once, on 2026-10-25 at 02:30"
    );
    assert_eq!(
        english("2026-10-25T02:30:00+01:00"),
        "once, on 2026-10-25 at 02:30 +01:00"
    );
}

#[test]
fn of_several_triggers_each_is_told_with_its_own_zone() {
    let utc = Trigger::Date(Date::new(at("2026-12-24 18:00"), Zone::utc(), 0));
    let all = Trigger::Any(vec![Trigger::Interval(interval(60)), utc]);
    assert_eq!(
        all.english(),
        "every minute; or once, on 2026-12-24 at 17:00 (UTC)"
    );
}

/// One way to write a field, often another way to say the same.
fn field(key: &'static str, choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    let choice = proptest::sample::select(choices);
    choice.prop_map(move |value| match value {
        "" => String::new(),
        value => format!("{key}={value} "),
    })
}

fn any_fields() -> impl Strategy<Value = String> {
    let days = &[
        "", "", "*", "1", "1-31", "*/2", "1-31/2", "last", "3rd_fri", "31", "1,last",
    ];
    let weekdays = &["", "", "*", "mon-fri", "0-4", "5,6", "0-6", "0,1,2,3,4"];
    let hours = &[
        "", "*", "*/2", "0-23", "0-23/2", "9", "9-17", "0,12", "*/12", "2", "2,3", "*/5",
    ];
    let minutes = &[
        "",
        "*",
        "0",
        "*/15",
        "0-59",
        "0,15,30,45",
        "30",
        "*/7",
        "5",
        "0-45/15",
    ];
    (
        field("month", &["", "", "", "*", "3", "3,10", "1-12", "1-3"]),
        field("day", days),
        field("week", &["", "", "", "*", "13", "1-53"]),
        field("day_of_week", weekdays),
        field("hour", hours),
        field("minute", minutes),
        field("second", &["", "", "", "*", "0", "30", "*/20", "0-59"]),
    )
        .prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].concat().trim_end().to_owned())
        .prop_filter("a field", |text| !text.is_empty())
}

/// Crontab expressions, often other ways to say what fields say.
fn any_crontab() -> impl Strategy<Value = String> {
    let part = |choices: &'static [&'static str]| proptest::sample::select(choices);
    (
        part(&["*", "0", "*/15", "0,15,30,45", "30", "0-59"]),
        part(&["*", "*/2", "0-23", "9", "9-17", "2,3"]),
        part(&["*", "1", "1-31", "13"]),
        part(&["*", "*", "3", "1-3"]),
        part(&["*", "*", "1-5", "mon-fri", "0-6", "0", "7", "6,7"]),
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].join(" "))
}

fn any_cron(text: &str) -> Cron {
    if text.contains('=') {
        Cron::of_fields(fields(text), Bounds::default(), berlin(), 0)
    } else {
        Cron::of_expression(text, Bounds::default(), berlin(), 0).unwrap()
    }
}

/// The fires around both changes of the clocks of one year, and from its beginning.
fn fires(cron: &Cron) -> Vec<Option<DateTime<Utc>>> {
    let mut fires = Vec::new();
    for from in ["2026-01-01", "2026-03-28 23:00", "2026-10-24 23:00"] {
        let mut after = at(from);
        for _ in 0..30 {
            fires.push(cron.next_after(after));
            after = fires.last().copied().flatten().unwrap_or(after);
        }
    }
    fires
}

#[test]
fn the_same_text_means_the_same_fires() {
    let seen = RefCell::new(HashMap::new());
    let met_again = Cell::new(0);
    let texts = prop_oneof![2 => any_fields(), 1 => any_crontab()];
    proptest!(ProptestConfig::with_cases(1_500), |(text in texts)| {
        let cron = any_cron(&text);
        let fires = fires(&cron);
        let english = Trigger::Cron(Arc::new(cron)).english();
        let before = seen.borrow_mut().insert(english.clone(), (text.clone(), fires.clone()));
        if let Some((other, expected)) = before {
            prop_assert_eq!(fires, expected, "`{}` and `{}` are `{}`", text, other, english);
            met_again.update(|count| count + usize::from(text != other));
        }
    });
    assert!(
        met_again.get() > 30,
        "only {} texts were met again",
        met_again.get()
    );
}
