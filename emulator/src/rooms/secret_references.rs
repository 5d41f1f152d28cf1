//! Secret references: where in an outside secret manager a secret is kept.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::{Room, State, masks, slugs, workspaces};
use crate::call::{Call, Caller};
use crate::reply::{Answer, Refusal, Reply};
use crate::seed::Plan;
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    guards: &[
        ("list_secret_references", has_the_feature),
        ("get_secret_reference", has_the_feature),
        ("create_secret_reference", has_the_feature),
        ("update_secret_reference", has_the_feature),
        ("delete_secret_reference", has_the_feature),
    ],
    forget_workspace,
    ..Room::of(&[
        ("list_secret_references", Read(list)),
        ("get_secret_reference", Read(get)),
        ("create_secret_reference", Write(create)),
        ("update_secret_reference", Write(update)),
        ("delete_secret_reference", Write(delete)),
    ])
};

pub(crate) type SecretReferences = Shelf<SecretReference>;

/// How many references a page has where no size is asked for, and at most.
const PAGE: (u64, u64) = (20, 100);

/// What an update can change.
const CHANGEABLE: [&str; 8] = [
    "name",
    "description",
    "secret_path",
    "secret_key",
    "tags",
    "auth_config",
    "allow_all_workspaces",
    "allowed_workspaces",
];

/// For each secret manager and way of signing in, what the settings must have. The member that says
/// the way comes first.
const SIGN_IN: [(&str, &str, &str, &[&str]); 9] = [
    (
        "aws_sm",
        "aws_auth_type",
        "accessKey",
        &["aws_access_key_id", "aws_secret_access_key", "aws_region"],
    ),
    (
        "aws_sm",
        "aws_auth_type",
        "assumedRole",
        &["aws_role_arn", "aws_region"],
    ),
    ("aws_sm", "aws_auth_type", "serviceRole", &[]),
    (
        "azure_kv",
        "azure_auth_mode",
        "entra",
        &[
            "azure_vault_url",
            "azure_entra_tenant_id",
            "azure_entra_client_id",
            "azure_entra_client_secret",
        ],
    ),
    (
        "azure_kv",
        "azure_auth_mode",
        "managed",
        &["azure_vault_url"],
    ),
    (
        "azure_kv",
        "azure_auth_mode",
        "default",
        &["azure_vault_url"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "token",
        &["vault_addr", "vault_token"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "approle",
        &["vault_addr", "vault_role_id", "vault_secret_id"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "kubernetes",
        &["vault_addr", "vault_role"],
    ),
];

/// A reference to a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretReference {
    id: String,
    slug: String,
    name: String,
    description: Value,
    manager_type: String,
    auth_config: Map<String, Value>,
    secret_path: String,
    secret_key: Value,
    tags: Value,
    allow_all_workspaces: bool,
    /// The UUIDs of those that may use it where not all may; no answer shows them.
    allowed_workspaces: Vec<String>,
    created_by: String,
    created_at: String,
    last_updated_at: String,
}

impl Item for SecretReference {
    const NAME: &'static str = "secret reference";

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    /// A workspace key sees what its workspace may use.
    fn visible_to(&self, caller: &Caller) -> bool {
        caller.workspace().is_none_or(|own| self.serves(own))
    }
}

impl SecretReference {
    fn serves(&self, workspace: &str) -> bool {
        self.allow_all_workspaces || self.allowed_workspaces.iter().any(|own| own == workspace)
    }

    fn list_json(&self) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "manager_type": self.manager_type,
            "status": "ACTIVE",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "secret-reference",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = Value::Object(self.list_json());
        body["organisation_id"] = json!(state.organisation.id);
        body["description"] = self.description.clone();
        body["secret_path"] = json!(self.secret_path);
        body["secret_key"] = self.secret_key.clone();
        body["allow_all_workspaces"] = json!(i32::from(self.allow_all_workspaces));
        body["tags"] = self.tags.clone();
        body["created_by"] = json!(self.created_by);
        body["auth_config"] = masks::masked(&Value::Object(self.auth_config.clone()));
        body
    }

    /// Takes over what a request gives.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        let texts = [
            ("name", &mut self.name),
            ("secret_path", &mut self.secret_path),
        ];
        for (name, slot) in texts {
            if let Some(text) = call.text(name) {
                text.clone_into(slot);
            }
        }
        let values = [
            ("description", &mut self.description),
            ("secret_key", &mut self.secret_key),
            ("tags", &mut self.tags),
        ];
        for (name, slot) in values {
            if let Some(value) = call.given(name) {
                slot.clone_from(value);
            }
        }
        self.last_updated_at = call.timestamp();
        self.apply_auth(call.given("auth_config"))?;
        self.apply_workspaces(state, call)
    }

    /// Settings are merged by name; what a read showed masked is no setting.
    fn apply_auth(&mut self, given: Option<&Value>) -> Result<(), Refusal> {
        let given = given.and_then(Value::as_object).into_iter().flatten();
        let settings = given.filter(|(name, _)| !name.starts_with("masked_"));
        self.auth_config
            .extend(settings.map(|(name, value)| (name.clone(), value.clone())));
        check_sign_in(&self.manager_type, &self.auth_config)
    }

    fn apply_workspaces(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        let all = call.given("allow_all_workspaces").and_then(Value::as_bool);
        if call.given("allowed_workspaces").is_some() {
            if all == Some(true) {
                let problem = "cannot be true together with `/allowed_workspaces`";
                return Err(Refusal::invalid_field("allow_all_workspaces", problem));
            }
            self.allowed_workspaces = workspace_ids(state, call)?;
            self.allow_all_workspaces = false;
        } else if let Some(all) = all {
            self.allow_all_workspaces = all;
            if all {
                self.allowed_workspaces.clear();
            }
        }
        Ok(())
    }
}

