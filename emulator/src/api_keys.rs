//! API keys: what is stored about them, and who a key lets in.

use chrono::{DateTime, Duration, Months, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, Caller, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id};

pub(crate) const HANDLERS: Handlers = &[
    ("list_api_keys", list),
    ("get_api_key", get),
    ("create_api_key", create),
    ("update_api_key", update),
    ("delete_api_key", delete),
    ("rotate_api_key", rotate),
];

/// Every key of the organisation.
pub(crate) struct ApiKeys(Vec<ApiKey>);

/// One key.
#[derive(Clone)]
struct ApiKey {
    id: String,
    secret: String,
    /// The secret before the last rotation, and until when it still works.
    previous: Option<(String, DateTime<Utc>)>,
    workspace_id: Option<String>,
    scopes: Scopes,
    expires_at: Option<DateTime<Utc>>,
    /// The UUID of the config that the key uses by default.
    config_id: Option<String>,
    /// Every other member of the answer.
    record: Map<String, Value>,
    rotation_policy: Option<Value>,
}

/// What a key may do.
#[derive(Debug, Clone)]
enum Scopes {
    All,
    Only(Vec<String>),
}

/// Who a key lets in.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) caller: Caller,
    scopes: Scopes,
}

impl Credential {
    /// The kind of key, as the ledger calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match self.caller {
            Caller::Organisation => "organisation",
            Caller::Workspace(_) => "workspace",
        }
    }

    /// Whether the key has a scope.
    pub(crate) fn has(&self, scope: &str) -> bool {
        match &self.scopes {
            Scopes::All => true,
            Scopes::Only(scopes) => scopes.iter().any(|own| own == scope),
        }
    }
}

impl ApiKeys {
    /// One organisation key that may do everything, and its secret.
    pub(crate) fn seeded(organisation_id: &str, now: DateTime<Utc>) -> (Self, String) {
        let mut key = ApiKey::new(None, Scopes::All);
        key.record = record("organisation-service", "Emulator", organisation_id, now);
        let secret = key.secret.clone();
        (Self(vec![key]), secret)
    }

    /// Who this secret lets in at this moment.
    pub(crate) fn authenticate(&self, secret: &str, now: DateTime<Utc>) -> Option<Credential> {
        let key = self.0.iter().find(|key| key.accepts(secret, now))?;
        let caller = key
            .workspace_id
            .clone()
            .map_or(Caller::Organisation, Caller::Workspace);
        Some(Credential {
            caller,
            scopes: key.scopes.clone(),
        })
    }

    /// Whether a workspace owns any key.
    pub(crate) fn any_of(&self, workspace_id: &str) -> bool {
        self.0
            .iter()
            .any(|key| key.workspace_id.as_deref() == Some(workspace_id))
    }

    /// Whether any key uses a config by default.
    pub(crate) fn any_with_config(&self, config_id: &str) -> bool {
        self.0
            .iter()
            .any(|key| key.config_id.as_deref() == Some(config_id))
    }

    /// Removes a workspace's keys.
    pub(crate) fn forget_workspace(&mut self, workspace_id: &str) {
        self.0
            .retain(|key| key.workspace_id.as_deref() != Some(workspace_id));
    }

    fn position(&self, id: &str, caller: &Caller) -> Result<usize, Refusal> {
        let position = self
            .0
            .iter()
            .position(|key| key.id == id && key.seen_by(caller));
        position.ok_or_else(|| Refusal::missing("API key"))
    }
}

impl ApiKey {
    fn new(workspace_id: Option<String>, scopes: Scopes) -> Self {
        Self {
            id: new_id(),
            secret: new_secret(workspace_id.is_some()),
            previous: None,
            workspace_id,
            scopes,
            expires_at: None,
            config_id: None,
            record: Map::new(),
            rotation_policy: None,
        }
    }

