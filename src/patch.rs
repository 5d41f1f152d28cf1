//! The three states of a field in an update: keep, clear, set.

use serde::{Serialize, Serializer, ser::SerializeSeq};

/// The effect of an update on a field that can be cleared.
///
/// The service distinguishes an absent field from a cleared one. The request type determines how
/// the field is cleared: with `null`, an empty string or an empty list.
///
/// See the guide: [updates](crate::guide::updates).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// The field is not sent and keeps its value.
    #[default]
    Keep,
    /// The field is cleared.
    Clear,
    /// The field is set to this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns `true` if the field keeps its value.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns the value that is set, if any.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    /// Returns `Set`, or `Keep` for `None`, which means that the builder recorded a conversion
    /// error.
    pub(crate) fn set(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

/// Clears with `null`. The request type skips fields that are kept.
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
    fn keep_clear_and_set_are_encoded_differently() {
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
