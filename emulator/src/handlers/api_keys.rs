//! Operations on API keys.

use serde_json::{Value, json};

use crate::call::{Call, Scopes, string_list, timestamp};
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::api_keys::{
    ApiKey, Owner, parse_timestamp, renew_rotation_policy, rotation_policy,
};
use crate::state::logs::attributes::LogAttributes;
use crate::state::table::Row;
use crate::state::usage::UsageCounter;
use crate::state::users::User;

pub(crate) const RESOURCE: Resource = Resource {
    guards: &[
        ("create_api_key", require_manager),
        ("create_api_key", require_scope_for_kind),
        ("get_api_key", require_scope_for_kind),
        ("update_api_key", require_scope_for_kind),
        ("delete_api_key", require_scope_for_kind),
        ("rotate_api_key", require_scope_for_kind),
    ],
    quirks: &[("create_api_key", fail_without_scopes)],
    ..Resource::new(&[
        ("list_api_keys", Read(list)),
        ("get_api_key", Read(get)),
        ("create_api_key", Write(create)),
        ("update_api_key", Write(update)),
        ("delete_api_key", Write(delete)),
        ("rotate_api_key", Write(rotate)),
        ("get_current_api_key", Read(get_current)),
    ])
};

/// The kinds of key.
const KINDS: [&str; 3] = [
    "organisation-service",
    "workspace-service",
    "workspace-user",
];

/// Returns the kind of key as named in scopes, such as `workspace_service_api_keys`.
fn scope_resource(kind: &str) -> String {
    format!("{}_api_keys", kind.replace('-', "_"))
}

/// Requires the scope for the kind of the key in question. The manifest accepts the scope for any
/// kind.
fn require_scope_for_kind(state: &State, call: &Call) -> Result<(), ApiError> {
    let action = match call.operation.as_str() {
        "create_api_key" => "create",
        "get_api_key" => "read",
        "delete_api_key" => "delete",
        "rotate_api_key" => "rotate",
        _ => "update",
    };
    let resource = match state.api_keys.table.get(call.path_param(0)) {
        Some(key) => scope_resource(key.owner.kind()),
        None if action == "create" => {
            scope_resource(&format!("{}-{}", call.path_param(0), call.path_param(1)))
        }
        // The handler returns the error for a missing key.
        None => return Ok(()),
    };
    let scope = format!("{resource}.{action}");
    let exists = KINDS.iter().any(|kind| scope_resource(kind) == resource);
    match exists && !call.caller.scopes.has(&scope) {
        true => Err(ApiError::forbidden(format!(
            "`{}` requires the scope {scope} for this kind of key",
            call.operation
        ))),
        false => Ok(()),
    }
}

/// Allows a user's key to create keys only if the user is an owner or admin of the organisation, or
/// a manager of the workspace.
fn require_manager(state: &State, call: &Call) -> Result<(), ApiError> {
    match manages_workspace(state, call) {
        true => Ok(()),
        false => Err(ApiError::forbidden(
            "the user of the key is not permitted to create keys in the workspace",
        )),
    }
}

/// Returns whether the user of the key is an owner or admin of the organisation, or a manager of the
/// workspace. A service key has no user and may do what its scopes allow.
pub(crate) fn manages_workspace(state: &State, call: &Call) -> bool {
    let Some(user) = call.caller.user_id.as_deref() else {
        return true;
    };
    let role = state
        .users
        .accounts
        .get(user)
        .map(|user| user.role.as_str());
    let workspace = call
        .caller
        .workspace()
        .and_then(|id| state.workspaces.get(id));
    let manages = workspace.is_some_and(|workspace| workspace.is_managed_by(user));
    manages || matches!(role, Some("owner" | "admin"))
}

