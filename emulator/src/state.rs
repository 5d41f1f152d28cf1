//! Everything one emulator remembers: one organisation, in memory.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::api_keys::ApiKeys;
use crate::call::{Call, Caller};
use crate::collections::Collection;
use crate::configs::Config;
use crate::prompts::Prompt;
use crate::reply::Refusal;
use crate::users::{Invite, User};
use crate::virtual_keys::VirtualKey;
use crate::workspaces::Workspace;

/// The organisation and what belongs to it.
pub(crate) struct State {
    pub(crate) organisation_id: String,
    pub(crate) users: Vec<User>,
    pub(crate) invites: Vec<Invite>,
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) api_keys: ApiKeys,
    pub(crate) configs: Vec<Config>,
    pub(crate) collections: Vec<Collection>,
    pub(crate) virtual_keys: Vec<VirtualKey>,
    pub(crate) prompts: Vec<Prompt>,
    /// The workspace whose figures analytics answers with.
    pub(crate) measured_workspace: String,
}

impl State {
    /// A small organisation to start with, and its first key.
    pub(crate) fn seeded(now: DateTime<Utc>) -> (Self, String) {
        let organisation_id = new_id();
        let users = User::seeds(now);
        let workspace = Workspace::seed(now, &users);
        let workspace_id = workspace.id.clone();
        let owner = users.first().map_or_else(new_id, |user| user.id.clone());
        let (api_keys, key) = ApiKeys::seeded(&organisation_id, now);
        let collection = Collection::seed(&workspace_id, now);
        let virtual_key = VirtualKey::seed(&workspace_id, now);
        let prompt = Prompt::seed(&collection, &virtual_key, now);
        let config = Config::seed(&workspace_id, &owner, &virtual_key, now);
        let state = Self {
            organisation_id,
            users,
            invites: Vec::new(),
            measured_workspace: workspace_id,
            workspaces: vec![workspace],
            api_keys,
            configs: vec![config],
            collections: vec![collection],
            virtual_keys: vec![virtual_key],
            prompts: vec![prompt],
        };
        (state, key)
    }

    /// The user on whose behalf an organisation key acts.
    pub(crate) fn owner(&self) -> &str {
        self.users.first().map_or("", |user| user.id.as_str())
    }

    /// The position of a workspace, by UUID or slug; one that is gone or hidden is forbidden.
    pub(crate) fn workspace_position(&self, key: &str, caller: &Caller) -> Result<usize, Refusal> {
        self.workspaces
            .iter()
            .position(|workspace| workspace.is(key) && caller.sees(&workspace.id))
            .ok_or_else(|| {
                Refusal::forbidden("this key may not use the workspace, or it does not exist")
            })
    }

    /// The workspace whose things a list is limited to: asked for, or implied by the key.
    pub(crate) fn workspace_filter(&self, call: &Call) -> Result<Option<String>, Refusal> {
        match (call.query_text("workspace_id"), &call.caller) {
            (Some(key), caller) => {
                let position = self.workspace_position(key, caller)?;
                Ok(self
                    .workspaces
                    .get(position)
                    .map(|workspace| workspace.id.clone()))
            }
            (None, Caller::Workspace(own)) => Ok(Some(own.clone())),
            (None, Caller::Organisation) => Ok(None),
        }
    }

    /// The workspace that something new goes to; an organisation key has to name it.
    pub(crate) fn workspace_for_new(&self, call: &Call) -> Result<String, Refusal> {
        let key = match (call.text("workspace_id"), &call.caller) {
            (Some(key), _) => key,
            (None, Caller::Workspace(own)) => own,
            (None, Caller::Organisation) => {
                return Err(Refusal::invalid_field(
                    "workspace_id",
                    "is required with an organisation key",
                ));
            }
        };
        let position = self.workspace_position(key, &call.caller)?;
        Ok(self
            .workspaces
            .get(position)
            .map(|workspace| workspace.id.clone())
            .unwrap_or_default())
    }
}

/// A new UUID.
pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// A new slug: a prefix, the start of a name where there is one, six random characters.
pub(crate) fn new_slug(prefix: &str, name: &str) -> String {
    let word: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(20)
        .collect();
    let random = &Uuid::new_v4().simple().to_string()[..6];
    match word.trim_matches('-') {
        "" => format!("{prefix}-{random}"),
        word => format!("{prefix}-{word}-{random}"),
    }
}
