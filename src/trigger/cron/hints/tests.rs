use proptest::prelude::*;

use super::*;
use crate::trigger::cron::{Cron, Field};
use crate::trigger::{Bounds, Zone};

fn of_field(name: Name, text: &str) -> Fault {
    match Field::parse(name, text) {
        Err(fault) => fault,
        Ok(field) => panic!("{field} was accepted"),
    }
}

fn of_expression(text: &str) -> Fault {
    match Cron::of_expression(text, Bounds::default(), Zone::utc(), 0) {
        Err(fault) => fault,
        Ok(cron) => panic!("{cron} was accepted"),
    }
}

/// What a help says to write, if it does.
fn written(fault: &Fault) -> Option<(String, String)> {
    let help = fault.help.first()?;
    let assignment = help.split_once("write `")?.1.strip_suffix('`')?;
    let (key, value) = assignment.split_once(": ")?;
    Some((key.to_owned(), value.trim_matches('"').to_owned()))
}

#[test]
fn a_number_out_of_range_is_told_the_range() {
    let fault = of_field(Name::Day, "1, 32");
    assert_eq!(fault.message, "`day` must be 1-31, not 32");
    assert_eq!(fault.part, Some(3..5));
    assert_eq!(
        fault.help,
        ["for the last day of every month write `day: 1, last`"]
    );
    let fault = of_field(Name::Minute, "18446744073709551617");
    assert_eq!(
        fault.message,
        "`minute` must be 0-59, not 18446744073709551617"
    );
}

#[test]
fn a_range_runs_forwards() {
    let fault = of_field(Name::DayOfWeek, "fri-mon");
    assert_eq!(fault.message, "the range `fri-mon` runs backwards");
    assert_eq!(
        fault.help,
        ["there is no wrap-around: write `day_of_week: fri-sun,mon`"]
    );
}

#[test]
fn the_way_out_is_named() {
    let ways = [
        (Name::Hour, "24", "hour: 0"),
        (Name::Hour, "0-24", "hour: 0-23"),
        (Name::Hour, "22-2", "hour: 22-23,0-2"),
        (Name::Hour, "9am", "hour: 9"),
        (Name::Hour, "9 to 17", "hour: 9-17"),
        (Name::Hour, "4:30", "hour: 4` and `minute: 30"),
        (Name::Minute, "*/60", "minute: 0"),
        (Name::Minute, "*/0", "minute: \"*\""),
        (Name::Minute, "0-0/5", "minute: 0"),
        (Name::Minute, "0x10", "minute: 16"),
        (Name::Minute, "5 - 7", "minute: 5-7"),
        (Name::Minute, "* /5", "minute: \"*/5\""),
        (Name::Minute, "1,,2", "minute: 1,2"),
        (Name::Minute, "5,", "minute: 5"),
        (Name::Minute, "every 5 minutes", "minute: \"*/5\""),
        (Name::Minute, "5-*", "minute: 5-59"),
        (Name::Minute, "?", "minute: \"*\""),
        (Name::Minute, "5\n6", "minute: 5,6"),
        (Name::Minute, "@daily", "expression: \"@daily\""),
        (Name::Minute, "*/5 * * * *", "expression: \"*/5 * * * *\""),
        (Name::Second, "1st mon", "day: 1st mon"),
        (Name::Day, "L", "day: last"),
        (Name::Day, "last-1", "day: last"),
        (Name::Day, "lastfoo", "day: last"),
        (Name::Day, "last monday", "day: last mon"),
        (Name::Day, "first mon", "day: 1st mon"),
        (Name::Day, "1stmon", "day: 1st mon"),
        (Name::Day, "5st mon", "day: 5th mon"),
        (Name::Day, "1st mon-wed", "day: 1st mon,1st tue,1st wed"),
        (Name::Day, "friL", "day: last fri"),
        (Name::Day, "mon", "day_of_week: mon"),
        (Name::DayOfWeek, "mon-5", "day_of_week: mon-sat"),
        (Name::DayOfWeek, "mon#2", "day: 2nd mon"),
        (Name::DayOfWeek, "mon-fri/2", "day_of_week: 0-4/2"),
        (Name::DayOfWeek, "monday-friday", "day_of_week: mon-fri"),
        (Name::DayOfWeek, "moh", "day_of_week: mon"),
        (Name::DayOfWeek, "weekdays", "day_of_week: mon-fri"),
        (Name::DayOfWeek, "last fri", "day: last fri"),
        (Name::Month, "jan-mar/2", "month: 1-3/2"),
        (Name::Month, "january", "month: jan"),
        (Name::Month, "nov-feb", "month: nov-dec,jan-feb"),
        (Name::Week, "jan", "month: jan"),
        (Name::Year, "26", "year: 2026"),
        (Name::Year, "2030-2020", "year: 2020-2030"),
    ];
    for (name, text, way) in ways {
        let help = of_field(name, text).help.join("\n");
        assert!(
            help.ends_with(&format!("write `{way}`")),
            "{}: {text}: {help}",
            name.key()
        );
    }
}

