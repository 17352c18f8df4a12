//! Numbers as Python computes and prints them.

use num_bigint::BigInt;

/// Bits of the fraction of an `f64`.
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// What the exponent of an `f64` is moved by, with the fraction's bits taken as an integer.
const EXPONENT_BIAS: i64 = 1023 + FRACTION_BITS as i64;

/// The whole number that a float is; `None` for fractions, infinities and not-a-number.
pub(super) fn integral(value: f64) -> Option<BigInt> {
    if !value.is_finite() || value.fract() != 0.0 {
        return None;
    }
    if value == 0.0 {
        return Some(BigInt::ZERO);
    }
    // A whole number other than zero is at least 1, so it is never subnormal.
    let bits = value.abs().to_bits();
    let fraction = (bits & ((1 << FRACTION_BITS) - 1)) | (1 << FRACTION_BITS);
    let exponent = i64::try_from(bits >> FRACTION_BITS).ok()? - EXPONENT_BIAS;
    let magnitude = BigInt::from(fraction);
    let magnitude = if exponent < 0 {
        magnitude >> exponent.unsigned_abs()
    } else {
        magnitude << exponent.unsigned_abs()
    };
    Some(if value < 0.0 { -magnitude } else { magnitude })
}

/// Python's `repr` of a float: the shortest digits that read back as the same number, with an
/// exponent below 1e-4 and from 1e16 on.
pub(super) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("`{:e}` always writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes it in digits");
    if (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}
