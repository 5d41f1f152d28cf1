//! What the gateway stores: files, batches and responses.

use serde::{Deserialize, Serialize};

use super::table::{ResourceState, Table};

pub(crate) mod batches;
pub(crate) mod files;
pub(crate) mod responses;

/// The gateway's state of one organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GatewayState {
    pub(crate) files: Table<files::File>,
    pub(crate) batches: Table<batches::Batch>,
    pub(crate) responses: Table<responses::StoredResponse>,
}

/// The id and workspace of a stored resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResourceKey {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
}

impl ResourceState for GatewayState {
    fn remove_workspace(&mut self, workspace: &str) {
        self.files.remove_workspace(workspace);
        self.batches.remove_workspace(workspace);
        self.responses.remove_workspace(workspace);
    }
}
