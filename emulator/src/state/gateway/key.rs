//! The id and workspace of what the gateway stores.

use serde::{Deserialize, Serialize};

/// The id and workspace of a stored resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResourceKey {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
}