/// The UUIDs of the workspaces that the body allows.
fn workspace_ids(state: &State, call: &Call) -> Result<Vec<String>, Refusal> {
    let items = call.items("allowed_workspaces").iter().enumerate();
    let resolved = items.map(|(index, key)| {
        let key = key.as_str().unwrap_or_default();
        workspaces::resolve(state, key, &call.caller).map_err(|_| {
            Refusal::invalid_field(&format!("allowed_workspaces/{index}"), "is no workspace")
        })
    });
    resolved.collect()
}

fn check_sign_in(manager: &str, settings: &Map<String, Value>) -> Result<(), Refusal> {
    let refuse = |name: &str, problem: &str| {
        let place = format!("auth_config/{name}");
        Err(Refusal::invalid_field(&place, problem))
    };
    let mut ways = SIGN_IN.iter().filter(|(own, ..)| *own == manager);
    let Some((_, discriminator, ..)) = ways.clone().next() else {
        return Ok(());
    };
    let Some(way) = settings.get(*discriminator).and_then(Value::as_str) else {
        return refuse(discriminator, "is required");
    };
    let Some((.., needed)) = ways.find(|(_, _, known, _)| *known == way) else {
        return refuse(discriminator, "is no known way to sign in");
    };
    match needed.iter().find(|name| !settings.contains_key(**name)) {
        Some(missing) => refuse(missing, "is required"),
        None => Ok(()),
    }
}

/// What a body says in `secret_mappings`, if it does. `targets` are the fields that may be filled;
/// one that ends with a dot stands for all that begin so.
pub(crate) fn mappings(
    state: &State,
    call: &Call,
    targets: &[&str],
    workspace: Option<&str>,
) -> Result<Option<Vec<Value>>, Refusal> {
    if call.given("secret_mappings").is_none() {
        return Ok(None);
    }
    let mut seen = HashSet::new();
    for (index, mapping) in call.items("secret_mappings").iter().enumerate() {
        let refuse = |name: &str, problem: &str| {
            let place = format!("secret_mappings/{index}/{name}");
            Err(Refusal::invalid_field(&place, problem))
        };
        let target = mapping["target_field"].as_str().unwrap_or_default();
        let fits = |known: &&str| match known.strip_suffix('.') {
            Some(_) => target.len() > known.len() && target.starts_with(*known),
            None => target == *known,
        };
        if !targets.iter().any(fits) {
            return refuse("target_field", "cannot be filled from a secret");
        }
        if !seen.insert(target) {
            return refuse("target_field", "is filled already");
        }
        let key = mapping["secret_reference_id"].as_str().unwrap_or_default();
        match state.secret_references.get(key) {
            None => return refuse("secret_reference_id", "is no secret reference"),
            Some(found) if workspace.is_some_and(|own| !found.serves(own)) => {
                return refuse("secret_reference_id", "is not for this workspace");
            }
            Some(_) => {}
        }
    }
    Ok(Some(call.items("secret_mappings").to_vec()))
}

