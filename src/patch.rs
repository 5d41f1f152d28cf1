//! Three states of a field in an update: leave it alone, clear it, set it.

use serde::{Serialize, Serializer, ser::SerializeSeq};

/// What an update does to a field that can be cleared.
///
/// The service tells a field that is absent from one that is cleared; how a field is cleared
/// (`null`, an empty text, an empty list) is known to the type that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// The field is not sent, so it stays as it is.
    #[default]
    Keep,
    /// The field is emptied.
    Clear,
    /// The field gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field stays as it is.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value, where one is set.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    /// `None` keeps: what a builder's setter could not convert is an error of its own.
    pub(crate) fn set(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

/// Clears with `null`. A field to keep is skipped by the type that it belongs to.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Keep | Self::Clear => serializer.serialize_none(),
        }
    }
}

/// Clears with `""`.
pub(crate) fn empty_string<T: Serialize, S: Serializer>(
    patch: &Patch<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match patch {
        Patch::Set(value) => value.serialize(serializer),
        Patch::Keep | Patch::Clear => serializer.serialize_str(""),
    }
}

/// Clears with `[]`.
pub(crate) fn empty_array<T: Serialize, S: Serializer>(
    patch: &Patch<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match patch {
        Patch::Set(value) => value.serialize(serializer),
        Patch::Keep | Patch::Clear => serializer.serialize_seq(Some(0))?.end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Update {
        #[serde(skip_serializing_if = "Patch::is_keep")]
        limits: Patch<Vec<u8>>,
        #[serde(
            skip_serializing_if = "Patch::is_keep",
            serialize_with = "empty_string"
        )]
        icon: Patch<String>,
        #[serde(skip_serializing_if = "Patch::is_keep", serialize_with = "empty_array")]
        mappings: Patch<Vec<u8>>,
    }

    fn json(limits: Patch<Vec<u8>>, icon: Patch<String>, mappings: Patch<Vec<u8>>) -> String {
        serde_json::to_string(&Update {
            limits,
            icon,
            mappings,
        })
        .unwrap()
    }

    #[test]
    fn keep_clear_and_set_are_three_bodies() {
        assert_eq!(json(Patch::Keep, Patch::Keep, Patch::Keep), "{}");
        assert_eq!(
            json(Patch::Clear, Patch::Clear, Patch::Clear),
            r#"{"limits":null,"icon":"","mappings":[]}"#
        );
        assert_eq!(
            json(vec![].into(), "x".to_owned().into(), vec![1].into()),
            r#"{"limits":[],"icon":"x","mappings":[1]}"#
        );
    }
}
