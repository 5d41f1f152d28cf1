//! Labels of prompt versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::plain::Plain;
use super::table::{Row, Slice, Table, row};
use crate::call::{Call, Caller};
use crate::error::ApiError;

pub(crate) type Labels = Table<Label>;

/// A label of one workspace, or of all workspaces.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) id: String,
    pub(crate) name: String,
    color_code: Value,
    workspace_id: Option<String>,
    created_at: String,
    last_updated_at: String,
}

row! {
    Label: "label", id: id, optional_workspace: workspace_id,
    {
        /// A label without a workspace is visible to all keys.
        fn visible_to(&self, caller: &Caller) -> bool {
            let workspace = self.workspace();
            workspace.is_none_or(|workspace| caller.can_see(workspace))
        }
    }
}

impl Plain for Label {
    fn new(call: &Call) -> Result<Self, ApiError> {
        call.require_workspace_or_organisation()?;
        Ok(Self {
            id: call.ids.uuid(),
            name: call.required_str("name")?.to_owned(),
            color_code: call.body_value("color_code"),
            workspace_id: call.workspace_id.clone(),
            created_at: call.timestamp(),
            last_updated_at: call.timestamp(),
        })
    }

    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        call.set_str("name", &mut self.name);
        call.set_value("color_code", &mut self.color_code);
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    fn json(&self, organisation: &OrganisationInfo, _: &Call) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "color_code": self.color_code,
            "organisation_id": organisation.id,
            "workspace_id": self.workspace_id,
            "is_universal": i32::from(self.workspace_id.is_none()),
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
        })
    }

    /// Labels of all workspaces are in every list.
    fn candidates<'a>(table: &'a Table<Self>, _: &Call) -> Slice<'a, Self> {
        table.all()
    }

    fn matches(&self, call: &Call) -> bool {
        let is_elsewhere = match (self.workspace(), call.workspace()) {
            (Some(id), Some(requested)) => id != requested,
            _ => false,
        };
        !is_elsewhere
            && call.matches_search(&[&self.name])
            && call.matches_filter("name", &self.name)
    }
}