#[test]
fn the_last_of_anything_but_days_is_not_the_last_day() {
    for name in [Name::Month, Name::Week, Name::Hour, Name::Minute] {
        for text in ["last", "L", "-1"] {
            let help = of_field(name, text).help.join("\n");
            assert!(
                !help.contains("day: last"),
                "{}: {text}: {help}",
                name.key()
            );
        }
    }
    for text in ["-1 4 * * *", "0 L * * *", "0 4 * last *"] {
        let help = of_expression(text).help.join("\n");
        assert!(!help.contains("day: last"), "{text}: {help}");
    }
    for text in ["last", "L"] {
        assert_eq!(of_field(Name::DayOfWeek, text).help, ["write `day: last`"]);
    }
}

#[test]
fn the_way_out_of_an_expression_is_named() {
    let ways = [
        ("5, * * * *", "write `expression: \"5 * * * *\"`"),
        ("*/90 * * * *", "write `expression: \"0 * * * *\"`"),
        ("0 22-2 * * *", "write `expression: \"0 22-23,0-2 * * *\"`"),
        ("0 0 ? * *", "write `expression: \"0 0 * * *\"`"),
        ("0 0 * * monday", "write `expression: \"0 0 * * mon\"`"),
        ("0 0 * * fri-sun", "write `expression: \"0 0 * * 5-7\"`"),
        (
            "0 0 * * fri-tue",
            "write `expression: \"0 0 * * fri-sat,sun-tue\"`",
        ),
        (
            "0 0 * * 7-3",
            "Sunday is also 0: write `expression: \"0 0 * * 0-3\"`",
        ),
        ("* * L * *", "fields can: `day: last`"),
        ("0 0 * * 5#2", "fields can: `day: 2nd fri`"),
        ("@Daily", "write `expression: \"@daily\"`"),
        ("@annually", "write `expression: \"@yearly\"`"),
    ];
    for (text, way) in ways {
        let help = of_expression(text).help.join("\n");
        assert!(help.ends_with(way), "{text}: {help}");
    }
}

#[test]
fn an_expression_is_told_where_it_is_wrong() {
    let fault = of_expression(" 0  24 * * *");
    assert_eq!(fault.message, "`hour` must be 0-23, not 24");
    assert_eq!(fault.part, Some(4..6));
    let fault = of_expression("0 1,60,2 * * *");
    assert_eq!(fault.part, Some(4..6));
    let fault = of_expression("0 0 0 * * 0");
    assert_eq!(fault.message, "`day_of_week` cannot be `0`");
    assert_eq!(fault.part, Some(10..11));
    assert!(fault.help[0].contains("1-7, where 1 is Sunday"));
}

