//! The organisation that owns the resources.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::error::ApiError;

/// The plan of an organisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Plan {
    /// Operations of the Enterprise plan return 403.
    Free,
    /// All operations are available.
    #[default]
    Enterprise,
}

/// The organisation that owns the resources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrganisationInfo {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

impl OrganisationInfo {
    /// Rejects a request whose query or body names another organisation.
    pub(crate) fn reject_other_organisation(&self, call: &Call) -> Result<(), ApiError> {
        let name = "organisation_id";
        let named = call.query_param(name).or_else(|| call.body_str(name));
        let named = named.filter(|named| !named.is_empty());
        named.map_or(Ok(()), |named| self.require_id(named))
    }

    /// Rejects the id of another organisation.
    pub(crate) fn require_id(&self, id: &str) -> Result<(), ApiError> {
        match id == self.id {
            true => Ok(()),
            false => Err(ApiError::forbidden(
                "the key does not belong to this organisation",
            )),
        }
    }
}
