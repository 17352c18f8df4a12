//! The Python values that configs and tasks exchange, and their JSON form.
//!
//! A value is what `PyYAML` would have given to Python: `sched` must neither lose a type nor
//! invent one on the way from the config to the task.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use num_bigint::BigInt;

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
