//! Sharing of prompts and partials with other workspaces, which may read, run and copy them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::Table;
use super::versions::Versioned;
use crate::call::Call;
use crate::error::ApiError;

/// With whom a row is shared, and of which row it is a copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sharing {
    /// `None` if the row is not shared.
    pub(crate) share: Option<Share>,
    forked_from: Option<Origin>,
}

/// With whom a row is shared, since when and by whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) organisation_id: String,
    /// The UUIDs of the workspaces; `None` for all workspaces of the organisation.
    pub(crate) workspaces: Option<Vec<String>>,
    pub(crate) at: String,
    pub(crate) user_id: String,
    /// The default version at that time.
    pub(crate) version_id: Option<String>,
}

/// The row and the version that a copy was made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) id: String,
    pub(crate) version_id: String,
}

/// A row that can be shared.
pub(crate) trait Shareable: Versioned {
    fn sharing(&self) -> &Sharing;

    fn sharing_mut(&mut self) -> &mut Sharing;

    /// Returns whether the row belongs to a workspace, or is shared with it.
    fn is_readable_in(&self, workspace: &str) -> bool {
        self.workspace() == Some(workspace) || self.sharing().includes(workspace)
    }
}

/// Implements [`Shareable`] for a type with a field `sharing`.
macro_rules! shareable {
    ($row:ty) => {
        impl Shareable for $row {
            fn sharing(&self) -> &Sharing {
                &self.sharing
            }

            fn sharing_mut(&mut self) -> &mut Sharing {
                &mut self.sharing
            }
        }
    };
}
pub(crate) use shareable;

impl Sharing {
    /// Returns the state of a copy, which is not shared.
    pub(crate) fn of_copy(origin: Origin) -> Self {
        Self {
            share: None,
            forked_from: Some(origin),
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.share.is_some()
    }

    /// Returns whether the row is shared or a copy.
    pub(crate) fn is_set(&self) -> bool {
        self.is_shared() || self.forked_from.is_some()
    }

    /// Returns whether the row is shared with a workspace.
    fn includes(&self, workspace: &str) -> bool {
        self.share.as_ref().is_some_and(|share| {
            let mut named = share.workspaces.iter().flatten();
            share.workspaces.is_none() || named.any(|id| id == workspace)
        })
    }

    /// Returns the fields of responses. `kind` is `prompt` or `partial` in their names.
    pub(crate) fn json(&self, kind: &str) -> Value {
        let (share, origin) = (self.share.as_ref(), self.forked_from.as_ref());
        let for_all = share.is_some_and(|share| share.workspaces.is_none());
        let level = if for_all { "organisation" } else { "workspace" };
        json!({
            "access_level": share.map(|_| level),
            "allow_all_workspaces": i32::from(for_all),
            "share_organisation_id": share.map(|share| &share.organisation_id),
            "shared_at": share.map(|share| &share.at),
            "shared_by_user_id": share.map(|share| &share.user_id),
            "shared_from_version_id": share.and_then(|share| share.version_id.as_ref()),
            (format!("forked_from_{kind}_id")): origin.map(|origin| &origin.id),
            (format!("forked_from_{kind}_version_id")): origin.map(|origin| &origin.version_id),
        })
    }
}

impl<T: Shareable> Table<T> {
    /// Like [`Table::find_by_path`]; a key also finds rows that are shared with its workspace.
    pub(crate) fn find_readable(&self, call: &Call) -> Result<&T, ApiError> {
        self.find_by_path(call).or_else(|error| {
            let workspace = call.workspace().unwrap_or_default();
            let shared = self.get(call.path_param(0));
            let shared = shared.filter(|row| row.sharing().includes(workspace));
            shared.ok_or(error)
        })
    }

    /// Returns the rows for a list: those of the workspace, and with the query parameters `type` or
    /// `show_prompt_share` only or also those that are shared with it (V094).
    pub(crate) fn list_readable(&self, call: &Call) -> Vec<&T> {
        let only_shared = call.query_param("type") == Some("shared");
        let with_shared = call.query.get("show_prompt_share");
        let with_shared = with_shared.is_some_and(|value| *value == true);
        let rows = self.all();
        rows.filter(|row| match call.workspace() {
            Some(workspace) if only_shared => row.sharing().includes(workspace),
            None if only_shared => row.sharing().is_shared(),
            Some(workspace) if with_shared => row.is_readable_in(workspace),
            Some(workspace) => row.workspace() == Some(workspace),
            None => true,
        })
    }
}