/// Lists the kinds of key for which the caller has the scope.
fn list(state: &State, call: &Call) -> HandlerResult {
    let to_json = |key: &ApiKey| Value::Object(key.json(call.now));
    let keys = state.api_keys.table.list_for(call);
    let may_list = |kind: &str| {
        call.caller
            .scopes
            .has(&format!("{}.list", scope_resource(kind)))
    };
    let is_filtered = call.has_query_param(&["ids", "status"]);
    if !is_filtered && KINDS.into_iter().all(may_list) {
        return Ok(call.page(keys, to_json));
    }
    // V079, V080.
    let matching = keys.filter(|key| {
        may_list(key.owner.kind())
            && call.matches_list("ids", &key.id)
            && call.matches_list("status", key.status(call.now))
    });
    Ok(call.page(matching, to_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let key = state.api_keys.table.find_by_path(call)?;
    respond(key.detail_json(call.now))
}

/// Returns the key of the request, with its secret masked.
fn get_current(state: &State, call: &Call) -> HandlerResult {
    let key = state.api_keys.table.get(&call.caller.key_id);
    let key = key.ok_or_else(|| ApiError::not_found(ApiKey::NAME))?;
    respond(key.detail_json(call.now))
}

/// The service does not validate this, but fails with 502.
fn fail_without_scopes(_: &State, call: &Call) -> Result<(), ApiError> {
    match call.body_items("scopes").is_empty() {
        true => Err(ApiError::new(502, None, "the upstream server failed")),
        false => Ok(()),
    }
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    validate_kind(call)?;
    let owner = Owner {
        workspace_id: owner_workspace(call)?,
        user_id: owner_user(state, call)?,
    };
    let scopes = Scopes::Only(string_list(&call.body_value("scopes")));
    let organisation = &state.organisation.id;
    let name = call.required_str("name")?;
    let mut key = ApiKey::new(name, owner, scopes, organisation, call.now, &call.ids);
    let creator = json!(state.users.acting_user(call));
    key.fields.insert("created_by".to_owned(), creator);
    apply(state, call, &mut key)?;
    let body = json!({"id": key.id, "key": key.secret, "object": "api-key"});
    state.api_keys.put(key);
    respond(body)
}

/// Rejects kinds of key that do not exist.
fn validate_kind(call: &Call) -> Result<(), ApiError> {
    match (call.path_param(0), call.path_param(1)) {
        ("organisation" | "workspace", "service") | ("workspace", "user") => Ok(()),
        (kind, sub_kind) => Err(ApiError::bad_request(format!(
            "path: expected `organisation/service`, `workspace/service` or `workspace/user`, \
             found `{kind}/{sub_kind}`"
        ))),
    }
}

fn owner_workspace(call: &Call) -> Result<Option<String>, ApiError> {
    if call.path_param(0) == "workspace" {
        return call.required_workspace().map(|id| Some(id.to_owned()));
    }
    match call.caller.is_organisation_key() {
        true => Ok(None),
        false => Err(ApiError::forbidden(
            "a workspace key cannot create organisation keys",
        )),
    }
}

fn owner_user(state: &State, call: &Call) -> Result<Option<String>, ApiError> {
    if call.path_param(1) != "user" {
        return Ok(None);
    }
    let id = call
        .body_str("user_id")
        .ok_or_else(|| ApiError::invalid_field("user_id", "is required for user keys"))?;
    match state.users.accounts.get(id) {
        Some(user) => Ok(Some(user.id.clone())),
        None => Err(ApiError::invalid_field(
            "user_id",
            "is not a user of the organisation",
        )),
    }
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = state.api_keys.table.find_by_path(call)?.clone();
    apply(state, call, &mut key)?;
    if let Some(scopes) = call.body_field("scopes") {
        key.scopes = Scopes::Only(string_list(scopes));
    }
    if let Some(name) = call.body_str("name") {
        key.fields.insert("name".to_owned(), json!(name));
    }
    let now = json!(call.timestamp());
    if call.body_value("reset_usage") == true {
        key.fields.insert("last_reset_at".to_owned(), now.clone());
        key.usage = UsageCounter::default();
    }
    key.fields.insert("last_updated_at".to_owned(), now);
    let user = json!(state.users.acting_user(call));
    key.fields.insert("last_updated_by".to_owned(), user);
    state.api_keys.put(key);
    Ok(ResponseBody::empty_object())
}

/// Applies a create or update request: absent fields are kept, null clears a field.
fn apply(state: &State, call: &Call, key: &mut ApiKey) -> Result<(), ApiError> {
    for name in ["description", "usage_limits", "alert_emails"] {
        if let Some(value) = call.body_field(name) {
            key.fields.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(limits) = call.body_field("rate_limits") {
        let limits = Some(limits.clone()).filter(|limits| !limits.is_null());
        let limits = limits.unwrap_or_else(|| json!([]));
        key.fields.insert("rate_limits".to_owned(), limits);
    }
    if let Some(expiry) = call.body_field("expires_at") {
        key.expires_at = parse_timestamp(expiry, "expires_at")?;
    }
    if let Some(policy) = call.body_field("rotation_policy") {
        key.rotation_policy = rotation_policy(policy, call.now)?;
    }
    match call.body_field("defaults") {
        Some(defaults) => apply_defaults(state, call, defaults, key),
        None => Ok(()),
    }
}

fn apply_defaults(
    state: &State,
    call: &Call,
    defaults: &Value,
    key: &mut ApiKey,
) -> Result<(), ApiError> {
    if let Some(metadata) = defaults.get("metadata") {
        key.fields.insert("metadata".to_owned(), metadata.clone());
    }
    if let Some(allowed) = defaults
        .get("allow_config_override")
        .and_then(Value::as_bool)
    {
        key.fields.insert(
            "allow_config_override".to_owned(),
            json!(i32::from(allowed)),
        );
    }
    if let Some(config) = defaults.get("config_id") {
        key.config_id = config.as_str().map(|id| config_id(state, id)).transpose()?;
    }
    if key.fields["api_key_defaults_id"].is_null() {
        key.fields
            .insert("api_key_defaults_id".to_owned(), json!(call.ids.uuid()));
    }
    Ok(())
}

/// Returns the UUID of a config given by UUID or slug; responses always contain the UUID.
fn config_id(state: &State, key: &str) -> Result<String, ApiError> {
    let config = state.configs.get(key);
    config.map(|config| config.id.clone()).ok_or_else(|| {
        ApiError::invalid_field("defaults/config_id", "is not the id or slug of a config")
    })
}

/// Creates a key for a user who has joined a workspace.
pub(crate) fn create_for_user(
    state: &mut State,
    user: &User,
    workspace: &str,
    scopes: &[String],
    call: &Call,
) {
    let Some(workspace) = state.workspaces.get(workspace) else {
        return;
    };
    let name = format!("{} ({})", user.email, workspace.display_name());
    let owner = Owner {
        workspace_id: Some(workspace.id.clone()),
        user_id: Some(user.id.clone()),
    };
    let scopes = Scopes::Only(scopes.to_vec());
    let organisation = &state.organisation.id;
    let mut key = ApiKey::new(&name, owner, scopes, organisation, call.now, &call.ids);
    key.fields.insert("creation_mode".to_owned(), json!("auto"));
    state.api_keys.put(key);
}

/// Removes the keys of a removed user.
pub(crate) fn remove_user_keys(state: &mut State, user: &str) {
    let is_owned = |key: &ApiKey| key.owner.user_id.as_deref() == Some(user);
    state.api_keys.table.remove_where(is_owned);
}

/// Counts a logged request against the limits of its key.
pub(crate) fn record_usage(state: &mut State, attributes: &LogAttributes, call: &Call) {
    let id = state.logs.strings.resolve(attributes.api_key);
    // Skips the update for keys without limits, which are most.
    let has_limits =
        |key: &ApiKey| !key.fields["usage_limits"].is_null() && key.limits().is_limited();
    if !state.api_keys.table.get(id).is_some_and(has_limits) {
        return;
    }
    let record = |key: &mut ApiKey| key.record_usage(attributes, call.now);
    state.api_keys.table.update(id, record);
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    state.api_keys.table.take(call)?;
    Ok(ResponseBody::empty_object())
}

/// The old secret stays valid for a transition period, during which the service refuses another
/// rotation (V074).
fn rotate(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = state.api_keys.table.find_by_path(call)?.clone();
    if key.is_in_transition(call.now) {
        let message = "the key cannot be rotated while its previous value is still valid";
        return Err(ApiError::bad_request(message));
    }
    let requested = call.body_value("key_transition_period_ms").as_i64();
    let transition = requested.unwrap_or_else(|| key.transition());
    let secret = key.owner.new_secret(&call.ids);
    let until = key.rotate(secret, transition, call.now);
    if let Some(policy) = key.rotation_policy.take() {
        key.rotation_policy = renew_rotation_policy(policy, call.now)?;
    }
    let mut body = json!({"id": key.id, "key": key.secret, "object": "api-key"});
    if let Some(until) = until {
        body["key_transition_expires_at"] = json!(timestamp(until));
    }
    state.api_keys.put(key);
    respond(body)
}
