//! String enums that accept unknown values.

/// Defines an enum of documented strings, with a variant for any other string. A variant can have
/// aliases, which are read but never sent: `Admin = "admin" | "ws-admin"`.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident, $other:ident { $($variant:ident = $value:literal $(| $alias:literal)*,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`.")] $variant,)*
            /// A value that is not part of the OpenAPI document.
            $other(String),
        }

        impl $name {
            /// Every documented value.
            pub const VARIANTS: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns `true` if the value is documented.
            #[inline]
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::$other(_))
            }

            /// Returns the value as it is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::$other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            #[inline]
            fn from(value: &str) -> Self {
                match value {
                    $($value $(| $alias)* => Self::$variant,)*
                    _ => Self::$other(value.to_owned()),
                }
            }
        }

        crate::open_enum::string_conversions!($name);
    };
}

/// Implements the conversions from and to strings.
macro_rules! string_conversions {
    ($name:ident) => {
        impl From<String> for $name {
            #[inline]
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            #[inline]
            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::open_enum::deserialize(deserializer)
            }
        }

        impl crate::decode::Scalar for $name {
            fn from_text(text: &str) -> Option<Self> {
                Some(Self::from(text))
            }
        }

        crate::decode::response_scalar!($name);
    };
}

pub(crate) use {open_enum, string_conversions};

/// Deserializes any string, borrowed or owned, into an open enum.
pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<T, D::Error> {
    <String as serde::Deserialize>::deserialize(deserializer).map(T::from)
}

#[cfg(test)]
mod tests {
    open_enum! {
        /// A colour.
        Colour, Unknown { Red = "red" | "rouge" | "rot", Blue = "blue", }
    }

    #[test]
    fn aliases_are_read_as_the_value_and_never_sent() {
        for alias in ["red", "rouge", "rot"] {
            let value: Colour = serde_json::from_str(&format!("{alias:?}")).unwrap();
            assert_eq!(value, Colour::Red);
            assert_eq!(serde_json::to_string(&value).unwrap(), r#""red""#);
        }
        assert_eq!(Colour::from("Rot"), Colour::Unknown("Rot".to_owned()));
    }

    #[test]
    fn known_and_unknown_values_round_trip() {
        for (string, value) in [
            ("red", Colour::Red),
            ("", Colour::Unknown(String::new())),
            ("mauve", Colour::from("mauve")),
        ] {
            assert_eq!(string.parse(), Ok(value.clone()));
            assert_eq!(value.to_string(), string);
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Colour>(&json).unwrap(), value);
        }
    }

    #[test]
    fn variants_are_the_known_values() {
        assert_eq!(Colour::VARIANTS, [Colour::Red, Colour::Blue]);
        assert!(Colour::VARIANTS.iter().all(Colour::is_known));
        assert!(!Colour::from("mauve").is_known());
    }
}
