//! The JSON form of a value, which loses no Python type.
//!
//! `null`, booleans, strings, lists and integers up to 2^53-1 are themselves; everything else is
//! an object with one key that starts with `$`, such as `{"$date": "2024-01-01"}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use num_bigint::BigInt;
use serde_json::{Map, Number, Value as Json, json};

use super::Value;
use super::number::float_repr;
use super::repr::{date_iso, datetime_iso};

/// The largest integer that every JSON reader keeps exactly, 2^53-1.
const MAX_SAFE_INT: i64 = (1 << 53) - 1;

/// Why JSON is no value of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// An object with a key that starts with `$` and is none of ours.
    #[error("`{0}` is no kind of value")]
    UnknownKind(String),
    /// What stands under a known `$` key does not fit it.
    #[error("`{0}` does not fit its kind `{1}`")]
    Malformed(String, &'static str),
}

impl Value {
    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Bool(value) => json!(value),
            Self::Int(value) if (-MAX_SAFE_INT..=MAX_SAFE_INT).contains(value) => json!(value),
            Self::Int(value) => json!({ "$int": value.to_string() }),
            Self::BigInt(value) => json!({ "$int": value.to_string() }),
            Self::Float(value) => json!({ "$float": float_repr(*value) }),
            Self::Str(text) => json!(text),
            Self::Bytes(bytes) => json!({ "$bytes": STANDARD.encode(bytes) }),
            Self::Date(date) => json!({ "$date": date_iso(*date) }),
            Self::DateTime(reading, offset) => {
                json!({ "$datetime": datetime_iso(*reading, *offset, 'T') })
            }
            Self::List(items) => to_list(items),
            Self::Tuple(items) => json!({ "$tuple": to_list(items) }),
            Self::Set(items) => json!({ "$set": to_list(items) }),
            Self::Map(entries) => to_map(entries),
        }
    }

    /// The value of a JSON form; an object without a `$` key is a `dict` with `str` keys.
    ///
    /// # Errors
    /// A `$` key that is unknown or holds something that does not fit it.
    pub fn from_json(json: &Json) -> Result<Self, JsonError> {
        Ok(match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => from_number(number)?,
            Json::String(text) => Self::Str(text.clone()),
            Json::Array(items) => Self::List(from_list(items)?),
            Json::Object(object) => from_object(object)?,
        })
    }
}

fn to_list(items: &[Value]) -> Json {
    Json::Array(items.iter().map(Value::to_json).collect())
}

fn to_map(entries: &[(Value, Value)]) -> Json {
    let plain_keys = entries
        .iter()
        .all(|(key, _)| key.as_str().is_some_and(|key| !key.starts_with('$')));
    if !plain_keys {
        let pairs = entries
            .iter()
            .map(|(key, value)| json!([key.to_json(), value.to_json()]));
        return json!({ "$map": pairs.collect::<Vec<_>>() });
    }
    let entries = entries
        .iter()
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.to_json())));
    Json::Object(entries.collect())
}

fn from_number(number: &Number) -> Result<Value, JsonError> {
    let text = number.to_string();
    if let Ok(int) = text.parse() {
        return Ok(Value::int(int));
    }
    parsed(&Json::String(text), "$float", |text| text.parse().ok()).map(Value::Float)
}

fn from_list(items: &[Json]) -> Result<Vec<Value>, JsonError> {
    items.iter().map(Value::from_json).collect()
}

fn from_object(object: &Map<String, Json>) -> Result<Value, JsonError> {
    let mut entries = object.iter();
    if let (Some((kind, content)), None) = (entries.next(), entries.next())
        && kind.starts_with('$')
    {
        return from_kind(kind, content);
    }
    let entries = object.iter().map(|(key, value)| {
        if key.starts_with('$') {
            return Err(JsonError::UnknownKind(key.clone()));
        }
        Ok((Value::Str(key.clone()), Value::from_json(value)?))
    });
    Ok(Value::Map(entries.collect::<Result<_, _>>()?))
}

fn from_kind(kind: &str, content: &Json) -> Result<Value, JsonError> {
    Ok(match kind {
        "$int" => Value::int(parsed(content, "$int", parse_int)?),
        "$float" => Value::Float(parsed(content, "$float", |text| text.parse().ok())?),
        "$date" => Value::Date(parsed(content, "$date", parse_date)?),
        "$datetime" => {
            let (reading, offset) = parsed(content, "$datetime", parse_datetime)?;
            Value::DateTime(reading, offset)
        }
        "$bytes" => Value::Bytes(parsed(content, "$bytes", |text| {
            STANDARD.decode(text).ok()
        })?),
        "$tuple" => Value::Tuple(from_list(list(content, "$tuple")?)?),
        "$set" => Value::Set(from_list(list(content, "$set")?)?),
        "$map" => from_pairs(list(content, "$map")?)?,
        _ => return Err(JsonError::UnknownKind(kind.to_owned())),
    })
}

fn from_pairs(pairs: &[Json]) -> Result<Value, JsonError> {
    let pairs = pairs.iter().map(|pair| match list(pair, "$map")? {
        [key, value] => Ok((Value::from_json(key)?, Value::from_json(value)?)),
        _ => Err(JsonError::Malformed(pair.to_string(), "$map")),
    });
    Ok(Value::Map(pairs.collect::<Result<_, _>>()?))
}

fn list<'a>(content: &'a Json, kind: &'static str) -> Result<&'a [Json], JsonError> {
    content
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| JsonError::Malformed(content.to_string(), kind))
}

fn parsed<T>(
    content: &Json,
    kind: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, JsonError> {
    content
        .as_str()
        .and_then(parse)
        .ok_or_else(|| JsonError::Malformed(content.to_string(), kind))
}

/// Python 3.11 writes no more digits either.
fn parse_int(text: &str) -> Option<BigInt> {
    const MAX_DIGITS: usize = 4300;
    let digits = text.strip_prefix('-').unwrap_or(text);
    (digits.len() <= MAX_DIGITS)
        .then(|| text.parse().ok())
        .flatten()
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn parse_datetime(text: &str) -> Option<(NaiveDateTime, Option<FixedOffset>)> {
    const NAIVE: &str = "%Y-%m-%dT%H:%M:%S%.f";
    if let Ok(reading) = NaiveDateTime::parse_from_str(text, NAIVE) {
        return Some((reading, None));
    }
    let (reading, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let reading = NaiveDateTime::parse_from_str(reading, NAIVE).ok()?;
    Some((reading, Some(offset.parse().ok()?)))
}