    fn accepts(&self, secret: &str, now: DateTime<Utc>) -> bool {
        let current = self.secret == secret;
        let previous = self
            .previous
            .as_ref()
            .is_some_and(|(old, until)| old == secret && *until > now);
        (current || previous) && !self.expired(now)
    }

    fn expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn seen_by(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Organisation => true,
            Caller::Workspace(own) => self.workspace_id.as_ref() == Some(own),
        }
    }

    /// What a list shows.
    fn json(&self, now: DateTime<Utc>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(self.id));
        body.insert("key".to_owned(), json!(masked(&self.secret)));
        body.extend(self.record.clone());
        body.insert("workspace_id".to_owned(), json!(self.workspace_id));
        body.insert(
            "status".to_owned(),
            json!(if self.expired(now) {
                "expired"
            } else {
                "active"
            }),
        );
        body.insert(
            "expires_at".to_owned(),
            json!(self.expires_at.map(timestamp)),
        );
        body.insert("scopes".to_owned(), self.scopes.json());
        body.insert(
            "defaults".to_owned(),
            json!({"metadata": self.record["metadata"], "config_id": self.config_id}),
        );
        body.insert("object".to_owned(), json!("api-key"));
        body.shift_remove("metadata");
        body
    }

    /// What a single key shows beyond the list.
    fn detail_json(&self, now: DateTime<Utc>) -> Value {
        let mut body = Value::Object(self.json(now));
        body["next_usage_reset_at"] = Value::Null;
        let config_override = body["allow_config_override"].as_i64();
        body["defaults"]["allow_config_override"] = json!(config_override != Some(0));
        if let Some(policy) = &self.rotation_policy {
            body["rotation_policy"] = policy.clone();
        }
        body
    }
}

impl Scopes {
    fn json(&self) -> Value {
        match self {
            Self::All => json!(["*"]),
            Self::Only(scopes) => json!(scopes),
        }
    }
}

/// A key that nobody can mistake for a real one.
fn new_secret(workspace: bool) -> String {
    format!(
        "emulator-{}-key-{}",
        if workspace { "ws" } else { "org" },
        new_id()
    )
}

/// The first two and the last three characters.
fn masked(secret: &str) -> String {
    let end = secret.len().saturating_sub(3);
    format!(
        "{}*****{}",
        secret.get(..2).unwrap_or_default(),
        secret.get(end..).unwrap_or_default()
    )
}

