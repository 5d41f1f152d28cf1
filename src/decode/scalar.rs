//! Scalars: the representations in which booleans, numbers, strings and timestamps are received.

use std::{fmt, marker::PhantomData};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::Value;

use super::{Decoded, LenientDecode};
use crate::Secret;

/// A type that is decoded from a scalar. The conversions return `None` if the scalar does not
/// match.
pub(crate) trait Scalar: Sized {
    /// Names the type in error messages.
    const EXPECTED: &'static str = "a string";

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_i64(_: i64) -> Option<Self> {
        None
    }

    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }
}

/// Implements [`LenientDecode`] for a scalar.
macro_rules! response_scalar {
    ($name:ty) => {
        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_scalar(deserializer)
            }

            fn expected() -> &'static str {
                <Self as $crate::decode::Scalar>::EXPECTED
            }
        }
    };
}

pub(crate) use response_scalar;

response_scalar!(bool);
response_scalar!(i64);
response_scalar!(u32);
response_scalar!(f64);
response_scalar!(String);
response_scalar!(DateTime<Utc>);

impl LenientDecode for Secret {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        decode_scalar(deserializer)
    }

    fn expected() -> &'static str {
        <Self as Scalar>::EXPECTED
    }

    /// A mismatched value may contain the secret.
    fn retain_mismatch(_: Value) -> Value {
        Self::default().to_string().into()
    }
}

/// The largest integer up to which every integer is exactly representable as `f64`.
const MAX_EXACT_INTEGER: i64 = 1 << 53;

/// The number of digits up to which every integer is exactly representable as `f64`.
const MAX_EXACT_DIGITS: usize = 15;

impl Scalar for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }

    fn from_i64(value: i64) -> Option<Self> {
        match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn from_u64(value: u64) -> Option<Self> {
        i64::try_from(value).ok().and_then(Self::from_i64)
    }

    fn from_f64(value: f64) -> Option<Self> {
        i64::from_f64(value).and_then(Self::from_i64)
    }

    fn from_text(value: &str) -> Option<Self> {
        match value {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

impl Scalar for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_i64(value: i64) -> Option<Self> {
        Some(value)
    }

    fn from_u64(value: u64) -> Option<Self> {
        value.try_into().ok()
    }

    fn from_f64(value: f64) -> Option<Self> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "whole and in range"
        )]
        (value.fract() == 0.0 && value.abs() <= MAX_EXACT_INTEGER as f64).then_some(value as Self)
    }

    fn from_text(value: &str) -> Option<Self> {
        value
            .parse()
            .ok()
            .or_else(|| Self::from_f64(f64::from_text(value)?))
    }
}

impl Scalar for u32 {
    const EXPECTED: &'static str = "an integer from 0 to 4294967295";

    fn from_i64(value: i64) -> Option<Self> {
        value.try_into().ok()
    }

    fn from_u64(value: u64) -> Option<Self> {
        value.try_into().ok()
    }

    fn from_f64(value: f64) -> Option<Self> {
        i64::from_f64(value).and_then(Self::from_i64)
    }

    fn from_text(value: &str) -> Option<Self> {
        i64::from_text(value).and_then(Self::from_i64)
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_i64(value: i64) -> Option<Self> {
        #[allow(clippy::cast_precision_loss, reason = "in the exact range")]
        (-MAX_EXACT_INTEGER..=MAX_EXACT_INTEGER)
            .contains(&value)
            .then_some(value as Self)
    }

    fn from_u64(value: u64) -> Option<Self> {
        i64::try_from(value).ok().and_then(Self::from_i64)
    }

    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }

    fn from_text(value: &str) -> Option<Self> {
        let has_number_prefix =
            value.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        // Of the integers, only short ones and a few long ones are exactly representable.
        let is_exact = |number: Self| {
            value.len() <= MAX_EXACT_DIGITS
                || value.contains(['.', 'e', 'E'])
                || [number.to_string(), format!("{number:.0}")].contains(&value.to_owned())
        };
        value
            .parse()
            .ok()
            .filter(|number: &Self| has_number_prefix && number.is_finite() && is_exact(*number))
    }
}

