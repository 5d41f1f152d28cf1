//! Workspaces and their members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api_spec;
use crate::call::{Call, Caller, timestamp};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::state::table::{MissingStatus, Row, Table, row};

pub(crate) type Workspaces = Table<Workspace>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// The name without the icon.
    pub(crate) name: String,
    pub(crate) icon: Option<String>,
    pub(crate) description: Value,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    pub(crate) created_by: String,
    pub(crate) is_default: bool,
    pub(crate) defaults: Value,
    pub(crate) usage_limits: Value,
    pub(crate) rate_limits: Value,
    pub(crate) members: Vec<Member>,
    #[serde(default = "new_security_settings")]
    pub(crate) security_settings: Value,
    /// Settings other than those of a new workspace.
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
}

/// Returns the security settings of a new workspace: those of the OpenAPI document, all of which are on.
fn new_security_settings() -> Value {
    // The emulator does not start without a valid document.
    let document = api_spec::get().map(|spec| &spec.document).ok();
    let pointer = "/components/schemas/WorkspaceSecuritySettings/properties";
    let properties = document.and_then(|document| document.pointer(pointer)?.as_object());
    let settings = properties.into_iter().flatten();
    settings
        .map(|(name, _)| (name.clone(), json!(true)))
        .collect()
}

/// A user in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user_id: String,
    pub(crate) role: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl Member {
    pub(crate) fn new(user_id: &str, role: &str, at: &str) -> Self {
        let (user_id, role, at) = (user_id.to_owned(), role.to_owned(), at.to_owned());
        Self {
            user_id,
            role,
            created_at: at.clone(),
            last_updated_at: at,
        }
    }
}

row! {
    Workspace: "workspace", id: id, slug: slug,
    {
        const MISSING_STATUS: MissingStatus = MissingStatus::Forbidden;

        fn visible_to(&self, caller: &Caller) -> bool {
            caller.can_see(&self.id)
        }
    }
}

impl Workspace {
    /// Creates a seeded workspace.
    pub(crate) fn seed(name: &str, owner: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        Self::new(name, owner, &timestamp(now), ids)
    }

    pub(crate) fn new(name: &str, created_by: &str, at: &str, ids: &Ids) -> Self {
        let (icon, name) = split_icon(name);
        Self {
            id: ids.uuid(),
            slug: ids.slug("ws", &name),
            name,
            icon,
            description: Value::Null,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
            created_by: created_by.to_owned(),
            is_default: false,
            defaults: Value::Null,
            usage_limits: Value::Null,
            rate_limits: Value::Null,
            members: Vec::new(),
            security_settings: new_security_settings(),
            settings: Map::new(),
        }
    }

    /// Sets whether this is the default workspace.
    pub(crate) fn set_default(&mut self, is_default: bool) {
        self.is_default = is_default;
    }

    /// Adds a user as a member, or sets the role of a member.
    pub(crate) fn add_member(&mut self, user_id: &str, role: &str, now: DateTime<Utc>) {
        self.remove_member(user_id);
        self.members
            .push(Member::new(user_id, role, &timestamp(now)));
    }

