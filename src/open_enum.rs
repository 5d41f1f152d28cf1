//! Enums that keep values added since.

/// Writes an enum over documented strings, with one variant that keeps any other text.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident, $other:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
            /// A value that the document does not know, as it was sent or is to be sent.
            $other(String),
        }

        impl $name {
            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::$other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::$other(text.to_owned()),
                }
            }
        }

        crate::open_enum::text_conversions!($name);
    };
}

/// What every open enum has because it is text.
macro_rules! text_conversions {
    ($name:ident) => {
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
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
                crate::open_enum::text(deserializer)
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

pub(crate) use {open_enum, text_conversions};

/// Reads any text, borrowed or owned, into an open enum.
pub(crate) fn text<'de, D: serde::Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<T, D::Error> {
    <String as serde::Deserialize>::deserialize(deserializer).map(T::from)
}

#[cfg(test)]
mod tests {
    open_enum! {
        /// A colour.
        Colour, Unknown { Red = "red", Blue = "blue", }
    }

    #[test]
    fn round_trips_known_and_unknown_values() {
        for (text, value) in [
            ("red", Colour::Red),
            ("", Colour::Unknown(String::new())),
            ("mauve", Colour::from("mauve")),
        ] {
            assert_eq!(text.parse(), Ok(value.clone()));
            assert_eq!(value.to_string(), text);
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Colour>(&json).unwrap(), value);
        }
    }
}
