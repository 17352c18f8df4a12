//! What Python 3.11.7 prints and computes for the same values.

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap()
}

fn moment(second: u32, micros: u32, offset_s: Option<i32>) -> Value {
    let reading = date().and_hms_micro_opt(10, 0, second, micros).unwrap();
    Value::DateTime(
        reading,
        offset_s.map(|seconds| FixedOffset::east_opt(seconds).unwrap()),
    )
}

#[test]
fn strings_are_shown_with_the_quotes_that_python_chooses() {
    for (content, shown) in [
        ("", "''"),
        ("a", "'a'"),
        ("it's", r#""it's""#),
        ("a\"b", r#"'a"b'"#),
        ("a'\"b", r#"'a\'"b'"#),
        ("\n\r\t\\", r"'\n\r\t\\'"),
        ("\0\x7f\u{85}\u{a0}\u{ad}", r"'\x00\x7f\x85\xa0\xad'"),
        (
            "é日😀\u{2028}\u{e000}\u{e0001}",
            r"'é日😀\u2028\ue000\U000e0001'",
        ),
        ("e\u{301} \u{301}", "'e\u{301} \u{301}'"),
    ] {
        assert_eq!(text(content).repr(), shown);
        assert_eq!(text(content).str(), content);
    }
}

#[test]
fn floats_are_shown_with_the_fewest_digits() {
    for (value, shown) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (100.0, "100.0"),
        (1e15, "1000000000000000.0"),
        (9_999_999_999_999_998.0, "9999999999999998.0"),
        (1e16, "1e+16"),
        (1e22, "1e+22"),
        (1.5e300, "1.5e+300"),
        (1e-4, "0.0001"),
        (1e-5, "1e-05"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (1.0 / 3.0, "0.3333333333333333"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(Value::Float(value).repr(), shown);
    }
}

#[test]
fn dates_have_a_form_for_programs_and_one_for_people() {
    let delta = "datetime.timezone(datetime.timedelta";
    for (value, repr, str) in [
        (
            Value::Date(date()),
            "datetime.date(2024, 1, 1)".to_owned(),
            "2024-01-01",
        ),
        (
            moment(0, 0, None),
            "datetime.datetime(2024, 1, 1, 10, 0)".to_owned(),
            "2024-01-01 10:00:00",
        ),
        (
            moment(0, 100_000, Some(0)),
            "datetime.datetime(2024, 1, 1, 10, 0, 0, 100000, tzinfo=datetime.timezone.utc)"
                .to_owned(),
            "2024-01-01 10:00:00.100000+00:00",
        ),
        (
            moment(0, 0, Some(3600)),
            format!("datetime.datetime(2024, 1, 1, 10, 0, tzinfo={delta}(seconds=3600)))"),
            "2024-01-01 10:00:00+01:00",
        ),
        (
            moment(1, 5, Some(-18_000)),
            format!(
                "datetime.datetime(2024, 1, 1, 10, 0, 1, 5, tzinfo={delta}(days=-1, seconds=68400)))"
            ),
            "2024-01-01 10:00:01.000005-05:00",
        ),
    ] {
        assert_eq!(value.repr(), repr);
        assert_eq!(value.str(), str);
    }
}

#[test]
fn collections_are_shown_as_python_writes_them() {
    let one = || vec![Value::Int(1)];
    for (value, shown) in [
        (Value::None, "None"),
        (Value::Bool(true), "True"),
        (Value::Bytes(b"a'b".to_vec()), r#"b"a'b""#),
        (
            Value::Bytes(b"\0\t\n\r\\\x7f\xc8'\"".to_vec()),
            r#"b'\x00\t\n\r\\\x7f\xc8\'"'"#,
        ),
        (Value::List(vec![]), "[]"),
        (Value::List(vec![Value::Int(1), text("a")]), "[1, 'a']"),
        (Value::Tuple(vec![]), "()"),
        (Value::Tuple(one()), "(1,)"),
        (Value::Tuple(vec![Value::Int(1), Value::Int(2)]), "(1, 2)"),
        (Value::Set(vec![]), "set()"),
        (Value::Set(one()), "{1}"),
        (Value::Map(vec![]), "{}"),
        (
            Value::Map(vec![
                (text("a"), Value::List(one())),
                (Value::None, Value::Bool(false)),
            ]),
            "{'a': [1], None: False}",
        ),
    ] {
        assert_eq!(value.repr(), shown);
        assert_eq!(value.str(), shown);
    }
}

#[test]
fn zero_and_what_is_empty_are_false() {
    for value in [
        Value::None,
        Value::Int(0),
        Value::Float(-0.0),
        text(""),
        Value::Bytes(vec![]),
        Value::Tuple(vec![]),
        Value::Map(vec![]),
    ] {
        assert!(!value.is_true(), "{}", value.repr());
    }
    for value in [
        Value::Int(-1),
        Value::Float(f64::NAN),
        text("False"),
        Value::Date(date()),
        Value::List(vec![Value::None]),
    ] {
        assert!(value.is_true(), "{}", value.repr());
    }
}

#[test]
fn equal_numbers_are_one_key_whatever_their_type() {
    let big = Value::int(BigInt::from(1_u64 << 63));
    assert_eq!(Value::Int(1).key(), Value::Float(1.0).key());
    assert_eq!(Value::Int(1).key(), Value::Bool(true).key());
    assert_eq!(Value::Int(0).key(), Value::Float(-0.0).key());
    assert_eq!(big.key(), Value::Float(9_223_372_036_854_775_808.0).key());
    assert_eq!(Value::Float(f64::NAN).key(), Value::Float(-f64::NAN).key());
    assert_ne!(Value::Int(1).key(), Value::Float(1.5).key());
    assert_ne!(Value::Int(1).key(), text("1").key());
    assert_ne!(text("a").key(), Value::Bytes(b"a".to_vec()).key());
}

#[test]
fn equal_moments_are_one_key_whatever_their_offset() {
    let reading = date().and_hms_opt(11, 0, 0).unwrap();
    let later = Value::DateTime(reading, FixedOffset::east_opt(3600));
    assert_eq!(later.key(), moment(0, 0, Some(0)).key());
    assert_ne!(moment(0, 0, None).key(), moment(0, 0, Some(0)).key());
    let midnight = Value::DateTime(date().and_hms_opt(0, 0, 0).unwrap(), None);
    assert_ne!(midnight.key(), Value::Date(date()).key());
}

#[test]
fn what_can_change_is_no_key() {
    assert_eq!(Value::List(vec![]).key(), Err(Unhashable("list")));
    assert_eq!(
        Value::Tuple(vec![Value::Set(vec![])]).key(),
        Err(Unhashable("set"))
    );
    assert!(Value::Tuple(vec![text("a"), Value::None]).key().is_ok());
}

#[test]
fn json_keeps_every_type() {
    let big: BigInt = "123456789012345678901234567890".parse().unwrap();
    for (value, form) in [
        (
            Value::Int(9_007_199_254_740_991),
            json!(9_007_199_254_740_991_i64),
        ),
        (
            Value::Int(9_007_199_254_740_992),
            json!({"$int": "9007199254740992"}),
        ),
        (
            Value::int(big),
            json!({"$int": "123456789012345678901234567890"}),
        ),
        (Value::Float(1.0), json!({"$float": "1.0"})),
        (Value::Float(f64::NEG_INFINITY), json!({"$float": "-inf"})),
        (Value::Date(date()), json!({"$date": "2024-01-01"})),
        (
            moment(0, 0, None),
            json!({"$datetime": "2024-01-01T10:00:00"}),
        ),
        (
            moment(1, 5, Some(-18_000)),
            json!({"$datetime": "2024-01-01T10:00:01.000005-05:00"}),
        ),
        (
            Value::Bytes(b"hello".to_vec()),
            json!({"$bytes": "aGVsbG8="}),
        ),
        (Value::Tuple(vec![Value::Int(1)]), json!({"$tuple": [1]})),
        (Value::Set(vec![text("a")]), json!({"$set": ["a"]})),
        (
            Value::Map(vec![(text("a"), Value::None)]),
            json!({"a": null}),
        ),
        (
            Value::Map(vec![(text("$a"), Value::None)]),
            json!({"$map": [["$a", null]]}),
        ),
        (
            Value::Map(vec![(Value::Int(1), text("x"))]),
            json!({"$map": [[1, "x"]]}),
        ),
    ] {
        assert_eq!(value.to_json(), form);
        assert_eq!(Value::from_json(&form), Ok(value));
    }
}

#[test]
fn json_that_is_no_value_is_refused() {
    let unknown = |kind: &str| Err(JsonError::UnknownKind(kind.to_owned()));
    assert_eq!(Value::from_json(&json!({"$regex": "a"})), unknown("$regex"));
    assert_eq!(
        Value::from_json(&json!({"a": 1, "$int": "2"})),
        unknown("$int")
    );
    for form in [
        json!({"$int": "x"}),
        json!({"$int": "9".repeat(4301)}),
        json!({"$float": 1}),
        json!({"$date": "2024-02-30"}),
        json!({"$datetime": "é"}),
        json!({"$bytes": "*"}),
        json!({"$tuple": 1}),
        json!({"$map": [[1]]}),
    ] {
        assert!(
            matches!(Value::from_json(&form), Err(JsonError::Malformed(..))),
            "{form}"
        );
    }
}

/// Any value, not too large; keys of maps are strings.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i128>().prop_map(|int| Value::int(int.into())),
        any::<f64>()
            .prop_filter("equals itself", |float| !float.is_nan())
            .prop_map(Value::Float),
        any::<String>().prop_map(Value::Str),
        any::<Vec<u8>>().prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            items.clone().prop_map(Value::List),
            items.prop_map(Value::Tuple),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|entries| {
                let entries = entries.into_iter();
                Value::Map(
                    entries
                        .map(|(key, value)| (Value::Str(key), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn json_and_back_is_the_same_value(value in any_value()) {
        let text = value.to_json().to_string();
        let json = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Value::from_json(&json), Ok(value));
    }

    #[test]
    fn a_whole_float_is_the_key_of_its_integer(int in -(1_i64 << 53)..1_i64 << 53) {
        #[expect(clippy::cast_precision_loss, reason = "within 53 bits nothing is lost")]
        let float = Value::Float(int as f64);
        let int = Value::Int(int);
        prop_assert_eq!(float.key(), int.key());
    }
}