/// The members of a new key's answer that have no field of their own.
fn record(kind: &str, name: &str, organisation_id: &str, now: DateTime<Utc>) -> Map<String, Value> {
    let record = json!({
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
    record.as_object().cloned().unwrap_or_default()
}

fn list(state: &mut State, call: &Call) -> Answer {
    let workspace = state.workspace_filter(call)?;
    let wanted = |key: &&ApiKey| {
        key.seen_by(&call.caller) && (workspace.is_none() || key.workspace_id == workspace)
    };
    Ok(call.page(
        state
            .api_keys
            .0
            .iter()
            .filter(wanted)
            .map(|key| Value::Object(key.json(call.now)))
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let key = &state.api_keys.0[state.api_keys.position(call.id(0), &call.caller)?];
    Ok(Reply::json(key.detail_json(call.now)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let kind = kind(call)?;
    let name = call.required("name")?;
    let workspace_id = owner_workspace(state, call)?;
    let mut key = ApiKey::new(workspace_id, Scopes::Only(texts(&call.value("scopes"))));
    key.record = record(kind, name, &state.organisation_id, call.now);
    key.record
        .insert("user_id".to_owned(), json!(owner_user(state, call)?));
    apply(state, call, &mut key)?;
    let body = json!({"id": key.id, "key": key.secret, "object": "api-key"});
    state.api_keys.0.push(key);
    Ok(Reply::json(body))
}

/// The three kinds of key that mean something.
fn kind(call: &Call) -> Result<&'static str, Refusal> {
    match (call.id(0), call.id(1)) {
        ("organisation", "service") => Ok("organisation-service"),
        ("workspace", "service") => Ok("workspace-service"),
        ("workspace", "user") => Ok("workspace-user"),
        (kind, sub_kind) => Err(Refusal::invalid(format!(
            "path: there are no `{kind}/{sub_kind}` keys"
        ))),
    }
}

fn owner_workspace(state: &State, call: &Call) -> Result<Option<String>, Refusal> {
    match (call.id(0), &call.caller) {
        ("workspace", Caller::Organisation) if call.text("workspace_id").is_none() => Err(
            Refusal::invalid_field("workspace_id", "is required for workspace keys"),
        ),
        ("workspace", _) => state.workspace_for_new(call).map(Some),
        (_, Caller::Organisation) => Ok(None),
        (_, Caller::Workspace(_)) => Err(Refusal::forbidden(
            "a workspace key cannot create organisation keys",
        )),
    }
}

fn owner_user(state: &State, call: &Call) -> Result<Option<String>, Refusal> {
    if call.id(1) != "user" {
        return Ok(call.text("user_id").map(str::to_owned));
    }
    let id = call
        .text("user_id")
        .ok_or_else(|| Refusal::invalid_field("user_id", "is required for user keys"))?;
    match state.users.iter().any(|user| user.id == id) {
        true => Ok(Some(id.to_owned())),
        false => Err(Refusal::invalid_field(
            "user_id",
            "is not a user of the organisation",
        )),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn update(state: &mut State, call: &Call) -> Answer {
    let position = state.api_keys.position(call.id(0), &call.caller)?;
    let mut key = state.api_keys.0[position].clone();
    apply(state, call, &mut key)?;
    if let Some(scopes) = call.given("scopes") {
        key.scopes = Scopes::Only(texts(scopes));
    }
    if let Some(name) = call.text("name") {
        key.record.insert("name".to_owned(), json!(name));
    }
    if call.value("reset_usage") == true {
        key.record
            .insert("last_reset_at".to_owned(), json!(call.timestamp()));
    }
    key.record
        .insert("last_updated_at".to_owned(), json!(call.timestamp()));
    state.api_keys.0[position] = key;
    Ok(Reply::done())
}

/// Takes over what a create or update request gives: absent keeps, null clears.
fn apply(state: &State, call: &Call, key: &mut ApiKey) -> Result<(), Refusal> {
    for name in ["description", "usage_limits", "alert_emails"] {
        if let Some(value) = call.given(name) {
            key.record.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(limits) = call.given("rate_limits") {
        let limits = if limits.is_null() {
            json!([])
        } else {
            limits.clone()
        };
        key.record.insert("rate_limits".to_owned(), limits);
    }
    if let Some(expiry) = call.given("expires_at") {
        key.expires_at = moment(expiry, "expires_at")?;
    }
    if let Some(policy) = call.given("rotation_policy") {
        key.rotation_policy = rotation_policy(policy, call.now)?;
    }
    match call.given("defaults") {
        Some(defaults) => apply_defaults(state, defaults, key),
        None => Ok(()),
    }
}

fn apply_defaults(state: &State, defaults: &Value, key: &mut ApiKey) -> Result<(), Refusal> {
    if let Some(metadata) = defaults.get("metadata") {
        key.record.insert("metadata".to_owned(), metadata.clone());
    }
    if let Some(allowed) = defaults
        .get("allow_config_override")
        .and_then(Value::as_bool)
    {
        key.record.insert(
            "allow_config_override".to_owned(),
            json!(i32::from(allowed)),
        );
    }
    if let Some(given) = defaults.get("config_id") {
        key.config_id = given
            .as_str()
            .map(|given| config_id(state, given))
            .transpose()?;
    }
    if key.record["api_key_defaults_id"].is_null() {
        key.record
            .insert("api_key_defaults_id".to_owned(), json!(new_id()));
    }
    Ok(())
}

/// A config's UUID, which is what a key shows whatever it was given.
fn config_id(state: &State, given: &str) -> Result<String, Refusal> {
    let config = state
        .configs
        .iter()
        .find(|config| config.slug == given || config.id == given);
    config
        .map(|config| config.id.clone())
        .ok_or_else(|| Refusal::invalid_field("defaults/config_id", "is not a config"))
}

fn moment(value: &Value, place: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(text) = value.as_str() else {
        return Ok(None);
    };
    let parsed = DateTime::parse_from_rfc3339(text).map(|at| Some(at.with_timezone(&Utc)));
    parsed.map_err(|_| Refusal::invalid_field(place, "is not a date and time"))
}

/// A policy has a period, from which the service computes the next date, or that date itself.
fn rotation_policy(policy: &Value, now: DateTime<Utc>) -> Result<Option<Value>, Refusal> {
    if policy.is_null() {
        return Ok(None);
    }
    let date = moment(
        &policy["next_rotation_at"],
        "rotation_policy/next_rotation_at",
    )?;
    let period = policy["rotation_period"].as_str();
    if date.is_some() && period.is_some() {
        let problem = "and `/rotation_policy/rotation_period` exclude each other";
        return Err(Refusal::invalid_field(
            "rotation_policy/next_rotation_at",
            problem,
        ));
    }
    let computed = match period {
        Some("weekly") => Some(now + Duration::weeks(1)),
        Some(_) => now.checked_add_months(Months::new(1)),
        None => date,
    };
    let mut policy = policy.clone();
    policy["next_rotation_at"] = json!(computed.map(timestamp));
    Ok(Some(policy))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let position = state.api_keys.position(call.id(0), &call.caller)?;
    state.api_keys.0.remove(position);
    Ok(Reply::done())
}

/// The old key stops at once, unless the request or the key's policy gives it time.
fn rotate(state: &mut State, call: &Call) -> Answer {
    let position = state.api_keys.position(call.id(0), &call.caller)?;
    let key = &mut state.api_keys.0[position];
    let period = |value: &Value| value["key_transition_period_ms"].as_i64();
    let transition = period(&call.body).or_else(|| key.rotation_policy.as_ref().and_then(period));
    let until = transition
        .and_then(Duration::try_milliseconds)
        .and_then(|time| call.now.checked_add_signed(time));
    let old = std::mem::replace(&mut key.secret, new_secret(key.workspace_id.is_some()));
    key.previous = until.map(|until| (old, until));
    key.record
        .insert("last_updated_at".to_owned(), json!(call.timestamp()));
    let mut body = json!({"id": key.id, "key": key.secret});
    if let Some(until) = until {
        body["key_transition_expires_at"] = json!(timestamp(until));
    }
    Ok(Reply::json(body))
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, Utc};

    use super::{ApiKeys, masked};

    #[test]
    fn an_old_secret_works_until_its_time_is_up() {
        let now = Utc::now();
        let (mut keys, secret) = ApiKeys::seeded("organisation", now);
        keys.0[0].previous = Some((secret.clone(), now + Duration::hours(1)));
        keys.0[0].secret = "new".to_owned();
        assert!(keys.authenticate("new", now).is_some());
        assert!(keys.authenticate(&secret, now).is_some());
        assert!(
            keys.authenticate(&secret, now + Duration::hours(1))
                .is_none()
        );
        assert!(keys.authenticate("other", now).is_none());
    }

    #[test]
    fn an_expired_key_lets_nobody_in() {
        let now = Utc::now();
        let (mut keys, secret) = ApiKeys::seeded("organisation", now);
        keys.0[0].expires_at = Some(now);
        assert!(keys.authenticate(&secret, now).is_none());
        assert_eq!(keys.0[0].json(now)["status"], "expired");
    }

    #[test]
    fn a_masked_key_shows_its_ends() {
        assert_eq!(masked("emulator-org-key-123"), "em*****123");
    }
}
