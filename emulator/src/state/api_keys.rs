//! API keys, and authentication with them.

use chrono::{DateTime, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Caller, Scopes, timestamp};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::state::logs::attributes::LogAttributes;
use crate::state::table::{ResourceState, Row, Table, row};
use crate::state::usage::{UsageCounter, UsageLimits};

/// How long the old secret stays valid after a rotation if neither the request nor the policy says so
/// (V074).
const DEFAULT_TRANSITION_MS: i64 = 1_800_000;

/// All keys of the organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ApiKeys {
    pub(crate) table: Table<ApiKey>,
    /// No automatic rotation is due before this time. `None` if it has not been computed yet.
    #[serde(skip)]
    pub(crate) next_rotation: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The secret before the last rotation, and the time at which it expires.
    pub(crate) previous: Option<(String, DateTime<Utc>)>,
    pub(crate) owner: Owner,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The UUID of the config that the key uses by default.
    pub(crate) config_id: Option<String>,
    /// All other fields of the response.
    pub(crate) fields: Map<String, Value>,
    pub(crate) rotation_policy: Option<Value>,
    /// The usage counted against `usage_limits`.
    #[serde(default)]
    pub(crate) usage: UsageCounter,
}

/// The owner of a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// `None` for an organisation key.
    pub(crate) workspace_id: Option<String>,
    /// `None` for a service key.
    pub(crate) user_id: Option<String>,
}

row! {
    ApiKey: "API key", id: id, optional_workspace: owner.workspace_id,
    {
        fn tokens(&self) -> Vec<&str> {
            let previous = self.previous.iter().map(|(secret, _)| secret.as_str());
            std::iter::once(self.secret.as_str())
                .chain(previous)
                .collect()
        }
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
    pub(crate) fn next_rotation_at(&self) -> Option<DateTime<Utc>> {
        let policy = self.rotation_policy.as_ref()?;
        policy["next_rotation_at"].as_str()?.parse().ok()
    }

    /// Carries out the rotations that are due by its policy. The new secret depends on the key's id
    /// and the scheduled time only.
    pub(crate) fn apply_due_rotations(&mut self, now: DateTime<Utc>) {
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

    /// Returns for how long the old secret stays valid after a rotation, in milliseconds.
    pub(crate) fn transition(&self) -> i64 {
        let policy = self.rotation_policy.as_ref();
        let transition = policy.and_then(|policy| policy["key_transition_period_ms"].as_i64());
        transition.unwrap_or(DEFAULT_TRANSITION_MS)
    }

    /// Replaces the secret and returns the time at which the old one expires. `transition` is in
    /// milliseconds.
    pub(crate) fn rotate(
        &mut self,
        secret: String,
        transition: i64,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let until =
            Duration::try_milliseconds(transition).and_then(|time| at.checked_add_signed(time));
        let old = std::mem::replace(&mut self.secret, secret);
        self.previous = until.map(|until| (old, until));
        self.fields
            .insert("last_updated_at".to_owned(), json!(timestamp(at)));
        until
    }

    /// Returns the usage limits; their periods start at the key's creation.
    pub(crate) fn limits(&self) -> UsageLimits<'_> {
        let created = self.fields["created_at"].as_str();
        let created = created.and_then(|created| created.parse().ok());
        UsageLimits::new(&self.fields["usage_limits"], created.unwrap_or_default())
    }

    /// Counts a logged request against the limits.
    pub(crate) fn record_usage(&mut self, attributes: &LogAttributes, now: DateTime<Utc>) {
        let mut usage = std::mem::take(&mut self.usage);
        self.limits().record(&mut usage, attributes, now);
        self.usage = usage;
    }

    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
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
    pub(crate) fn limits_json(&self, now: DateTime<Utc>) -> Value {
        match &self.fields["usage_limits"] {
            Value::Null if self.is_expired(now) => json!({"is_expired_alerts_sent": true}),
            limits => limits.clone(),
        }
    }

    /// Returns the time of the last usage reset, automatic or requested.
    pub(crate) fn last_reset(&self, now: DateTime<Utc>) -> Option<String> {
        let manual = self.fields["last_reset_at"].as_str().map(str::to_owned);
        // Timestamps in this format sort chronologically as strings.
        manual.max(self.limits().last_reset(now).map(timestamp))
    }

    /// Returns whether the previous secret is still valid.
    pub(crate) fn is_in_transition(&self, now: DateTime<Utc>) -> bool {
        let previous = self.previous.as_ref();
        previous.is_some_and(|(_, until)| *until > now)
    }

    pub(crate) fn accepts_secret(&self, secret: &str, now: DateTime<Utc>) -> bool {
        let current = self.secret == secret;
        let is_previous = self.previous.as_ref().is_some_and(|(old, _)| old == secret);
        let previous = is_previous && self.is_in_transition(now);
        (current || previous) && !self.is_expired(now)
    }

    pub(crate) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns a list item.
    pub(crate) fn json(&self, now: DateTime<Utc>) -> Map<String, Value> {
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
    pub(crate) fn detail_json(&self, now: DateTime<Utc>) -> Value {
        let mut body = Value::Object(self.json(now));
        body["next_usage_reset_at"] = json!(self.limits().next_reset(now).map(timestamp));
        let config_override = body["allow_config_override"].as_i64();
        body["defaults"]["allow_config_override"] = json!(config_override != Some(0));
        if let Some(policy) = &self.rotation_policy {
            body["rotation_policy"] = policy.clone();
            body["rotation_policy"]["status"] = json!("ACTIVE");
        }
        body
    }
}

impl Owner {
    /// Returns the type of the key as named in responses.
    pub(crate) fn kind(&self) -> &'static str {
        match (&self.workspace_id, &self.user_id) {
            (None, _) => "organisation-service",
            (Some(_), None) => "workspace-service",
            (Some(_), Some(_)) => "workspace-user",
        }
    }

    pub(crate) fn new_secret(&self, ids: &Ids) -> String {
        ids.secret(match self.workspace_id {
            None => "org-key",
            Some(_) => "ws-key",
        })
    }
}

pub(crate) fn scopes_json(scopes: &Scopes) -> Value {
    match scopes {
        Scopes::All => json!(["*"]),
        Scopes::Only(scopes) => json!(scopes),
    }
}

/// Returns the first two and the last three characters, with the rest masked.
pub(crate) fn mask_secret(secret: &str) -> String {
    let end = secret.len().saturating_sub(3);
    format!(
        "{}*****{}",
        secret.get(..2).unwrap_or_default(),
        secret.get(end..).unwrap_or_default()
    )
}

/// Returns the response fields of a new key that `ApiKey` does not store separately.
pub(crate) fn default_fields(
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
        "created_by": null,
        "last_updated_by": null,
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

pub(crate) fn parse_timestamp(
    value: &Value,
    field_path: &str,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(string) = value.as_str() else {
        return Ok(None);
    };
    let parsed = DateTime::parse_from_rfc3339(string).map(|at| Some(at.with_timezone(&Utc)));
    parsed.map_err(|_| ApiError::invalid_field(field_path, "must be an RFC 3339 date and time"))
}

/// The interval between automatic rotations.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RotationPeriod {
    Week,
    Month,
    Days(i64),
}

impl RotationPeriod {
    pub(crate) fn from_policy(policy: &Value) -> Option<Self> {
        let days = policy["rotation_period_days"].as_i64();
        match policy["rotation_period"].as_str() {
            Some("weekly") => Some(Self::Week),
            Some(_) => Some(Self::Month),
            None => days.map(Self::Days),
        }
    }

    pub(crate) fn after(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Week => at.checked_add_signed(Duration::weeks(1)),
            Self::Month => at.checked_add_months(Months::new(1)),
            Self::Days(days) => at.checked_add_signed(Duration::try_days(days)?),
        }
    }
}

