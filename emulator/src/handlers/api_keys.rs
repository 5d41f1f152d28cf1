//! API keys, and authentication with them.

use chrono::{DateTime, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::logs::LogAttributes;
use super::usage::{UsageCounter, UsageLimits};
use super::users::User;
use super::{Resource, State, limits};
use crate::call::{Call, Caller, Scopes, timestamp};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::response::{HandlerResult, ResponseBody};
use crate::table::{Row, Table};

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
    deletion_blockers: &[("API keys", |state, workspace| {
        !state.api_keys.table.in_workspace(workspace).is_empty()
    })],
    remove_workspace: |state, workspace| state.api_keys.table.remove_workspace(workspace),
    ..Resource::new(&[
        ("list_api_keys", Read(list)),
        ("get_api_key", Read(get)),
        ("create_api_key", Write(create)),
        ("update_api_key", Write(update)),
        ("delete_api_key", Write(delete)),
        ("rotate_api_key", Write(rotate)),
    ])
};

/// All keys of the organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ApiKeys {
    pub(crate) table: Table<ApiKey>,
    /// No automatic rotation is due before this time. `None` if it has not been computed yet.
    #[serde(skip)]
    next_rotation: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    id: String,
    secret: String,
    /// The secret before the last rotation, and the time at which it expires.
    previous: Option<(String, DateTime<Utc>)>,
    owner: Owner,
    scopes: Scopes,
    expires_at: Option<DateTime<Utc>>,
    /// The UUID of the config that the key uses by default.
    config_id: Option<String>,
    /// All other fields of the response.
    fields: Map<String, Value>,
    rotation_policy: Option<Value>,
    /// The usage counted against `usage_limits`.
    #[serde(default)]
    usage: UsageCounter,
}

/// The owner of a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// `None` for an organisation key.
    pub(crate) workspace_id: Option<String>,
    /// `None` for a service key.
    pub(crate) user_id: Option<String>,
}

impl Row for ApiKey {
    const NAME: &'static str = "API key";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        self.owner.workspace_id.as_deref()
    }

    fn tokens(&self) -> Vec<&str> {
        let previous = self.previous.iter().map(|(secret, _)| secret.as_str());
        std::iter::once(self.secret.as_str())
            .chain(previous)
            .collect()
    }
}

impl ApiKeys {
    /// Returns the caller that this secret authenticates at `now`.
    pub(crate) fn authenticate(&self, secret: &str, now: DateTime<Utc>) -> Option<Caller> {
        let key = self.table.find_by_token(secret)?;
        key.accepts_secret(secret, now).then(|| Caller {
            key_id: key.id.clone(),
            workspace_id: key.owner.workspace_id.clone(),
            user_id: key.owner.user_id.clone(),
            scopes: key.scopes.clone(),
        })
    }

    /// Returns the secret of the first key with this name.
    pub(crate) fn secret(&self, name: &str) -> Option<String> {
        let mut keys = self.table.iter();
        let key = keys.find(|key| key.fields["name"] == name)?;
        Some(key.secret.clone())
    }

    /// Returns the names and secrets of all keys.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (String, String)> {
        self.table.iter().map(|key| {
            let name = key.fields["name"].as_str().unwrap_or_default();
            (name.to_owned(), key.secret.clone())
        })
    }

    /// Inserts or replaces a key.
    pub(crate) fn put(&mut self, key: ApiKey) {
        self.next_rotation = match (self.next_rotation, key.next_rotation_at()) {
            (Some(next), Some(next_rotation_at)) => Some(next.min(next_rotation_at)),
            (next, _) => next,
        };
        self.table.put(key);
    }

    /// Returns whether an automatic rotation may be due.
    pub(crate) fn has_due_rotation(&self, now: DateTime<Utc>) -> bool {
        self.next_rotation.is_none_or(|next| next <= now)
    }

    /// Carries out the automatic rotations that are due. The result does not depend on how often
    /// this is called, so rotations need not be recorded in the journal.
    pub(crate) fn apply_due_rotations(&mut self, now: DateTime<Utc>) {
        if !self.has_due_rotation(now) {
            return;
        }
        let is_due = |key: &ApiKey| {
            key.next_rotation_at()
                .is_some_and(|next_rotation_at| next_rotation_at <= now)
        };
        self.table
            .update_where(is_due, |key| key.apply_due_rotations(now));
        let next = self.table.iter().filter_map(ApiKey::next_rotation_at).min();
        self.next_rotation = Some(next.unwrap_or(DateTime::<Utc>::MAX_UTC));
    }

    /// Returns whether a config is the default config of any key.
    pub(crate) fn is_config_used(&self, config_id: &str) -> bool {
        let mut keys = self.table.iter();
        keys.any(|key| key.config_id.as_deref() == Some(config_id))
    }
}

