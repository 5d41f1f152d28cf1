//! API keys: what is stored about them, and who a key lets in.

use chrono::{DateTime, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::logs::Facts;
use super::meter::{Limits, Meter};
use super::users::User;
use super::{Room, State, limits};
use crate::call::{Call, Caller, Scopes, timestamp};
use crate::ids::Ids;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    guards: &[
        ("create_api_key", only_managers_create),
        ("create_api_key", scope_of_its_kind),
        ("get_api_key", scope_of_its_kind),
        ("update_api_key", scope_of_its_kind),
        ("delete_api_key", scope_of_its_kind),
        ("rotate_api_key", scope_of_its_kind),
    ],
    quirks: &[("create_api_key", fail_without_scopes)],
    owned: &[("API keys", |state, workspace| {
        !state.api_keys.shelf.in_workspace(workspace).is_empty()
    })],
    forget_workspace: |state, workspace| state.api_keys.shelf.forget_workspace(workspace),
    ..Room::of(&[
        ("list_api_keys", Read(list)),
        ("get_api_key", Read(get)),
        ("create_api_key", Write(create)),
        ("update_api_key", Write(update)),
        ("delete_api_key", Write(delete)),
        ("rotate_api_key", Write(rotate)),
    ])
};

/// Every key of the organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ApiKeys {
    pub(crate) shelf: Shelf<ApiKey>,
    /// No key rotates by itself before this time. `None` where nobody has looked yet.
    #[serde(skip)]
    next_rotation: Option<DateTime<Utc>>,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    id: String,
    secret: String,
    /// The secret before the last rotation, and until when it still works.
    previous: Option<(String, DateTime<Utc>)>,
    owner: Owner,
    scopes: Scopes,
    expires_at: Option<DateTime<Utc>>,
    /// The UUID of the config that the key uses by default.
    config_id: Option<String>,
    /// Every other member of the answer.
    record: Map<String, Value>,
    rotation_policy: Option<Value>,
    /// What was used of `usage_limits`.
    #[serde(default)]
    meter: Meter,
}

/// Whose key it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// `None` for a key of the organisation.
    pub(crate) workspace_id: Option<String>,
    /// `None` for a service key.
    pub(crate) user_id: Option<String>,
}

impl Item for ApiKey {
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
    /// Who this secret lets in at this moment.
    pub(crate) fn authenticate(&self, secret: &str, now: DateTime<Utc>) -> Option<Caller> {
        let key = self.shelf.by_token(secret)?;
        key.accepts(secret, now).then(|| Caller {
            key_id: key.id.clone(),
            workspace_id: key.owner.workspace_id.clone(),
            user_id: key.owner.user_id.clone(),
            scopes: key.scopes.clone(),
        })
    }

