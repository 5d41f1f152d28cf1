//! SCIM: directory groups, and their mappings to workspaces.

use serde::{Deserialize, Serialize};

use crate::ids::Ids;
use crate::state::table::{ResourceState, Row, Table, row};

/// Groups, and their mappings to workspaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Scim {
    pub(crate) groups: Table<Group>,
    pub(crate) mappings: Table<Mapping>,
}

/// A group. It can also be found by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Gives the members of a group a role in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) id: String,
    pub(crate) group_id: String,
    pub(crate) workspace_id: String,
    pub(crate) role: String,
}

row! { Group: "SCIM group", id: id, slug: name }

row! { Mapping: "SCIM mapping", id: id, workspace: workspace_id }

impl Group {
    pub(crate) fn new(name: &str, ids: &Ids) -> Self {
        Self {
            id: ids.uuid(),
            name: name.to_owned(),
        }
    }
}

impl ResourceState for Scim {
    fn remove_workspace(&mut self, workspace: &str) {
        self.mappings.remove_workspace(workspace);
    }
}
