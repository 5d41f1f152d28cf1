//! Operations on the workspaces that may use an integration, and their limits.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::integrations::find;
use crate::handlers::virtual_keys;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::access_list::{Shared, WorkspaceAccess};
use crate::state::integrations::Integration;
use crate::state::integrations::workspaces::{Change, Limits, validate_limits};
use crate::state::virtual_keys::VirtualKey;

impl WorkspaceAccess<Limits> {
    /// Returns the entry; `id` is the slug of the workspace, never its UUID.
    fn json(&self, state: &State) -> Value {
        let workspace = state.workspaces.get(&self.workspace_id);
        json!({
            "id": workspace.map(|workspace| &workspace.slug),
            "enabled": self.enabled,
            "usage_limits": self.settings.usage_limits,
            "rate_limits": self.settings.rate_limits,
        })
    }
}

fn changes<'a>(state: &State, call: &'a Call) -> Result<Vec<Change<'a>>, ApiError> {
    let items = call.body_items("workspaces").iter().enumerate();
    let changes = items.map(|(index, item)| {
        let field_path = format!("workspaces/{index}");
        validate_limits(item, &field_path)?;
        let id_path = format!("{field_path}/id");
        let workspace = state
            .workspaces
            .resolve_field(&item["id"], &id_path, call)?;
        Ok(Change {
            workspace,
            item,
            field_path,
        })
    });
    changes.collect()
}

/// Returns a provider for each workspace that gains access and has no provider yet, unless the
/// request disables default providers.
fn new_providers(
    state: &State,
    call: &Call,
    before: &Integration,
    after: &Integration,
    changes: &[Change<'_>],
) -> Result<Vec<VirtualKey>, ApiError> {
    let mut providers = Vec::new();
    for workspace in state
        .workspaces
        .iter()
        .map(|workspace| workspace.id.as_str())
    {
        let gained_access =
            after.allows_workspace(workspace) && !before.allows_workspace(workspace);
        if !gained_access || virtual_keys::has_provider(state, &after.slug, workspace) {
            continue;
        }
        let mut changes = changes.iter().rev();
        let change = changes.find(|change| change.workspace == workspace);
        let setting = |name: &str| {
            let from_item = change.and_then(|change| change.item.get(name));
            from_item.or_else(|| call.body_field(name))
        };
        if setting("create_default_provider") == Some(&json!(false)) {
            continue;
        }
        let slug = setting("default_provider_slug").and_then(Value::as_str);
        let provider = virtual_keys::new_default_provider(state, call, after, workspace, slug);
        providers.push(provider.map_err(|error| with_item_path(error, change))?);
    }
    Ok(providers)
}

/// Creates a provider in a new workspace for each integration that is enabled for all workspaces.
/// A new workspace can therefore already own resources.
pub(crate) fn add_default_providers(
    state: &mut State,
    call: &Call,
    workspace: &str,
) -> Result<(), ApiError> {
    let is_for_all = |integration: &&Integration| {
        integration.allows_workspace(workspace) && !integration.without_providers
    };
    let integrations = state.integrations.iter().filter(is_for_all);
    let providers: Result<Vec<VirtualKey>, ApiError> = integrations
        .map(|integration| {
            virtual_keys::new_default_provider(state, call, integration, workspace, None)
        })
        .collect();
    for provider in providers? {
        state.virtual_keys.put(provider);
    }
    Ok(())
}

/// Replaces the location of a slug error by that of the item, if the item contains the slug.
fn with_item_path(error: ApiError, change: Option<&Change<'_>>) -> ApiError {
    let name = "default_provider_slug";
    match change.filter(|change| change.item.get(name).is_some()) {
        Some(change) => {
            let field_path = format!("{}/{name}", change.field_path);
            ApiError::invalid_field(&field_path, "is already taken")
        }
        None => error,
    }
}

pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let access = &find(state, call)?.access;
    let known =
        |entry: &&WorkspaceAccess<Limits>| state.workspaces.get(&entry.workspace_id).is_some();
    let entries: Vec<&WorkspaceAccess<Limits>> = access.entries.iter().filter(known).collect();
    Ok(call
        .page(entries, |entry| entry.json(state))
        .with_field("global_workspace_access", access.global.clone()))
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let before = find(state, call)?;
    let mut after = before.clone();
    let changes = changes(state, call)?;
    if let Some(global) = after.access.apply_global(call) {
        validate_limits(global, "global_workspace_access")?;
        after.without_providers = call.body_value("create_default_provider") == false;
    }
    for change in &changes {
        after.access.entry(&change.workspace).apply(change.item);
    }
    let providers = new_providers(state, call, before, &after, &changes)?;
    let resets = changes
        .iter()
        .filter(|change| change.item["reset_usage"] == true);
    let resets: Vec<&str> = resets.map(|change| change.workspace.as_str()).collect();
    for workspace in resets {
        virtual_keys::reset_usage(state, &after.slug, workspace, &call.timestamp());
    }
    state.integrations.put(after);
    for provider in providers {
        state.virtual_keys.put(provider);
    }
    Ok(ResponseBody::empty_object())
}
