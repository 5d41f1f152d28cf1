//! Labels of prompt versions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Caller;
use crate::state::table::{Row, Table};

pub(crate) type Labels = Table<Label>;

/// A label of one workspace, or of all workspaces.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) color_code: Value,
    pub(crate) workspace_id: Option<String>,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl Row for Label {
    const NAME: &'static str = "label";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// A label without a workspace is visible to all keys.
    fn visible_to(&self, caller: &Caller) -> bool {
        let workspace = self.workspace();
        workspace.is_none_or(|workspace| caller.can_see(workspace))
    }
}