/// Whether any of these mappings fills this field.
pub(crate) fn fill(mappings: &[Value], target: &str) -> bool {
    let mut targets = mappings.iter().map(|mapping| &mapping["target_field"]);
    targets.any(|own| own == target)
}

fn has_the_feature(state: &State, _: &Call) -> Result<(), Refusal> {
    match state.organisation.plan {
        Plan::Enterprise => Ok(()),
        Plan::Free => Err(Refusal::forbidden(
            "secret references are not part of the plan",
        )),
    }
}

fn forget_workspace(state: &mut State, workspace: &str) {
    let allows = |own: &SecretReference| own.allowed_workspaces.iter().any(|id| id == workspace);
    state.secret_references.edit_all(allows, |own| {
        own.allowed_workspaces.retain(|id| id != workspace);
    });
}

fn list(state: &State, call: &Call) -> Answer {
    let tags = match call.query_text("tags").map(serde_json::from_str) {
        None => Map::new(),
        Some(Ok(Value::Object(tags))) => tags,
        Some(_) => {
            let message = "query parameter `tags` is not a JSON object";
            return Err(Refusal::invalid(message));
        }
    };
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = state.secret_references.all().filter(|own| {
        own.visible_to(&call.caller)
            && call.admits("manager_type", &own.manager_type)
            && own.name.to_lowercase().contains(&search)
            && tags.iter().all(|(name, tag)| own.tags[name] == *tag)
    });
    Ok(call.page_sized(PAGE, wanted, |own| Value::Object(own.list_json())))
}

fn get(state: &State, call: &Call) -> Answer {
    let reference = state.secret_references.find(call.id(0), call)?;
    Ok(Reply::json(reference.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let name = call.required("name")?;
    let taken = |slug: &str| state.secret_references.get(slug).is_some();
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let mut reference = SecretReference {
        id: call.ids.uuid(),
        slug,
        name: name.to_owned(),
        description: Value::Null,
        manager_type: call.required("manager_type")?.to_owned(),
        auth_config: Map::new(),
        secret_path: call.required("secret_path")?.to_owned(),
        secret_key: Value::Null,
        tags: Value::Null,
        allow_all_workspaces: true,
        allowed_workspaces: Vec::new(),
        created_by: state.users.acting(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
    };
    reference.apply(state, call)?;
    let body = json!({"id": reference.id, "slug": reference.slug, "object": "secret-reference"});
    state.secret_references.put(reference);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut reference = state.secret_references.find(call.id(0), call)?.clone();
    if !CHANGEABLE.iter().any(|name| call.given(name).is_some()) {
        return Err(Refusal::invalid("body: there is nothing to change"));
    }
    reference.apply(state, call)?;
    state.secret_references.put(reference);
    Ok(Reply::done())
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let reference = state.secret_references.find(call.id(0), call)?;
    if let Some(user) = user_of(state, reference) {
        let message = format!("the secret reference is in use by {user}");
        return Err(Refusal::invalid(message));
    }
    let id = reference.id.clone();
    state.secret_references.remove(&id);
    Ok(Reply::done())
}

/// What fills a field from this reference.
fn user_of(state: &State, reference: &SecretReference) -> Option<String> {
    let uses = |mappings: &[Value]| {
        let mut keys = mappings.iter().map(|own| &own["secret_reference_id"]);
        keys.any(|key| *key == reference.id || *key == reference.slug)
    };
    let integration = state
        .integrations
        .iter()
        .find(|own| uses(&own.secret_mappings));
    let key = state
        .virtual_keys
        .iter()
        .find(|own| uses(&own.secret_mappings));
    let mcp = &state.mcp.integrations;
    let mcp = mcp.iter().find(|own| uses(&own.secret_mappings));
    integration
        .map(|own| format!("the integration `{}`", own.slug))
        .or_else(|| key.map(|own| format!("the virtual key `{}`", own.slug)))
        .or_else(|| mcp.map(|own| format!("the MCP integration `{}`", own.slug)))
}
