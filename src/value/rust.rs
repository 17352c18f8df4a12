//! From values of Rust to those of Python, and back.

use num_bigint::BigInt;

use super::Value;

/// A value has another type than is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {wanted}, but this is {found}")]
pub struct TypeError {
    wanted: &'static str,
    found: String,
}

impl TypeError {
    fn new(wanted: &'static str, found: &Value) -> Self {
        Self {
            wanted,
            found: found.repr(),
        }
    }
}

/// What can be had from a [`Value`].
pub trait FromValue: Sized {
    /// The value as one of Rust; nothing is converted that Python would not take for the same.
    ///
    /// # Errors
    /// Where it has another type, or does not fit.
    fn from_value(value: &Value) -> Result<Self, TypeError>;
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        Ok(value.clone())
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| TypeError::new("text", value))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match value {
            Value::Bool(value) => Ok(*value),
            other => Err(TypeError::new("true or false", other)),
        }
    }
}

impl FromValue for f64 {
    /// A whole number is taken too, if it loses nothing.
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match value {
            Value::Float(value) => Some(*value),
            Value::Int(value) => exactly(*value),
            _ => None,
        }
        .ok_or_else(|| TypeError::new("a number", value))
    }
}

/// The same number as a float; `None` beyond 2⁵³, from where on not every whole number is one.
#[expect(clippy::cast_precision_loss, reason = "up to there nothing is lost")]
fn exactly(value: i64) -> Option<f64> {
    (value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then_some(value as f64)
}

/// `None` is nothing.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match value {
            Value::None => Ok(None),
            some => T::from_value(some).map(Some),
        }
    }
}

/// Of a list or a tuple.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match value {
            Value::List(items) | Value::Tuple(items) => items.iter().map(T::from_value).collect(),
            other => Err(TypeError::new("a list", other)),
        }
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl FromValue for $integer {
            fn from_value(value: &Value) -> Result<Self, TypeError> {
                let fitting = match value {
                    Value::Int(value) => Self::try_from(*value).ok(),
                    Value::BigInt(value) => Self::try_from(&**value).ok(),
                    _ => None,
                };
                fitting.ok_or_else(|| {
                    TypeError::new(concat!("a whole number (", stringify!($integer), ")"), value)
                })
            }
        }

        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::int(BigInt::from(value))
            }
        }
    )*};
}

integers!(i32, i64, u32, u64, usize);

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::None
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: FromValue + Into<Value> + Clone + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(T::from_value(&value.clone().into()), Ok(value));
    }

    #[test]
    fn what_goes_there_comes_back() {
        there_and_back(true);
        there_and_back(-1.5);
        there_and_back("text".to_owned());
        there_and_back(i64::MIN);
        there_and_back(u64::MAX);
        there_and_back(vec![Some(1), None]);
    }

    #[test]
    fn another_type_is_refused_with_what_it_is() {
        let refused = |error: Result<i64, TypeError>| error.unwrap_err().to_string();
        assert_eq!(
            refused(i64::from_value(&"two".into())),
            "must be a whole number (i64), but this is 'two'"
        );
        assert!(i32::from_value(&u64::MAX.into()).is_err());
        assert!(i64::from_value(&true.into()).is_err());
        assert!(String::from_value(&1.into()).is_err());
        assert!(bool::from_value(&1.into()).is_err());
        assert!(Vec::<bool>::from_value(&vec![1].into()).is_err());
        assert_eq!(f64::from_value(&3.into()), Ok(3.0));
        let milliseconds = 1_764_513_000_000_i64;
        assert_eq!(f64::from_value(&milliseconds.into()), Ok(1_764_513e6));
        assert!(f64::from_value(&((1_i64 << 53) + 1).into()).is_err());
        assert!(f64::from_value(&u64::MAX.into()).is_err());
    }
}