impl ApiKey {
    pub(crate) fn new(
        name: &str,
        owner: Owner,
        scopes: Scopes,
        organisation_id: &str,
        now: DateTime<Utc>,
        ids: &Ids,
    ) -> Self {
        let mut fields = default_fields(owner.kind(), name, organisation_id, now);
        fields.insert("user_id".to_owned(), json!(owner.user_id));
        Self {
            id: ids.uuid(),
            secret: owner.new_secret(ids),
            previous: None,
            owner,
            scopes,
            expires_at: None,
            config_id: None,
            fields,
            rotation_policy: None,
            usage: UsageCounter::default(),
        }
    }

    /// Returns the time of the next automatic rotation.
    fn next_rotation_at(&self) -> Option<DateTime<Utc>> {
        let policy = self.rotation_policy.as_ref()?;
        policy["next_rotation_at"].as_str()?.parse().ok()
    }

    /// Carries out the rotations that are due by its policy. The new secret depends on the key's id
    /// and the scheduled time only.
    fn apply_due_rotations(&mut self, now: DateTime<Utc>) {
        while let Some(next_rotation_at) = self
            .next_rotation_at()
            .filter(|next_rotation_at| *next_rotation_at <= now)
        {
            let secret = self
                .owner
                .new_secret(&Ids::new(rotation_seed(&self.id, next_rotation_at)));
            self.rotate(secret, self.transition(), next_rotation_at);
            let period = self
                .rotation_policy
                .as_ref()
                .and_then(RotationPeriod::from_policy);
            let following = period.and_then(|period| period.after(next_rotation_at));
            if let Some(policy) = &mut self.rotation_policy {
                policy["next_rotation_at"] = json!(following.map(timestamp));
            }
        }
    }

    /// Returns for how long the policy keeps the old secret valid, in milliseconds.
    fn transition(&self) -> Option<i64> {
        self.rotation_policy.as_ref()?["key_transition_period_ms"].as_i64()
    }

    /// Replaces the secret and returns the time at which the old one expires. `transition` is in
    /// milliseconds; without it, the old secret expires immediately.
    fn rotate(
        &mut self,
        secret: String,
        transition: Option<i64>,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let until = transition
            .and_then(Duration::try_milliseconds)
            .and_then(|time| at.checked_add_signed(time));
        let old = std::mem::replace(&mut self.secret, secret);
        self.previous = until.map(|until| (old, until));
        self.fields
            .insert("last_updated_at".to_owned(), json!(timestamp(at)));
        until
    }

    /// Returns the usage limits; their periods start at the key's creation.
    fn limits(&self) -> UsageLimits<'_> {
        let created = self.fields["created_at"].as_str();
        let created = created.and_then(|created| created.parse().ok());
        UsageLimits::new(&self.fields["usage_limits"], created.unwrap_or_default())
    }

    fn status(&self, now: DateTime<Utc>) -> &'static str {
        if self.is_expired(now) {
            "expired"
        } else if self.limits().is_exhausted(&self.usage, now) {
            "exhausted"
        } else {
            "active"
        }
    }

    /// Returns `usage_limits`. If unset, an expired key reports that its alert was sent, as
    /// observed from the service.
    fn limits_json(&self, now: DateTime<Utc>) -> Value {
        match &self.fields["usage_limits"] {
            Value::Null if self.is_expired(now) => json!({"is_expired_alerts_sent": true}),
            limits => limits.clone(),
        }
    }

    /// Returns the time of the last usage reset, automatic or requested.
    fn last_reset(&self, now: DateTime<Utc>) -> Option<String> {
        let manual = self.fields["last_reset_at"].as_str().map(str::to_owned);
        // Timestamps in this format sort chronologically as strings.
        manual.max(self.limits().last_reset(now).map(timestamp))
    }

    fn accepts_secret(&self, secret: &str, now: DateTime<Utc>) -> bool {
        let current = self.secret == secret;
        let previous = self
            .previous
            .as_ref()
            .is_some_and(|(old, until)| old == secret && *until > now);
        (current || previous) && !self.is_expired(now)
    }

    fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns a list item.
    fn json(&self, now: DateTime<Utc>) -> Map<String, Value> {
        let defaults = json!({"metadata": self.fields["metadata"], "config_id": self.config_id});
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(self.id));
        body.insert("key".to_owned(), json!(mask_secret(&self.secret)));
        body.extend(self.fields.clone());
        let computed = [
            ("workspace_id", json!(self.owner.workspace_id)),
            ("status", json!(self.status(now))),
            ("usage_limits", self.limits_json(now)),
            ("last_reset_at", json!(self.last_reset(now))),
            ("expires_at", json!(self.expires_at.map(timestamp))),
            ("scopes", scopes_json(&self.scopes)),
            ("defaults", defaults),
            ("object", json!("api-key")),
        ];
        body.extend(computed.map(|(name, value)| (name.to_owned(), value)));
        body.shift_remove("metadata");
        body
    }

    /// Returns a single key, which has more fields than a list item.
    fn detail_json(&self, now: DateTime<Utc>) -> Value {
        let mut body = Value::Object(self.json(now));
        body["next_usage_reset_at"] = json!(self.limits().next_reset(now).map(timestamp));
        let config_override = body["allow_config_override"].as_i64();
        body["defaults"]["allow_config_override"] = json!(config_override != Some(0));
        if let Some(policy) = &self.rotation_policy {
            body["rotation_policy"] = policy.clone();
        }
        body
    }
}