    /// Returns whether a user is a member.
    pub(crate) fn has_member(&self, user_id: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user_id)
    }

    /// Returns whether a user may manage the workspace and its keys.
    pub(crate) fn is_managed_by(&self, user_id: &str) -> bool {
        let manages = |member: &Member| matches!(member.role.as_str(), "admin" | "manager");
        let mut members = self.members.iter();
        members.any(|member| member.user_id == user_id && manages(member))
    }

    /// Removes a member; returns whether the user was a member.
    pub(crate) fn remove_member(&mut self, user_id: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.user_id != user_id);
        self.members.len() < before
    }

    /// Returns the name as shown in responses: with the icon in front.
    pub(crate) fn display_name(&self) -> String {
        match &self.icon {
            Some(icon) => format!("{icon} {}", self.name),
            None => self.name.clone(),
        }
    }

    /// Applies a create or update request; absent fields are kept.
    pub(crate) fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        if let Some(name) = call.body_str("name") {
            let (icon, name) = split_icon(name);
            self.icon = icon.or(self.icon.take());
            self.name = name;
        }
        if let Some(icon) = call.body_str("icon") {
            self.icon = Some(icon.to_owned()).filter(|icon| !icon.is_empty());
        }
        call.set_value("description", &mut self.description);
        call.set_value("usage_limits", &mut self.usage_limits);
        call.set_value("rate_limits", &mut self.rate_limits);
        self.apply_defaults(call.body_field("defaults"));
        self.apply_settings(call);
        self.last_updated_at = call.timestamp();
        self.apply_security_settings(call)
    }

    /// Replaces the security settings. The workspace must be given by its UUID (V050).
    fn apply_security_settings(&mut self, call: &Call) -> Result<(), ApiError> {
        let Some(settings) = call.body_field("security_settings") else {
            return Ok(());
        };
        if call.path_param(0) != self.id {
            let message = "path: expected the UUID of the workspace to change `security_settings`";
            return Err(ApiError::bad_request(message));
        }
        let mut fields = settings.as_object().into_iter().flatten();
        if let Some((name, _)) = fields.find(|(_, value)| !value.is_boolean()) {
            let field_path = format!("security_settings/{name}");
            return Err(ApiError::invalid_field(&field_path, "must be a boolean"));
        }
        self.security_settings = settings.clone();
        Ok(())
    }

    /// Merges settings by name.
    fn apply_settings(&mut self, call: &Call) {
        let settings = call.body_field("settings").and_then(Value::as_object);
        self.settings.extend(settings.cloned().unwrap_or_default());
    }

    /// Merges defaults by name; an empty `metadata` object is ignored.
    pub(crate) fn apply_defaults(&mut self, item: Option<&Value>) {
        let mut item = item.and_then(Value::as_object).cloned().unwrap_or_default();
        if item.get("metadata") == Some(&json!({})) {
            item.remove("metadata");
        }
        let mut defaults = self.defaults.as_object().cloned().unwrap_or_default();
        defaults.extend(item);
        self.defaults = if defaults.is_empty() {
            Value::Null
        } else {
            Value::Object(defaults)
        };
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.display_name(),
            "icon": self.icon,
            "description": self.description,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "is_default": i32::from(self.is_default),
            "defaults": self.defaults,
            "usage_limits": self.usage_limits,
            "rate_limits": self.rate_limits,
            "security_settings": self.security_settings,
            "object": "workspace",
        })
    }

    /// Returns a list item, which has fields that a single workspace does not have.
    pub(crate) fn list_json(&self) -> Value {
        let mut body = self.json();
        body["status"] = json!("active");
        body["scim_source_id"] = Value::Null;
        body
    }
}

/// Splits a name into the emoji at its start, which become the icon, and the rest.
pub(crate) fn split_icon(name: &str) -> (Option<String>, String) {
    let rest = name.trim_start_matches(is_emoji);
    let icon = &name[..name.len() - rest.len()];
    match (icon, rest.trim()) {
        ("", _) | (_, "") => (None, name.to_owned()),
        (icon, rest) => (Some(icon.to_owned()), rest.to_owned()),
    }
}

/// Returns whether a character is a pictograph, a joiner or a variation selector.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{200D}' | '\u{FE0F}')
}

impl Table<Workspace> {
    /// Returns the UUID of a workspace, given by UUID or slug; 403 if it does not exist or is not
    /// visible to the caller.
    pub(crate) fn resolve(&self, key: &str, caller: &Caller) -> Result<String, ApiError> {
        self.get(key)
            .filter(|workspace| workspace.visible_to(caller))
            .map(|workspace| workspace.id.clone())
            .ok_or_else(|| Workspace::MISSING_STATUS.error(Workspace::NAME))
    }

    /// Like [`Self::resolve`], for a field of a request body.
    pub(crate) fn resolve_field(
        &self,
        value: &Value,
        field_path: &str,
        call: &Call,
    ) -> Result<String, ApiError> {
        let key = value.as_str().unwrap_or_default();
        self.resolve(key, &call.caller).map_err(|_| {
            ApiError::invalid_field(field_path, "is not the id or slug of a workspace")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::split_icon;

    #[test]
    fn an_emoji_at_the_start_is_an_icon() {
        assert_eq!(
            split_icon("🚀 Team"),
            (Some("🚀".to_owned()), "Team".to_owned())
        );
        assert_eq!(split_icon("Team 🚀"), (None, "Team 🚀".to_owned()));
        assert_eq!(split_icon("🚀"), (None, "🚀".to_owned()));
    }
}
