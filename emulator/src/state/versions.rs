//! The versions of prompts and partials.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;
use crate::ids::Ids;
use crate::state::table::Row;

/// Numbered versions, oldest first, one of which is the default.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Versions<T> {
    /// The number of the default version.
    default: u64,
    #[serde(rename = "versions")]
    list: Vec<Version<T>>,
}

/// One version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version<T> {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) description: Value,
    pub(crate) created_at: String,
    #[serde(flatten)]
    pub(crate) content: T,
}

/// A row with versions.
pub(crate) trait Versioned: Row {
    type Content;

    fn versions(&self) -> &Versions<Self::Content>;

    fn versions_mut(&mut self) -> &mut Versions<Self::Content>;

    /// Returns the version that a request asks for with `latest`, `default` or a number.
    fn version(&self, requested: &str) -> Result<&Version<Self::Content>, ApiError> {
        let found = self.versions().find(requested)?;
        found.ok_or_else(missing_version::<Self>)
    }

    /// Makes the version that the body names by its number, not its id, the default.
    fn set_default_version(&mut self, call: &Call) -> Result<(), ApiError> {
        let number = call.body_value("version").as_u64();
        let number =
            number.ok_or_else(|| ApiError::invalid_field("version", "must be a version number"))?;
        let versions = self.versions_mut();
        let version = versions.with_number(number);
        versions.default = version.ok_or_else(missing_version::<Self>)?.number;
        Ok(())
    }
}

/// Implements [`Versioned`] for a type with a field `versions`.
macro_rules! versioned {
    ($row:ty: $content:ty) => {
        impl Versioned for $row {
            type Content = $content;

            fn versions(&self) -> &Versions<$content> {
                &self.versions
            }

            fn versions_mut(&mut self) -> &mut Versions<$content> {
                &mut self.versions
            }
        }
    };
}
pub(crate) use versioned;

fn missing_version<T: Row>() -> ApiError {
    ApiError::not_found(&format!("{} version", T::NAME))
}

impl<T> Versions<T> {
    /// Creates the first version, which is the default.
    pub(crate) fn new(content: T, description: Value, at: &str, ids: &Ids) -> Self {
        let mut versions = Self {
            default: 1,
            list: Vec::new(),
        };
        versions.push(content, description, at, ids);
        versions
    }

    /// Adds a version, which does not become the default, and returns its id.
    pub(crate) fn push(&mut self, content: T, description: Value, at: &str, ids: &Ids) -> String {
        let version = Version {
            id: ids.uuid(),
            number: self.latest().map_or(0, |latest| latest.number) + 1,
            description,
            created_at: at.to_owned(),
            content,
        };
        let id = version.id.clone();
        self.list.push(version);
        id
    }

    /// Returns the newest version.
    pub(crate) fn latest(&self) -> Option<&Version<T>> {
        self.list.last()
    }

    /// Returns the default version, or else the newest.
    pub(crate) fn default_or_latest(&self) -> Option<&Version<T>> {
        self.with_number(self.default).or(self.latest())
    }

    /// Returns all versions, newest first.
    pub(crate) fn newest_first(&self) -> Vec<&Version<T>> {
        self.list.iter().rev().collect()
    }

    /// Returns all versions for changes.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Version<T>> {
        self.list.iter_mut()
    }

    fn with_number(&self, number: u64) -> Option<&Version<T>> {
        self.list.iter().find(|version| version.number == number)
    }

    fn find(&self, requested: &str) -> Result<Option<&Version<T>>, ApiError> {
        match requested {
            "latest" => Ok(self.latest()),
            "default" => Ok(self.with_number(self.default)),
            number => match number.parse() {
                Ok(number) => Ok(self.with_number(number)),
                Err(_) => Err(ApiError::bad_request(
                    "query parameter `version` must be `latest`, `default` or a version number",
                )),
            },
        }
    }
}
