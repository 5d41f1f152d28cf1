//! Amounts of money whose type is their unit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decode::{Scalar, response_scalar};

/// Defines an amount that is sent and received as a number.
macro_rules! amount {
    ($(#[$docs:meta])* $name:ident, $unit:literal, from $other:ident by $convert:expr) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl From<$other> for $name {
            fn from(amount: $other) -> Self {
                Self($convert(amount.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)?;
                f.write_str(concat!(" ", $unit))
            }
        }

        impl Scalar for $name {
            const EXPECTED: &'static str = f64::EXPECTED;

            fn from_i64(value: i64) -> Option<Self> {
                f64::from_i64(value).map(Self)
            }

            fn from_u64(value: u64) -> Option<Self> {
                f64::from_u64(value).map(Self)
            }

            fn from_f64(value: f64) -> Option<Self> {
                f64::from_f64(value).map(Self)
            }

            fn from_text(value: &str) -> Option<Self> {
                f64::from_text(value).map(Self)
            }
        }

        response_scalar!($name);
    };
}

amount! {
    /// An amount of US cents, which may be fractional.
    ///
    /// ```
    /// use portkey_admin::{Cents, Dollars};
    ///
    /// assert_eq!(Dollars::from(Cents(250.0)), Dollars(2.5));
    /// assert_eq!(Cents(0.5).to_string(), "0.5 cents");
    /// ```
    Cents, "cents", from Dollars by |dollars| dollars * 100.0
}

amount! {
    /// An amount of US dollars, which may be fractional.
    Dollars, "dollars", from Cents by |cents| cents / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::from_slice;

    #[test]
    fn an_amount_is_a_number_or_a_string_on_the_wire() {
        for body in ["2.5", "\"2.5\""] {
            let amount: Cents = from_slice(body.as_bytes()).unwrap();
            assert_eq!(amount, Cents(2.5));
            assert_eq!(serde_json::to_string(&amount).unwrap(), "2.5");
        }
        assert_eq!(
            from_slice::<Cents>(b"[]").unwrap_err().to_string(),
            "expected a number, found an array"
        );
    }

    #[test]
    fn amounts_convert_into_the_other_unit() {
        assert_eq!(Cents::from(Dollars(1.25)), Cents(125.0));
        assert_eq!(Dollars::from(Cents(125.0)), Dollars(1.25));
    }
}