#[test]
fn a_line_of_a_crontab_is_told_as_one() {
    for (line, expression, rest) in [
        ("0 4 * * * /usr/bin/x", "0 4 * * *", "/usr/bin/x"),
        ("30 2 * * * www-data", "30 2 * * *", "www-data"),
        (
            "0  4 * * mon root cd /srv && ./x ",
            "0 4 * * mon",
            "root cd /srv && ./x",
        ),
        ("@daily backup.sh", "@daily", "backup.sh"),
    ] {
        let fault = of_expression(line);
        assert_eq!(&line[fault.part.unwrap()], rest);
        assert_eq!(
            fault.message,
            format!("`{rest}` is no part of an expression")
        );
        assert_eq!(
            fault.help[0],
            format!("write `expression: \"{expression}\"`")
        );
        assert!(fault.help[1].contains("`command`, and a user into `user`"));
    }
    for expression in [
        "0 0 12 ? * 6L",
        "0 4 1 * * monady",
        "0 4 1 * * 8",
        "0 0 99 * * x",
        "0 4 1 * * mon 1969 x",
    ] {
        let message = of_expression(expression).message;
        assert!(!message.contains("no part of"), "{expression}: {message}");
    }
    let start = of_expression("@reboot /usr/bin/x").help.join("\n");
    assert!(start.contains("`run_at_start: true`"), "{start}");
}

#[test]
fn quartz_fields_end_where_the_spaces_are() {
    for text in [
        "0 0 1, 2 * *",
        "0 0 1, 2 * * *",
        "0 0 *5 * * *",
        "0 0 1 -5 * *",
    ] {
        assert!(of_expression(text).part.is_some(), "{text}");
    }
}

#[test]
fn a_long_or_odd_text_is_shown_in_short() {
    let fault = of_field(Name::Minute, &"x\t".repeat(10_000));
    assert!(fault.message.len() < 200, "{}", fault.message);
    assert!(!fault.message.contains('\t'));
}

fn junk() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[0-9]{1,3}",
        "[*,/ #?@LW.:;-]",
        "(mon|tuesday|sun|jan|december|last|1st|6th|every|weekday|am)",
        "\\PC",
    ];
    prop::collection::vec(word, 0..7).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No text panics, every part lies in its text, and what a help says to write is accepted.
    #[test]
    fn a_way_out_is_one(text in junk(), index in 0..8_usize) {
        if let Err(fault) = Field::parse(Name::ALL[index], &text) {
            prop_assert!(fault.part.as_ref().is_none_or(|part| text.get(part.clone()).is_some()));
            check(&fault)?;
        }
    }

    #[test]
    fn a_way_out_of_an_expression_is_one(texts in prop::collection::vec(junk(), 4..8)) {
        for sane in 0..texts.len() {
            // One odd field among stars, and all of them odd.
            let stars: Vec<_> = (0..texts.len()).map(|i| if i == sane { &texts[i] } else { "*" }).collect();
            for text in [stars.join(" "), texts.join(" ")] {
                if let Err(fault) = Cron::of_expression(&text, Bounds::default(), Zone::utc(), 0) {
                    prop_assert!(fault.part.as_ref().is_none_or(|part| text.get(part.clone()).is_some()));
                    check(&fault)?;
                }
            }
        }
    }
}

fn check(fault: &Fault) -> Result<(), TestCaseError> {
    let Some((key, value)) = written(fault) else {
        return Ok(());
    };
    // Not those that name two keys: there is nothing to read at once.
    if value.contains('`') {
        return Ok(());
    }
    let name = Name::ALL.into_iter().find(|name| name.key() == key);
    let accepted = match name {
        Some(name) => Field::parse(name, &value).is_ok(),
        None => Cron::of_expression(&value, Bounds::default(), Zone::utc(), 0).is_ok(),
    };
    prop_assert!(accepted, "{key}: {value}");
    Ok(())
}

#[test]
fn what_only_quartz_can_say_is_told_as_a_field_where_that_is_the_same() {
    let help = |text: &str| of_expression(text).help.join("; ");
    for (text, day) in [
        ("0 0 12 L * ?", "last"),
        ("0 0 12 ? * 6L", "last fri"),
        ("0 0 12 ? * 6#3", "3rd fri"),
        ("0 0 12 ? * friL", "last fri"),
    ] {
        let help = help(text);
        assert!(help.ends_with(&format!("`day: {day}`")), "{text}: {help}");
    }
    for text in [
        "L 0 12 * * ?",
        "0 0 12 15W * ?",
        "0 0 12 LW * ?",
        "0 0 12 L-3 * ?",
    ] {
        assert!(help(text).starts_with("neither"), "{text}: {}", help(text));
    }
    let saturday = "`L` is Saturday there: write `sat`";
    assert_eq!(help("0 0 4 ? * L"), saturday);
}
