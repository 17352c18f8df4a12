//! The Python values that configs and tasks exchange, and their JSON form.
//!
//! A value is what `PyYAML` would have given to Python: `sched` must neither lose a type nor
//! invent one on the way from the config to the task.

mod json;
mod key;
mod number;
mod repr;
mod rust;

#[cfg(test)]
mod tests;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use num_bigint::{BigInt, Sign};

pub use json::JsonError;
pub use key::{Key, Unhashable};
pub use rust::{FromValue, TypeError};

/// One Python value, as `PyYAML`'s `FullLoader` constructs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// An `int` that fits into 64 bits.
    Int(i64),
    /// An `int` that does not fit into 64 bits.
    BigInt(Box<BigInt>),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(String),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `datetime.date`.
    Date(NaiveDate),
    /// A `datetime.datetime`: its wall-clock reading, and its offset unless it is naive.
    DateTime(NaiveDateTime, Option<FixedOffset>),
    /// A `list`.
    List(Vec<Value>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `set`, in the order of its first appearance.
    Set(Vec<Value>),
    /// A `dict`, in Python's order; its keys are distinct under Python's `==`.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The `int` with this value, in the variant where it belongs.
    #[must_use]
    pub fn int(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(small) => Self::Int(small),
            Err(_) => Self::BigInt(Box::new(value)),
        }
    }

    /// The name of its type in Python, such as `int` or `datetime.date`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "datetime.date",
            Self::DateTime(..) => "datetime.datetime",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Set(_) => "set",
            Self::Map(_) => "dict",
        }
    }

    /// Whether Python takes it for true: all but `None`, zero and what is empty.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::BigInt(value) => value.sign() != Sign::NoSign,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Date(_) | Self::DateTime(..) => true,
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
        }
    }

    /// The text of a `str`.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::BigInt(_)
            | Self::Float(_)
            | Self::Bytes(_)
            | Self::Date(_)
            | Self::DateTime(..)
            | Self::List(_)
            | Self::Tuple(_)
            | Self::Set(_)
            | Self::Map(_) => None,
        }
    }
}