    /// The value of the first key with this name.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let mut keys = self.shelf.iter();
        let key = keys.find(|key| key.record["name"] == name)?;
        Some(key.secret.clone())
    }

    /// Names and values of all keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = (String, String)> {
        self.shelf.iter().map(|key| {
            let name = key.record["name"].as_str().unwrap_or_default();
            (name.to_owned(), key.secret.clone())
        })
    }

    /// Puts a key in its place.
    pub(crate) fn put(&mut self, key: ApiKey) {
        self.next_rotation = match (self.next_rotation, key.due()) {
            (Some(next), Some(due)) => Some(next.min(due)),
            (next, _) => next,
        };
        self.shelf.put(key);
    }

    /// Whether some key may have to rotate.
    pub(crate) fn any_due(&self, now: DateTime<Utc>) -> bool {
        self.next_rotation.is_none_or(|next| next <= now)
    }

    /// Rotates the keys whose time has come. What it comes to does not depend on how often it is
    /// done, so that nothing about it has to be written down.
    pub(crate) fn catch_up(&mut self, now: DateTime<Utc>) {
        if !self.any_due(now) {
            return;
        }
        let is_due = |key: &ApiKey| key.due().is_some_and(|due| due <= now);
        self.shelf.edit_all(is_due, |key| key.catch_up(now));
        let next = self.shelf.iter().filter_map(ApiKey::due).min();
        self.next_rotation = Some(next.unwrap_or(DateTime::<Utc>::MAX_UTC));
    }

    /// Whether any key uses a config by default.
    pub(crate) fn any_with_config(&self, config_id: &str) -> bool {
        let mut keys = self.shelf.iter();
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
        let mut record = record(owner.kind(), name, organisation_id, now);
        record.insert("user_id".to_owned(), json!(owner.user_id));
        Self {
            id: ids.uuid(),
            secret: owner.new_secret(ids),
            previous: None,
            owner,
            scopes,
            expires_at: None,
            config_id: None,
            record,
            rotation_policy: None,
            meter: Meter::default(),
        }
    }

    /// When it rotates by itself.
    fn due(&self) -> Option<DateTime<Utc>> {
        let policy = self.rotation_policy.as_ref()?;
        policy["next_rotation_at"].as_str()?.parse().ok()
    }

    /// Carries out the rotations that its policy planned until now. The new value depends on the key
    /// and the plan only.
    fn catch_up(&mut self, now: DateTime<Utc>) {
        while let Some(due) = self.due().filter(|due| *due <= now) {
            let secret = self.owner.new_secret(&Ids::new(seed_of(&self.id, due)));
            self.rotate(secret, self.transition(), due);
            let period = self.rotation_policy.as_ref().and_then(Period::of);
            let next = period.and_then(|period| period.after(due));
            if let Some(policy) = &mut self.rotation_policy {
                policy["next_rotation_at"] = json!(next.map(timestamp));
            }
        }
    }

    /// How long the policy lets an old value live.
    fn transition(&self) -> Option<i64> {
        self.rotation_policy.as_ref()?["key_transition_period_ms"].as_i64()
    }

    /// Gives it a new value; until when the old one works, which stops at once without a transition
    /// in milliseconds.
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
        self.record
            .insert("last_updated_at".to_owned(), json!(timestamp(at)));
        until
    }

    /// Its limits, counted from its creation on.
    fn limits(&self) -> Limits<'_> {
        let created = self.record["created_at"].as_str();
        let created = created.and_then(|created| created.parse().ok());
        Limits::new(&self.record["usage_limits"], created.unwrap_or_default())
    }

    fn status(&self, now: DateTime<Utc>) -> &'static str {
        if self.expired(now) {
            "expired"
        } else if self.limits().exhausted(&self.meter, now) {
            "exhausted"
        } else {
            "active"
        }
    }

    /// An expired key was seen to say of its limits that the alert on it was sent.
    fn shown_limits(&self, now: DateTime<Utc>) -> Value {
        match &self.record["usage_limits"] {
            Value::Null if self.expired(now) => json!({"is_expired_alerts_sent": true}),
            limits => limits.clone(),
        }
    }

    /// When usage was last set to zero, by itself or on demand.
    fn last_reset(&self, now: DateTime<Utc>) -> Option<String> {
        let by_hand = self.record["last_reset_at"].as_str().map(str::to_owned);
        // Times are written so that their order is that of their texts.
        by_hand.max(self.limits().last_reset(now).map(timestamp))
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

    /// What a list shows.
    fn json(&self, now: DateTime<Utc>) -> Map<String, Value> {
        let defaults = json!({"metadata": self.record["metadata"], "config_id": self.config_id});
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(self.id));
        body.insert("key".to_owned(), json!(masked(&self.secret)));
        body.extend(self.record.clone());
        let own = [
            ("workspace_id", json!(self.owner.workspace_id)),
            ("status", json!(self.status(now))),
            ("usage_limits", self.shown_limits(now)),
            ("last_reset_at", json!(self.last_reset(now))),
            ("expires_at", json!(self.expires_at.map(timestamp))),
            ("scopes", shown(&self.scopes)),
            ("defaults", defaults),
            ("object", json!("api-key")),
        ];
        body.extend(own.map(|(name, value)| (name.to_owned(), value)));
        body.shift_remove("metadata");
        body
    }

    /// What a single key shows beyond the list.
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
    /// The type of the key, as answers call it.
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

