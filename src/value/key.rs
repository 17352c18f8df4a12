//! When two values are the same key of a Python `dict`.

use chrono::{NaiveDate, NaiveDateTime};
use num_bigint::BigInt;

use super::Value;
use super::number::integral;

/// A value as Python's `==` and `hash` see it: `1`, `1.0` and `True` are one key.
///
/// All not-a-numbers are one key here: `PyYAML` gives every `.nan` as the same object, which a
/// `dict` finds again by its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key<'a>(Form<'a>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form<'a> {
    None,
    Int(i64),
    BigInt(BigInt),
    Fraction(u64),
    Str(&'a str),
    Bytes(&'a [u8]),
    Date(NaiveDate),
    Naive(NaiveDateTime),
    Aware(NaiveDateTime),
    Tuple(Vec<Form<'a>>),
}

/// A value that Python cannot hash, and its type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unhashable type: '{0}'")]
pub struct Unhashable(pub &'static str);

impl Value {
    /// What stands for this value among the keys of a `dict`.
    ///
    /// # Errors
    /// A list, a set or a `dict` cannot be a key, nor a tuple that holds one.
    pub fn key(&self) -> Result<Key<'_>, Unhashable> {
        Form::of(self).map(Key)
    }
}

impl<'a> Form<'a> {
    fn of(value: &'a Value) -> Result<Self, Unhashable> {
        Ok(match value {
            Value::None => Self::None,
            Value::Bool(value) => Self::Int(i64::from(*value)),
            Value::Int(value) => Self::Int(*value),
            Value::BigInt(value) => Self::BigInt(value.as_ref().clone()),
            Value::Float(value) => Self::of_float(*value),
            Value::Str(text) => Self::Str(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Date(date) => Self::Date(*date),
            Value::DateTime(reading, None) => Self::Naive(*reading),
            Value::DateTime(reading, Some(offset)) => Self::Aware(*reading - *offset),
            Value::Tuple(items) => {
                Self::Tuple(items.iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Value::List(_) | Value::Set(_) | Value::Map(_) => {
                return Err(Unhashable(value.type_name()));
            }
        })
    }

    fn of_float(value: f64) -> Self {
        if value.is_nan() {
            return Self::Fraction(f64::NAN.to_bits());
        }
        match integral(value).map(Value::int) {
            Some(Value::Int(small)) => Self::Int(small),
            Some(Value::BigInt(big)) => Self::BigInt(*big),
            _ => Self::Fraction(value.to_bits()),
        }
    }
}
