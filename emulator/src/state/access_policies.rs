//! Access policies. They are stored but not enforced.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::plain::Plain;
use super::table::{Row, Table, row};
use crate::call::Call;
use crate::error::ApiError;

pub(crate) type AccessPolicies = Table<AccessPolicy>;

/// The id of a subject that stands for every user or every agent.
const ANY: &str = "ANY";

/// A rule about who may use which MCP servers and providers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessPolicy {
    id: String,
    workspace_id: String,
    name: String,
    description: Value,
    effect: String,
    enabled: bool,
    version: u64,
    /// Objects with `type` and `id`.
    pub(crate) subjects: Vec<Value>,
    /// Objects with `type` and other fields.
    targets: Vec<Value>,
    created_by: String,
    created_at: String,
    last_updated_at: String,
}

row! { AccessPolicy: "access policy", id: id, workspace: workspace_id }

impl AccessPolicy {
    fn has_subject(&self, kind: &str, id: &str) -> bool {
        let mut subjects = self.subjects.iter();
        subjects.any(|subject| subject["type"] == kind && subject["id"] == id)
    }

    fn count_targets(&self, kind: &str) -> usize {
        let targets = self.targets.iter();
        targets.filter(|target| target["type"] == kind).count()
    }

    /// Applies the fields that creations and updates have.
    fn apply_fields(&mut self, call: &Call) -> Result<(), ApiError> {
        call.set_str("name", &mut self.name);
        call.set_value("description", &mut self.description);
        call.set_str("effect", &mut self.effect);
        if let Some(enabled) = call.body_value("enabled").as_bool() {
            self.enabled = enabled;
        }
        self.subjects = call.body_items("subjects").to_vec();
        self.targets = call.body_items("targets").to_vec();
        self.last_updated_at = call.timestamp();
        self.validate()
    }

    /// Rejects groups without a name, and a permission for everybody (V146).
    fn validate(&self) -> Result<(), ApiError> {
        let is_any_group = |subject: &Value| subject["type"] == "group" && subject["id"] == ANY;
        if let Some(index) = self.subjects.iter().position(is_any_group) {
            let field_path = format!("subjects/{index}/id");
            let reason = "must not be `ANY` for a group";
            return Err(ApiError::invalid_field(&field_path, reason));
        }
        let is_for_anybody = self.subjects.iter().all(|subject| subject["id"] == ANY);
        if self.effect == "allow" && is_for_anybody {
            let reason = "cannot be `allow` unless a subject is not `ANY`";
            return Err(ApiError::invalid_field("effect", reason));
        }
        Ok(())
    }

    /// Returns the fields of list items and single policies.
    fn common_json(&self, organisation: &OrganisationInfo) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "enabled": self.enabled,
            "effect": self.effect,
            "version": self.version,
            "status": "active",
            "workspace_id": self.workspace_id,
            "organisation_id": organisation.id,
            "created_by": self.created_by,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "access-policy",
        })
    }
}

impl Plain for AccessPolicy {
    fn new(call: &Call) -> Result<Self, ApiError> {
        let mut policy = Self {
            id: call.ids.uuid(),
            workspace_id: call.required_workspace()?.to_owned(),
            name: call.required_str("name")?.to_owned(),
            description: Value::Null,
            effect: String::new(),
            enabled: true,
            version: 1,
            subjects: call.body_items("subjects").to_vec(),
            targets: Vec::new(),
            created_by: call.caller.actor().to_owned(),
            created_at: call.timestamp(),
            last_updated_at: call.timestamp(),
        };
        let denies = policy.has_subject("user", ANY) && policy.has_subject("agent", ANY);
        policy.effect = if denies { "deny" } else { "allow" }.to_owned();
        policy.apply_fields(call)?;
        Ok(policy)
    }

    /// The request must have the current version, which the update increments (V147).
    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        let requested = call.body_value("version");
        if requested != self.version {
            let message = format!(
                "body: `/version`: expected the current version {}, found {requested}",
                self.version
            );
            return Err(ApiError::conflict(message));
        }
        self.version += 1;
        self.apply_fields(call)
    }

    fn json(&self, organisation: &OrganisationInfo, _: &Call) -> Value {
        let mut body = self.common_json(organisation);
        body["allow_all_users"] = json!(self.has_subject("user", ANY));
        body["allow_all_agents"] = json!(self.has_subject("agent", ANY));
        body["target_server_count"] = json!(self.count_targets("mcp_server"));
        body["target_provider_count"] = json!(self.count_targets("provider"));
        body
    }

    fn detail_json(&self, organisation: &OrganisationInfo, _: &Call) -> Value {
        let mut body = self.common_json(organisation);
        body["subjects"] = json!(self.subjects);
        body["targets"] = json!(self.targets);
        body
    }

    fn created_json(&self) -> Value {
        json!({"id": self.id, "object": "access-policy"})
    }

    fn check_unique(&self, table: &Table<Self>) -> Result<(), ApiError> {
        let mut others = table.in_workspace(&self.workspace_id).iter();
        match others.any(|other| other.name == self.name && other.id != self.id) {
            true => Err(ApiError::conflict(
                "another access policy of the workspace has this name",
            )),
            false => Ok(()),
        }
    }

    fn matches(&self, call: &Call) -> bool {
        let names = |parameter: &str, kind: &str| {
            let id = call.query_param(parameter);
            id.is_none_or(|id| self.has_subject(kind, id))
        };
        let names_server = |id: &str| {
            let mut targets = self.targets.iter();
            targets.any(|target| target["server_id"] == id)
        };
        let description = self.description.as_str().unwrap_or_default();
        let enabled = call.query.get("enabled");
        call.matches_filter("effect", &self.effect)
            && enabled.is_none_or(|enabled| *enabled == self.enabled)
            && names("user_id", "user")
            && names("agent_id", "agent")
            && call.query_param("server_id").is_none_or(names_server)
            && call.matches_search(&[&self.name, description])
            && call.matches_filter("created_by", &self.created_by)
            && call.is_in_time_range(&self.created_at)
    }
}