fn shown(scopes: &Scopes) -> Value {
    match scopes {
        Scopes::All => json!(["*"]),
        Scopes::Only(scopes) => json!(scopes),
    }
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

/// The kind of key as scopes call it: `workspace_service_api_keys`.
fn scope_noun(kind: &str) -> String {
    format!("{}_api_keys", kind.replace('-', "_"))
}

/// The ledger asks for the scope of any kind of key; the service for that of the key in question.
fn scope_of_its_kind(state: &State, call: &Call) -> Result<(), Refusal> {
    let verb = match call.operation.as_str() {
        "create_api_key" => "create",
        "get_api_key" => "read",
        "delete_api_key" => "delete",
        _ => "update",
    };
    let noun = match state.api_keys.shelf.get(call.id(0)) {
        Some(key) => scope_noun(key.owner.kind()),
        None if verb == "create" => scope_noun(&format!("{}-{}", call.id(0), call.id(1))),
        // It is missing, whatever the scope.
        None => return Ok(()),
    };
    let scope = format!("{noun}.{verb}");
    let known = [
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ];
    let exists = known.iter().any(|kind| scope_noun(kind) == noun);
    match exists && !call.caller.scopes.has(&scope) {
        true => Err(Refusal::forbidden(format!(
            "`{}` needs the scope {scope} for this key",
            call.operation
        ))),
        false => Ok(()),
    }
}

/// The key of a user creates keys if the user may: as an owner or admin of the organisation, or as
/// a manager of the workspace.
fn only_managers_create(state: &State, call: &Call) -> Result<(), Refusal> {
    let Some(user) = call.caller.user_id.as_deref() else {
        return Ok(());
    };
    let role = state.users.people.get(user).map(|user| user.role.as_str());
    let workspace = call
        .caller
        .workspace()
        .and_then(|id| state.workspaces.get(id));
    let manages = workspace.is_some_and(|workspace| workspace.is_managed_by(user));
    match manages || matches!(role, Some("owner" | "admin")) {
        true => Ok(()),
        false => Err(Refusal::forbidden(
            "the user of this key may not create keys in the workspace",
        )),
    }
}

/// A key that may list some kinds of key sees those.
fn list(state: &State, call: &Call) -> Answer {
    let show = |key: &ApiKey| Value::Object(key.json(call.now));
    let keys = state.api_keys.shelf.listed(call);
    let may = |kind: &str| {
        call.caller
            .scopes
            .has(&format!("{}.list", scope_noun(kind)))
    };
    if [
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ]
    .into_iter()
    .all(may)
    {
        return Ok(call.page(keys, show));
    }
    Ok(call.page(keys.filter(|key| may(key.owner.kind())), show))
}

fn get(state: &State, call: &Call) -> Answer {
    let key = state.api_keys.shelf.find(call.id(0), call)?;
    Ok(Reply::json(key.detail_json(call.now)))
}

/// The service does not check this; something behind it fails.
fn fail_without_scopes(_: &State, call: &Call) -> Result<(), Refusal> {
    match call.items("scopes").is_empty() {
        true => Err(Refusal::new(502, None, "the upstream server failed")),
        false => Ok(()),
    }
}

fn create(state: &mut State, call: &Call) -> Answer {
    check_kind(call)?;
    let owner = Owner {
        workspace_id: owner_workspace(call)?,
        user_id: owner_user(state, call)?,
    };
    let scopes = Scopes::Only(texts(&call.value("scopes")));
    let organisation = &state.organisation.id;
    let name = call.required("name")?;
    let mut key = ApiKey::new(name, owner, scopes, organisation, call.now, &call.ids);
    apply(state, call, &mut key)?;
    let body = json!({"id": key.id, "key": key.secret, "object": "api-key"});
    state.api_keys.put(key);
    Ok(Reply::json(body))
}

/// The three kinds of key that mean something.
fn check_kind(call: &Call) -> Result<(), Refusal> {
    match (call.id(0), call.id(1)) {
        ("organisation" | "workspace", "service") | ("workspace", "user") => Ok(()),
        (kind, sub_kind) => Err(Refusal::invalid(format!(
            "path: there are no `{kind}/{sub_kind}` keys"
        ))),
    }
}

fn owner_workspace(call: &Call) -> Result<Option<String>, Refusal> {
    if call.id(0) == "workspace" {
        return call.needed_workspace().map(|id| Some(id.to_owned()));
    }
    match call.caller.is_organisation() {
        true => Ok(None),
        false => Err(Refusal::forbidden(
            "a workspace key cannot create organisation keys",
        )),
    }
}

fn owner_user(state: &State, call: &Call) -> Result<Option<String>, Refusal> {
    if call.id(1) != "user" {
        return Ok(None);
    }
    let id = call
        .text("user_id")
        .ok_or_else(|| Refusal::invalid_field("user_id", "is required for user keys"))?;
    match state.users.people.get(id) {
        Some(user) => Ok(Some(user.id.clone())),
        None => Err(Refusal::invalid_field(
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
    let mut key = state.api_keys.shelf.find(call.id(0), call)?.clone();
    apply(state, call, &mut key)?;
    if let Some(scopes) = call.given("scopes") {
        key.scopes = Scopes::Only(texts(scopes));
    }
    if let Some(name) = call.text("name") {
        key.record.insert("name".to_owned(), json!(name));
    }
    let now = json!(call.timestamp());
    if call.value("reset_usage") == true {
        key.record.insert("last_reset_at".to_owned(), now.clone());
        key.meter = Meter::default();
    }
    key.record.insert("last_updated_at".to_owned(), now);
    state.api_keys.put(key);
    Ok(Reply::done())
}

/// Takes over what a create or update request gives: absent keeps, null clears.
fn apply(state: &State, call: &Call, key: &mut ApiKey) -> Result<(), Refusal> {
    limits::check_usage(&call.value("usage_limits"), "usage_limits")?;
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
        Some(defaults) => apply_defaults(state, call, defaults, key),
        None => Ok(()),
    }
}

fn apply_defaults(
    state: &State,
    call: &Call,
    defaults: &Value,
    key: &mut ApiKey,
) -> Result<(), Refusal> {
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
            .insert("api_key_defaults_id".to_owned(), json!(call.ids.uuid()));
    }
    Ok(())
}

/// A config's UUID, which is what a key shows whatever it was given.
fn config_id(state: &State, given: &str) -> Result<String, Refusal> {
    let config = state.configs.get(given);
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

/// How often a key rotates by itself.
#[derive(Debug, Clone, Copy)]
enum Period {
    Week,
    Month,
}

impl Period {
    fn of(policy: &Value) -> Option<Self> {
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

/// A number that a key and a moment decide (FNV-1a).
fn seed_of(id: &str, at: DateTime<Utc>) -> u64 {
    let moment = at.timestamp_millis().to_be_bytes();
    let bytes = id.bytes().chain(moment);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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
    if date.is_some() && Period::of(policy).is_some() {
        let problem = "and `/rotation_policy/rotation_period` exclude each other";
        return Err(Refusal::invalid_field(
            "rotation_policy/next_rotation_at",
            problem,
        ));
    }
    let computed = match Period::of(policy) {
        Some(period) => period.after(now),
        None => date,
    };
    let mut policy = policy.clone();
    policy["next_rotation_at"] = json!(computed.map(timestamp));
    Ok(Some(policy))
}

/// A policy with a period begins anew with each rotation.
fn renewed(mut policy: Value, now: DateTime<Utc>) -> Result<Option<Value>, Refusal> {
    if policy["rotation_period"].is_null() {
        return Ok(Some(policy));
    }
    policy["next_rotation_at"] = Value::Null;
    rotation_policy(&policy, now)
}

/// Gives a user who has joined a workspace a key there.
pub(crate) fn give(
    state: &mut State,
    user: &User,
    workspace: &str,
    scopes: &[String],
    call: &Call,
) {
    let Some(workspace) = state.workspaces.get(workspace) else {
        return;
    };
    let name = format!("{} ({})", user.email, workspace.shown_name());
    let owner = Owner {
        workspace_id: Some(workspace.id.clone()),
        user_id: Some(user.id.clone()),
    };
    let scopes = Scopes::Only(scopes.to_vec());
    let organisation = &state.organisation.id;
    let mut key = ApiKey::new(&name, owner, scopes, organisation, call.now, &call.ids);
    key.record.insert("creation_mode".to_owned(), json!("auto"));
    state.api_keys.put(key);
}

/// Removes the keys of a user who is removed.
pub(crate) fn forget_user(state: &mut State, user: &str) {
    let keys = state.api_keys.shelf.iter();
    let own = keys.filter(|key| key.owner.user_id.as_deref() == Some(user));
    let ids: Vec<String> = own.map(|key| key.id.clone()).collect();
    for id in ids {
        state.api_keys.shelf.remove(&id);
    }
}

/// Counts a request that is being logged against the limits of its key.
pub(crate) fn count(state: &mut State, facts: &Facts, call: &Call) {
    let id = state.logs.names.text(facts.api_key);
    // Most keys have no limits; for them, a log costs nothing more.
    let counts = |key: &ApiKey| !key.record["usage_limits"].is_null() && key.limits().limits();
    if !state.api_keys.shelf.get(id).is_some_and(counts) {
        return;
    }
    state.api_keys.shelf.edit(id, |key| {
        let mut meter = std::mem::take(&mut key.meter);
        key.limits().count(&mut meter, facts, call.now);
        key.meter = meter;
    });
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state.api_keys.shelf.find(call.id(0), call)?.id.clone();
    state.api_keys.shelf.remove(&id);
    Ok(Reply::done())
}

/// The old key stops at once, unless the request or the key's policy gives it time.
fn rotate(state: &mut State, call: &Call) -> Answer {
    let mut key = state.api_keys.shelf.find(call.id(0), call)?.clone();
    let asked = call.value("key_transition_period_ms").as_i64();
    let transition = asked.or_else(|| key.transition());
    let secret = key.owner.new_secret(&call.ids);
    let until = key.rotate(secret, transition, call.now);
    if let Some(policy) = key.rotation_policy.take() {
        key.rotation_policy = renewed(policy, call.now)?;
    }
    let mut body = json!({"id": key.id, "key": key.secret});
    if let Some(until) = until {
        body["key_transition_expires_at"] = json!(timestamp(until));
    }
    state.api_keys.put(key);
    Ok(Reply::json(body))
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, Utc};

    use super::{ApiKey, ApiKeys, Owner, masked};
    use crate::call::Scopes;
    use crate::ids::Ids;

    fn keys() -> (ApiKeys, ApiKey) {
        let (ids, owner) = (Ids::new(1), Owner::default());
        let key = ApiKey::new("a", owner, Scopes::All, "organisation", Utc::now(), &ids);
        (ApiKeys::default(), key)
    }

    #[test]
    fn an_old_secret_works_until_its_time_is_up() {
        let now = Utc::now();
        let (mut keys, mut key) = keys();
        let secret = std::mem::replace(&mut key.secret, "new".to_owned());
        key.previous = Some((secret.clone(), now + Duration::hours(1)));
        keys.shelf.put(key);
        assert!(keys.authenticate("new", now).is_some());
        assert!(keys.authenticate(&secret, now).is_some());
        let later = now + Duration::hours(1);
        assert!(keys.authenticate(&secret, later).is_none());
        assert!(keys.authenticate("other", now).is_none());
    }

    #[test]
    fn an_expired_key_lets_nobody_in() {
        let now = Utc::now();
        let (mut keys, mut key) = keys();
        key.expires_at = Some(now);
        assert_eq!(key.json(now)["status"], "expired");
        let secret = key.secret.clone();
        keys.shelf.put(key);
        assert!(keys.authenticate(&secret, now).is_none());
    }

    #[test]
    fn a_masked_key_shows_its_ends() {
        assert_eq!(masked("emulator-org-key-123"), "em*****123");
    }
}
