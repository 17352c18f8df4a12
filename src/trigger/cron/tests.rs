use std::str::FromStr;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn cron(expression: &str) -> Cron {
    Cron::of_expression(expression, Bounds::default(), Zone::utc(), 0)
        .unwrap_or_else(|fault| panic!("{expression}: {}", fault.message))
}

fn berlin(expression: &str) -> Cron {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    Cron::of_expression(expression, Bounds::default(), berlin, 0).unwrap()
}

fn fires(cron: &Cron, from: &str, count: usize) -> Vec<String> {
    let from = DateTime::parse_from_rfc3339(from).unwrap().to_utc() - TimeDelta::nanoseconds(1);
    std::iter::successors(cron.next_after(from), |fire| cron.next_after(*fire))
        .take(count)
        .map(|fire| {
            cron.zone()
                .local(fire)
                .format("%Y-%m-%dT%H:%M:%S%z")
                .to_string()
        })
        .collect()
}

/// The parts of one field of an expression.
fn parts(cron: &Cron, name: Name) -> &[Part] {
    let field = cron.fields().iter().find(|field| field.name() == name);
    field.unwrap().parts()
}

fn range(first: u16, last: u16) -> Part {
    Part::Range {
        first,
        last,
        step: 1,
    }
}

#[test]
fn a_crontab_field_is_told_in_our_own_numbers() {
    let sunday = [range(6, 6)];
    for text in ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * * 0,7"] {
        let crontab = cron(text);
        let found = parts(&crontab, Name::DayOfWeek);
        assert!(
            found.iter().all(|part| sunday.contains(part)),
            "{text}: {found:?}"
        );
    }
    let crontab = cron("5/15 */2 1-7/3 jan-Mar sun-tue");
    let step = |first, last, step| Part::Range { first, last, step };
    assert_eq!(parts(&crontab, Name::Minute), [step(5, 59, 15)]);
    assert_eq!(parts(&crontab, Name::Hour), [Part::All { step: 2 }]);
    assert_eq!(parts(&crontab, Name::Day), [step(1, 7, 3)]);
    assert_eq!(parts(&crontab, Name::Month), [range(1, 3)]);
    assert_eq!(parts(&crontab, Name::DayOfWeek), [range(0, 1), range(6, 6)]);
    assert_eq!(parts(&cron("0 0 * * 5-7"), Name::DayOfWeek), [range(4, 6)]);
    assert_eq!(
        parts(&cron("0 0 * * *"), Name::DayOfWeek),
        [Part::All { step: 1 }]
    );
}

#[test]
fn a_crontab_day_is_either_where_both_fields_are_restricted() {
    for (text, either) in [
        ("0 0 13 * 5", true),
        ("0 0 1-31 * 0-6", true),
        ("0 0 * * 5", false),
        ("0 0 13 * *", false),
        ("0 0 */2 * 5", false),
        ("0 0 13 * */2", false),
        ("0 0 */2,3 * 5", false),
    ] {
        assert_eq!(
            cron(text).expression().unwrap().either_day,
            either,
            "{text}"
        );
    }
    assert_eq!(
        fires(&cron("0 0 13 * 5"), "2024-09-10T00:00:00Z", 3),
        [
            "2024-09-13T00:00:00+0000",
            "2024-09-20T00:00:00+0000",
            "2024-09-27T00:00:00+0000"
        ]
    );
    assert_eq!(
        fires(&cron("0 0 */2 * 5"), "2024-09-10T00:00:00Z", 2),
        ["2024-09-13T00:00:00+0000", "2024-09-27T00:00:00+0000"]
    );
}

#[test]
fn an_hour_is_a_wildcard_by_its_text_alone() {
    let fold = "2024-10-27T02:30:00+02:00";
    let twice = ["2024-10-27T02:30:00+0200", "2024-10-27T02:30:00+0100"];
    for text in [
        "30 * * * *",
        "30 */1 * * *",
        "0 30 * * * *",
        "0 30 */1 * * ?",
    ] {
        assert_eq!(fires(&berlin(text), fold, 2), twice, "{text}");
    }
    let once = ["2024-10-27T02:30:00+0200", "2024-10-27T03:30:00+0100"];
    for text in [
        "30 0-23 * * *",
        "30 *,2 * * *",
        "0 30 0-23 * * *",
        "0 30 0/1 * * *",
    ] {
        assert_eq!(fires(&berlin(text), fold, 2), once, "{text}");
    }
    assert_eq!(
        fires(&berlin("@hourly"), "2024-10-27T02:00:00+02:00", 2),
        ["2024-10-27T02:00:00+0200", "2024-10-27T02:00:00+0100"]
    );
}

#[test]
fn words_and_their_fields_are_the_same() {
    for (word, expression) in [
        ("@yearly", "0 0 0 1 1 ? *"),
        ("@monthly", "0 0 0 1 * ?"),
        ("@weekly", "0 0 0 ? * 1"),
        (" @daily ", "0 0 0 * * *"),
        ("@hourly", "0 0 * * * *"),
    ] {
        assert_eq!(cron(word).calendar, cron(expression).calendar, "{word}");
        assert_eq!(cron(word).every_hour, cron(expression).every_hour, "{word}");
    }
}

#[test]
fn a_wildcard_year_is_every_year() {
    for text in ["0 0 0 1 1 ?", "0 0 0 1 1 ? *", "@yearly"] {
        assert_eq!(
            fires(&cron(text), "2150-06-01T00:00:00Z", 1),
            ["2151-01-01T00:00:00+0000"]
        );
    }
    assert_eq!(
        fires(&cron("0 0 0 1 1 ? */2"), "2150-06-01T00:00:00Z", 1),
        ["2152-01-01T00:00:00+0000"]
    );
    assert_eq!(
        fires(&cron("0 0 0 1 1 ? 2099-2100"), "2099-06-01T00:00:00Z", 3),
        ["2100-01-01T00:00:00+0000"]
    );
}

/// A field of Quartz between these values.
fn quartz_field(least: u32, greatest: u32) -> impl Strategy<Value = String> {
    let number = least..=greatest;
    prop_oneof![
        2 => Just("*".to_owned()),
        1 => (1..=greatest - least).prop_map(|step| format!("*/{step}")),
        2 => prop::collection::vec(number.clone(), 1..4)
            .prop_map(|all| all.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
        1 => (number.clone(), number.clone(), 1..=greatest - least)
            .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
        1 => (number, 1..=greatest - least).prop_map(|(first, step)| format!("{first}/{step}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Without changes of the clocks, Quartz expressions fire as the `cron` crate says.
    #[test]
    fn quartz_fires_as_its_crate_does(
        second in quartz_field(0, 59),
        minute in quartz_field(0, 59),
        hour in quartz_field(0, 23),
        day in quartz_field(1, 31),
        month in quartz_field(1, 12),
        weekday in quartz_field(1, 7),
        year in prop_oneof![Just(String::new()), quartz_field(2000, 2100)],
        after in 0..4_000_000_000_i64,
    ) {
        let expression = format!("{second} {minute} {hour} {day} {month} {weekday} {year}");
        let Ok(schedule) = ::cron::Schedule::from_str(&expression) else { return Ok(()) };
        let after = DateTime::from_timestamp(after, 0).unwrap();
        let wanted: Vec<_> = schedule.after(&after).take(3).collect();
        let own = cron(&expression);
        let found: Vec<_> = std::iter::successors(own.next_after(after), |fire| own.next_after(*fire))
            .take(wanted.len())
            .collect();
        prop_assert_eq!(found, wanted);
    }
}