impl Owner {
    /// Returns the type of the key as named in responses.
    fn kind(&self) -> &'static str {
        match (&self.workspace_id, &self.user_id) {
            (None, _) => "organisation-service",
            (Some(_), None) => "workspace-service",
            (Some(_), Some(_)) => "workspace-user",
        }
    }

    fn new_secret(&self, ids: &Ids) -> String {
        ids.secret(match self.workspace_id {
            None => "org-key",
            Some(_) => "ws-key",
        })
    }
}

fn scopes_json(scopes: &Scopes) -> Value {
    match scopes {
        Scopes::All => json!(["*"]),
        Scopes::Only(scopes) => json!(scopes),
    }
}

/// Returns the first two and the last three characters, with the rest masked.
fn mask_secret(secret: &str) -> String {
    let end = secret.len().saturating_sub(3);
    format!(
        "{}*****{}",
        secret.get(..2).unwrap_or_default(),
        secret.get(end..).unwrap_or_default()
    )
}

/// Returns the response fields of a new key that `ApiKey` does not store separately.
fn default_fields(
    kind: &str,
    name: &str,
    organisation_id: &str,
    now: DateTime<Utc>,
) -> Map<String, Value> {
    let fields = json!({
        "name": name,
        "description": null,
        "type": kind,
        "organisation_id": organisation_id,
        "workspace_id": null,
        "user_id": null,
        "status": "active",
        "created_at": timestamp(now),
        "last_updated_at": timestamp(now),
        "creation_mode": "api",
        "rate_limits": [],
        "usage_limits": null,
        "reset_usage": null,
        "last_reset_at": null,
        "scopes": [],
        "defaults": null,
        "metadata": null,
        "alert_emails": null,
        "expires_at": null,
        "expiry_enforced": 0,
        "allow_config_override": null,
        "api_key_defaults_id": null,
    });
    fields.as_object().cloned().unwrap_or_default()
}

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
    let kinds = [
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ];
    let exists = kinds.iter().any(|kind| scope_resource(kind) == resource);
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
    let Some(user) = call.caller.user_id.as_deref() else {
        return Ok(());
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
    match manages || matches!(role, Some("owner" | "admin")) {
        true => Ok(()),
        false => Err(ApiError::forbidden(
            "the user of the key is not permitted to create keys in the workspace",
        )),
    }
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
    if [
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ]
    .into_iter()
    .all(may_list)
    {
        return Ok(call.page(keys, to_json));
    }
    Ok(call.page(keys.filter(|key| may_list(key.owner.kind())), to_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let key = state.api_keys.table.find(call.path_param(0), call)?;
    Ok(ResponseBody::json(key.detail_json(call.now)))
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
    apply(state, call, &mut key)?;
    let body = json!({"id": key.id, "key": key.secret, "object": "api-key"});
    state.api_keys.put(key);
    Ok(ResponseBody::json(body))
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

fn string_list(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = state.api_keys.table.find(call.path_param(0), call)?.clone();
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
    state.api_keys.put(key);
    Ok(ResponseBody::empty_object())
}

/// Applies a create or update request: absent fields are kept, null clears a field.
fn apply(state: &State, call: &Call, key: &mut ApiKey) -> Result<(), ApiError> {
    limits::validate_usage_limits(&call.body_value("usage_limits"), "usage_limits")?;
    for name in ["description", "usage_limits", "alert_emails"] {
        if let Some(value) = call.body_field(name) {
            key.fields.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(limits) = call.body_field("rate_limits") {
        let limits = if limits.is_null() {
            json!([])
        } else {
            limits.clone()
        };
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

fn parse_timestamp(value: &Value, field_path: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(string) = value.as_str() else {
        return Ok(None);
    };
    let parsed = DateTime::parse_from_rfc3339(string).map(|at| Some(at.with_timezone(&Utc)));
    parsed.map_err(|_| ApiError::invalid_field(field_path, "must be an RFC 3339 date and time"))
}

/// The interval between automatic rotations.
#[derive(Debug, Clone, Copy)]
enum RotationPeriod {
    Week,
    Month,
}

impl RotationPeriod {
    fn from_policy(policy: &Value) -> Option<Self> {
        match policy["rotation_period"].as_str()? {
            "weekly" => Some(Self::Week),
            _ => Some(Self::Month),
        }
    }

    fn after(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Week => at.checked_add_signed(Duration::weeks(1)),
            Self::Month => at.checked_add_months(Months::new(1)),
        }
    }
}

/// Returns a hash of a key's id and a time (FNV-1a).
fn rotation_seed(id: &str, at: DateTime<Utc>) -> u64 {
    let millis = at.timestamp_millis().to_be_bytes();
    let bytes = id.bytes().chain(millis);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns a policy with the time of the next rotation: computed from its period, or as given.
fn rotation_policy(policy: &Value, now: DateTime<Utc>) -> Result<Option<Value>, ApiError> {
    if policy.is_null() {
        return Ok(None);
    }
    let date = parse_timestamp(
        &policy["next_rotation_at"],
        "rotation_policy/next_rotation_at",
    )?;
    if date.is_some() && RotationPeriod::from_policy(policy).is_some() {
        let reason = "and `/rotation_policy/rotation_period` are mutually exclusive";
        return Err(ApiError::invalid_field(
            "rotation_policy/next_rotation_at",
            reason,
        ));
    }
    let computed = match RotationPeriod::from_policy(policy) {
        Some(period) => period.after(now),
        None => date,
    };
    let mut policy = policy.clone();
    policy["next_rotation_at"] = json!(computed.map(timestamp));
    Ok(Some(policy))
}

/// Restarts the period of a policy after a rotation.
fn renew_rotation_policy(mut policy: Value, now: DateTime<Utc>) -> Result<Option<Value>, ApiError> {
    if policy["rotation_period"].is_null() {
        return Ok(Some(policy));
    }
    policy["next_rotation_at"] = Value::Null;
    rotation_policy(&policy, now)
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
    let keys = state.api_keys.table.iter();
    let matching = keys.filter(|key| key.owner.user_id.as_deref() == Some(user));
    let ids: Vec<String> = matching.map(|key| key.id.clone()).collect();
    for id in ids {
        state.api_keys.table.remove(&id);
    }
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
    state.api_keys.table.update(id, |key| {
        let mut usage = std::mem::take(&mut key.usage);
        key.limits().record(&mut usage, attributes, call.now);
        key.usage = usage;
    });
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state
        .api_keys
        .table
        .find(call.path_param(0), call)?
        .id
        .clone();
    state.api_keys.table.remove(&id);
    Ok(ResponseBody::empty_object())
}

/// The old secret expires immediately, unless the request or the key's policy sets a transition
/// period.
fn rotate(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = state.api_keys.table.find(call.path_param(0), call)?.clone();
    let requested = call.body_value("key_transition_period_ms").as_i64();
    let transition = requested.or_else(|| key.transition());
    let secret = key.owner.new_secret(&call.ids);
    let until = key.rotate(secret, transition, call.now);
    if let Some(policy) = key.rotation_policy.take() {
        key.rotation_policy = renew_rotation_policy(policy, call.now)?;
    }
    let mut body = json!({"id": key.id, "key": key.secret});
    if let Some(until) = until {
        body["key_transition_expires_at"] = json!(timestamp(until));
    }
    state.api_keys.put(key);
    Ok(ResponseBody::json(body))
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, Utc};

    use super::{ApiKey, ApiKeys, Owner, mask_secret};
    use crate::call::Scopes;
    use crate::ids::Ids;

    fn keys() -> (ApiKeys, ApiKey) {
        let (ids, owner) = (Ids::new(1), Owner::default());
        let key = ApiKey::new("a", owner, Scopes::All, "organisation", Utc::now(), &ids);
        (ApiKeys::default(), key)
    }

    #[test]
    fn a_previous_secret_works_until_it_expires() {
        let now = Utc::now();
        let (mut keys, mut key) = keys();
        let secret = std::mem::replace(&mut key.secret, "new".to_owned());
        key.previous = Some((secret.clone(), now + Duration::hours(1)));
        keys.table.put(key);
        assert!(keys.authenticate("new", now).is_some());
        assert!(keys.authenticate(&secret, now).is_some());
        let later = now + Duration::hours(1);
        assert!(keys.authenticate(&secret, later).is_none());
        assert!(keys.authenticate("other", now).is_none());
    }

    #[test]
    fn an_expired_key_is_rejected() {
        let now = Utc::now();
        let (mut keys, mut key) = keys();
        key.expires_at = Some(now);
        assert_eq!(key.json(now)["status"], "expired");
        let secret = key.secret.clone();
        keys.table.put(key);
        assert!(keys.authenticate(&secret, now).is_none());
    }

    #[test]
    fn a_masked_key_shows_its_ends() {
        assert_eq!(mask_secret("emulator-org-key-123"), "em*****123");
    }
}