impl Scalar for String {
    fn from_text(value: &str) -> Option<Self> {
        Some(value.to_owned())
    }
}

impl Scalar for Secret {
    fn from_text(value: &str) -> Option<Self> {
        Some(value.into())
    }
}

/// The formats of timestamps without a zone.
const FORMATS_WITHOUT_ZONE: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];

impl Scalar for DateTime<Utc> {
    const EXPECTED: &'static str = "a timestamp";

    /// Parses RFC 3339, or the same without a zone, which is UTC.
    fn from_text(value: &str) -> Option<Self> {
        let without_zone = |format| NaiveDateTime::parse_from_str(value, format).ok();
        DateTime::parse_from_rfc3339(value)
            .map(Into::into)
            .ok()
            .or_else(|| {
                FORMATS_WITHOUT_ZONE
                    .into_iter()
                    .find_map(without_zone)
                    .map(|time| time.and_utc())
            })
    }
}

/// Decodes any JSON value as a scalar.
pub(crate) fn decode_scalar<'de, D: Deserializer<'de>, T: Scalar>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(ScalarVisitor(PhantomData))
}

struct ScalarVisitor<T>(PhantomData<T>);

fn complete_or_mismatch<T>(value: Option<T>, other: impl Into<Value>) -> Decoded<T> {
    value.map_or_else(|| Decoded::Mismatch(other.into()), Decoded::Complete)
}

impl<'de, T: Scalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = Decoded<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Decoded<T>, E> {
        Ok(complete_or_mismatch(T::from_bool(value), value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Decoded<T>, E> {
        Ok(complete_or_mismatch(T::from_i64(value), value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Decoded<T>, E> {
        Ok(complete_or_mismatch(T::from_u64(value), value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Decoded<T>, E> {
        Ok(complete_or_mismatch(T::from_f64(value), value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Decoded<T>, E> {
        Ok(complete_or_mismatch(T::from_text(value), value))
    }

    fn visit_unit<E>(self) -> Result<Decoded<T>, E> {
        Ok(Decoded::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Decoded<T>, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Decoded::Mismatch)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Decoded<T>, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).map(Decoded::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value<T: Scalar>(value: Value) -> Option<T> {
        match decode_scalar(value).unwrap() {
            Decoded::Complete(value) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn booleans_decode_from_numbers_and_strings() {
        for (json, expected) in [
            (json!(true), Some(true)),
            (json!(0), Some(false)),
            (json!(1), Some(true)),
            (json!(1.0), Some(true)),
            (json!("true"), Some(true)),
            (json!("false"), Some(false)),
            (json!(""), None),
            (json!(null), None),
            (json!(2), None),
            (json!([]), None),
        ] {
            assert_eq!(value::<bool>(json.clone()), expected, "{json}");
        }
    }

    #[test]
    fn numbers_decode_only_if_their_value_is_exact() {
        assert_eq!(value::<i64>(json!(10.0)), Some(10));
        assert_eq!(value::<i64>(json!("12")), Some(12));
        assert_eq!(value::<i64>(json!(u64::MAX)), None);
        assert_eq!(value::<i64>(json!(1.5)), None);
        assert_eq!(value::<f64>(json!("1.5")), Some(1.5));
        assert_eq!(value::<f64>(json!(7)), Some(7.0));
        assert_eq!(value::<f64>(json!((1_i64 << 53) + 1)), None);
        assert_eq!(value::<f64>(json!("inf")), None);
        assert_eq!(value::<f64>(json!("007")), Some(7.0));
        assert_eq!(value::<f64>(json!("100000000000000000000")), Some(1e20));
        assert_eq!(value::<f64>(json!("9007199254740993")), None);
        assert_eq!(value::<f64>(json!("123456789012345678901234567890")), None);
    }

    #[test]
    fn timestamps_decode_with_and_without_a_zone() {
        let expected: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.000Z",
            "2026-01-02 03:04:05",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.000",
            "2026-01-02T04:04:05+01:00",
        ] {
            assert_eq!(value(json!(text)), Some(expected), "{text}");
        }
        assert_eq!(value::<DateTime<Utc>>(json!("soon")), None);
    }
}
