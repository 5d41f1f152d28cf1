//! Which workspaces may use an integration, and within which limits.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Integration, find};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::virtual_keys::{self, VirtualKey};
use crate::rooms::{State, limits, workspaces};

/// Who may use an integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Access {
    /// What holds for workspaces without an entry, as it was set; null where it never was.
    pub(super) global: Value,
    /// Whether that was set without a provider for each.
    #[serde(default)]
    without_providers: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    workspace_id: String,
    enabled: bool,
    usage_limits: Value,
    rate_limits: Value,
}

impl Access {
    pub(super) fn allows(&self, workspace: &str) -> bool {
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => entry.enabled,
            None => self.global["enabled"] == true,
        }
    }

    pub(super) fn allow(&mut self, workspace: &str) {
        self.entry(workspace).enabled = true;
    }

    pub(super) fn forget(&mut self, workspace: &str) {
        self.entries.retain(|entry| entry.workspace_id != workspace);
    }

    /// The entry of a workspace; a new one gives no access yet.
    fn entry(&mut self, workspace: &str) -> &mut Entry {
        let mut entries = self.entries.iter();
        let position = entries.position(|entry| entry.workspace_id == workspace);
        let position = position.unwrap_or_else(|| {
            self.entries.push(Entry {
                workspace_id: workspace.to_owned(),
                enabled: false,
                usage_limits: Value::Null,
                rate_limits: Value::Null,
            });
            self.entries.len() - 1
        });
        &mut self.entries[position]
    }

    fn apply_global(&mut self, call: &Call) -> Result<(), Refusal> {
        let Some(given) = call.given("global_workspace_access") else {
            return Ok(());
        };
        check_limits(given, "global_workspace_access")?;
        self.global = given.clone();
        self.without_providers = call.value("create_default_provider") == false;
        if call.value("override_existing_workspace_access") == true {
            self.entries.clear();
        }
        Ok(())
    }
}

impl Entry {
    fn apply(&mut self, given: &Value) {
        self.enabled = given["enabled"] == true;
        let limits = [
            ("usage_limits", &mut self.usage_limits),
            ("rate_limits", &mut self.rate_limits),
        ];
        for (name, slot) in limits {
            if let Some(value) = given.get(name) {
                slot.clone_from(value);
            }
        }
    }

    /// The workspace is shown by its slug, never by its UUID.
    fn json(&self, state: &State) -> Value {
        let workspace = state.workspaces.get(&self.workspace_id);
        json!({
            "id": workspace.map(|workspace| &workspace.slug),
            "enabled": self.enabled,
            "usage_limits": self.usage_limits,
            "rate_limits": self.rate_limits,
        })
    }
}

fn check_limits(holder: &Value, place: &str) -> Result<(), Refusal> {
    limits::check_usage(&holder["usage_limits"], &format!("{place}/usage_limits"))?;
    limits::check_one(&holder["rate_limits"], &format!("{place}/rate_limits"))
}

/// An item of the body with the workspace that it names.
struct Change<'a> {
    workspace: String,
    given: &'a Value,
    place: String,
}

fn changes<'a>(state: &State, call: &'a Call) -> Result<Vec<Change<'a>>, Refusal> {
    let items = call.items("workspaces").iter().enumerate();
    let changes = items.map(|(index, given)| {
        let place = format!("workspaces/{index}");
        check_limits(given, &place)?;
        let key = given["id"].as_str().unwrap_or_default();
        let workspace = workspaces::resolve(state, key, &call.caller)
            .map_err(|_| Refusal::invalid_field(&format!("{place}/id"), "is no workspace"))?;
        Ok(Change {
            workspace,
            given,
            place,
        })
    });
    changes.collect()
}

/// A provider for each workspace that has just been given access and has none, unless the request
/// does without.
fn new_providers(
    state: &State,
    call: &Call,
    before: &Integration,
    after: &Integration,
    changes: &[Change<'_>],
) -> Result<Vec<VirtualKey>, Refusal> {
    let mut providers = Vec::new();
    for workspace in state.workspaces.iter().map(|own| own.id.as_str()) {
        let gained = after.serves(workspace) && !before.serves(workspace);
        if !gained || virtual_keys::any_of(state, &after.slug, workspace) {
            continue;
        }
        let mut changes = changes.iter().rev();
        let change = changes.find(|change| change.workspace == workspace);
        let said = |name: &str| {
            let own = change.and_then(|change| change.given.get(name));
            own.or_else(|| call.given(name))
        };
        if said("create_default_provider") == Some(&json!(false)) {
            continue;
        }
        let slug = said("default_provider_slug").and_then(Value::as_str);
        let provider = virtual_keys::automatic(state, call, after, workspace, slug);
        providers.push(provider.map_err(|refusal| at_place(refusal, change))?);
    }
    Ok(providers)
}

/// Gives a new workspace a provider of each integration that all may use: so even a workspace that
/// nobody has used yet may own something.
pub(crate) fn welcome(state: &mut State, call: &Call, workspace: &str) -> Result<(), Refusal> {
    let for_all = |own: &&Integration| own.serves(workspace) && !own.access.without_providers;
    let integrations = state.integrations.iter().filter(for_all);
    let providers: Result<Vec<VirtualKey>, Refusal> = integrations
        .map(|own| virtual_keys::automatic(state, call, own, workspace, None))
        .collect();
    for provider in providers? {
        state.virtual_keys.put(provider);
    }
    Ok(())
}

/// Names the item that a refused slug stands in, where it stands in one.
fn at_place(refusal: Refusal, change: Option<&Change<'_>>) -> Refusal {
    let name = "default_provider_slug";
    match change.filter(|change| change.given.get(name).is_some()) {
        Some(change) => Refusal::invalid_field(&format!("{}/{name}", change.place), "is taken"),
        None => refusal,
    }
}

pub(super) fn list(state: &State, call: &Call) -> Answer {
    let access = &find(state, call)?.access;
    let known = |entry: &&Entry| state.workspaces.get(&entry.workspace_id).is_some();
    let entries: Vec<&Entry> = access.entries.iter().filter(known).collect();
    Ok(call
        .page(entries, |entry| entry.json(state))
        .with("global_workspace_access", access.global.clone()))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let before = find(state, call)?;
    let mut after = before.clone();
    let changes = changes(state, call)?;
    after.access.apply_global(call)?;
    for change in &changes {
        after.access.entry(&change.workspace).apply(change.given);
    }
    let providers = new_providers(state, call, before, &after, &changes)?;
    let resets = changes
        .iter()
        .filter(|own| own.given["reset_usage"] == true);
    let resets: Vec<&str> = resets.map(|own| own.workspace.as_str()).collect();
    for workspace in resets {
        virtual_keys::reset_usage(state, &after.slug, workspace, &call.timestamp());
    }
    state.integrations.put(after);
    for provider in providers {
        state.virtual_keys.put(provider);
    }
    Ok(Reply::done())
}