/// Returns a hash of a key's id and a time (FNV-1a).
pub(crate) fn rotation_seed(id: &str, at: DateTime<Utc>) -> u64 {
    let millis = at.timestamp_millis().to_be_bytes();
    let bytes = id.bytes().chain(millis);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns a policy with the time of the next rotation: as given, or computed from its period.
pub(crate) fn rotation_policy(
    policy: &Value,
    now: DateTime<Utc>,
) -> Result<Option<Value>, ApiError> {
    if policy.is_null() {
        return Ok(None);
    }
    let date = parse_timestamp(
        &policy["next_rotation_at"],
        "rotation_policy/next_rotation_at",
    )?;
    let following = RotationPeriod::from_policy(policy).and_then(|period| period.after(now));
    let transition = policy["key_transition_period_ms"].as_i64();
    if let (Some(following), Some(transition)) = (following, transition)
        && transition >= (following - now).num_milliseconds()
    {
        let field_path = "rotation_policy/key_transition_period_ms";
        return Err(ApiError::invalid_field(
            field_path,
            "must be shorter than the period",
        ));
    }
    let computed = date.or(following);
    let mut policy = policy.clone();
    policy["next_rotation_at"] = json!(computed.map(timestamp));
    Ok(Some(policy))
}

/// Restarts the period of a policy after a rotation.
pub(crate) fn renew_rotation_policy(
    mut policy: Value,
    now: DateTime<Utc>,
) -> Result<Option<Value>, ApiError> {
    if RotationPeriod::from_policy(&policy).is_none() {
        return Ok(Some(policy));
    }
    policy["next_rotation_at"] = Value::Null;
    rotation_policy(&policy, now)
}

impl ResourceState for ApiKeys {
    fn remove_workspace(&mut self, workspace: &str) {
        self.table.remove_workspace(workspace);
    }
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
