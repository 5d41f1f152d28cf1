//! Workspaces and their members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::collections::Collection;
use super::{Resource, State, integrations, limits};
use crate::call::{Call, Caller, timestamp};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::response::{HandlerResult, ResponseBody};
use crate::table::{MissingStatus, Row, Table};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_workspaces", Read(list)),
    ("get_workspace", Read(get)),
    ("create_workspace", Write(create)),
    ("update_workspace", Write(update)),
    ("delete_workspace", Write(delete)),
    ("list_workspace_members", Read(list_members)),
    ("get_workspace_member", Read(get_member)),
    ("add_workspace_members", Write(add_members)),
    ("update_workspace_member", Write(update_member)),
    ("remove_workspace_member", Write(remove_member)),
]);

pub(crate) type Workspaces = Table<Workspace>;

/// Example scopes of a member; the service's list depends on the role.
const MEMBER_SCOPES: [&str; 4] = [
    "workspaces.read",
    "prompts.list",
    "configs.list",
    "virtual_keys.list",
];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// The name without the icon.
    name: String,
    icon: Option<String>,
    description: Value,
    created_at: String,
    last_updated_at: String,
    created_by: String,
    is_default: bool,
    defaults: Value,
    usage_limits: Value,
    rate_limits: Value,
    members: Vec<Member>,
}

/// A user in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    user_id: String,
    role: String,
    created_at: String,
    last_updated_at: String,
}

impl Member {
    fn new(user_id: &str, role: &str, at: &str) -> Self {
        let (user_id, role, at) = (user_id.to_owned(), role.to_owned(), at.to_owned());
        Self {
            user_id,
            role,
            created_at: at.clone(),
            last_updated_at: at,
        }
    }
}

impl Row for Workspace {
    const NAME: &'static str = "workspace";
    const MISSING_STATUS: MissingStatus = MissingStatus::Forbidden;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn visible_to(&self, caller: &Caller) -> bool {
        caller.can_see(&self.id)
    }
}

impl Workspace {
    /// Creates a seeded workspace.
    pub(crate) fn seed(name: &str, owner: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        Self::new(name, owner, &timestamp(now), ids)
    }

    fn new(name: &str, created_by: &str, at: &str, ids: &Ids) -> Self {
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
        }
    }

    /// Sets whether this is the default workspace.
    pub(crate) fn set_default(&mut self, is_default: bool) {
        self.is_default = is_default;
    }

    /// Returns whether this is the default workspace, used if a request names none.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
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
    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        limits::validate_usage_limits(&call.body_value("usage_limits"), "usage_limits")?;
        limits::validate_single_limit(&call.body_value("rate_limits"), "rate_limits")?;
        if let Some(name) = call.body_str("name") {
            let (icon, name) = split_icon(name);
            self.icon = icon.or(self.icon.take());
            self.name = name;
        }
        if let Some(icon) = call.body_str("icon") {
            self.icon = Some(icon.to_owned()).filter(|icon| !icon.is_empty());
        }
        let targets = [
            ("description", &mut self.description),
            ("usage_limits", &mut self.usage_limits),
            ("rate_limits", &mut self.rate_limits),
        ];
        for (name, target) in targets {
            if let Some(value) = call.body_field(name) {
                *target = value.clone();
            }
        }
        self.apply_defaults(call.body_field("defaults"));
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    /// Merges defaults by name; an empty `metadata` object is ignored.
    fn apply_defaults(&mut self, item: Option<&Value>) {
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

    fn json(&self) -> Map<String, Value> {
        let body = json!({
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
            "security_settings": {},
            "object": "workspace",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    /// Returns a list item, which has fields that a single workspace does not have.
    fn list_json(&self) -> Value {
        let mut body = self.json();
        body.insert("status".to_owned(), json!("active"));
        body.insert("scim_source_id".to_owned(), Value::Null);
        Value::Object(body)
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.json();
        let extra = json!({
            "organisation_id": state.organisation.id,
            "created_by": self.created_by,
            "creation_source": "api",
            "last_reset_at": null,
            "settings": {
                "debug_log": 0, "user_api_key_ttl": 0, "user_key_metadata": 0, "user_api_key_count": 0,
                "user_api_key_max_ttl": 0, "user_key_metadata_override": 0
            },
        });
        body.extend(extra.as_object().cloned().unwrap_or_default());
        let users = self
            .members
            .iter()
            .map(|member| Value::Object(self.member_json(state, member)));
        body.insert("users".to_owned(), users.collect());
        Value::Object(body)
    }

    /// Returns a member as nested in its workspace.
    fn member_json(&self, state: &State, member: &Member) -> Map<String, Value> {
        let user = state.users.accounts.get(&member.user_id);
        let body = json!({
            "id": member.user_id,
            "first_name": user.map(|user| &user.first_name),
            "last_name": user.map(|user| &user.last_name),
            "org_role": user.map(|user| &user.role),
            "role": member.role,
            "status": "active",
            "created_at": member.created_at,
            "last_updated_at": member.last_updated_at,
            "workspace_id": self.id,
        });
        body.as_object().cloned().unwrap_or_default()
    }

    /// Returns a member as a list item or single resource; it has more fields than a nested member.
    fn member_detail_json(&self, state: &State, member: &Member) -> Value {
        let mut body = self.member_json(state, member);
        let extra = json!({
            "object": "workspace-user",
            "email": email(state, member),
            "scopes": MEMBER_SCOPES,
            "settings": null,
        });
        body.extend(extra.as_object().cloned().unwrap_or_default());
        Value::Object(body)
    }
}

fn email<'a>(state: &'a State, member: &Member) -> &'a str {
    let user = state.users.accounts.get(&member.user_id);
    user.map_or("", |user| user.email.as_str())
}

/// Splits a name into the emoji at its start, which become the icon, and the rest.
fn split_icon(name: &str) -> (Option<String>, String) {
    let rest = name.trim_start_matches(is_emoji);
    let icon = &name[..name.len() - rest.len()];
    match (icon, rest.trim()) {
        ("", _) | (_, "") => (None, name.to_owned()),
        (icon, rest) => (Some(icon.to_owned()), rest.to_owned()),
    }
}

/// Returns whether a character is a pictograph, a joiner or a variation selector.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{200D}' | '\u{FE0F}')
}

/// Returns the UUID of a workspace, given by UUID or slug; 403 if it does not exist or is not
/// visible to the caller.
pub(crate) fn resolve(state: &State, key: &str, caller: &Caller) -> Result<String, ApiError> {
    let workspace = state.workspaces.get(key);
    workspace
        .filter(|workspace| workspace.visible_to(caller))
        .map(|workspace| workspace.id.clone())
        .ok_or_else(|| Workspace::MISSING_STATUS.error(Workspace::NAME))
}

/// Removes a user from all workspaces.
pub(crate) fn remove_user(state: &mut State, user_id: &str) {
    let is_member = |workspace: &Workspace| workspace.has_member(user_id);
    state.workspaces.update_where(is_member, |workspace| {
        workspace.remove_member(user_id);
    });
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let status = call.query_param("status").unwrap_or("active");
    let active = status.split(',').any(|status| status == "active");
    let matching = state.workspaces.all().filter(|workspace| {
        let name = workspace.display_name();
        let part = call.query_param("name").map(str::to_lowercase);
        active
            && workspace.visible_to(&call.caller)
            && call.matches_filter("exact_name", &name)
            && part.is_none_or(|part| name.to_lowercase().contains(&part))
    });
    Ok(call.page(matching, Workspace::list_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find(call.path_param(0), call)?;
    Ok(ResponseBody::json(workspace.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, owner) = (call.required_str("name")?, state.users.acting_user(call));
    let mut workspace = Workspace::new(name, owner, &call.timestamp(), &call.ids);
    workspace.apply(call)?;
    for (index, id) in call.body_items("users").iter().enumerate() {
        let field_path = format!("users/{index}");
        let user = find_user(state, id.as_str().unwrap_or_default(), &field_path)?;
        workspace.add_member(user, "member", call.now);
    }
    let body = Value::Object(workspace.json());
    integrations::add_default_providers(state, call, &workspace.id)?;
    let collection = Collection::seed(&workspace.id, call.now, &call.ids);
    state.collections.put(collection);
    state.workspaces.put(workspace);
    Ok(ResponseBody::json(body))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find(call.path_param(0), call)?.clone();
    workspace.apply(call)?;
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

/// Requires the workspace's name and, while it owns resources that prevent its deletion,
/// `force_delete`.
fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find(call.path_param(0), call)?;
    let name = call.required_str("name")?;
    if name.contains(is_emoji) {
        return Err(ApiError::invalid_field("name", "is an invalid value"));
    }
    if name != workspace.name && name != workspace.display_name() {
        let reason = "must be the name of the workspace";
        return Err(ApiError::invalid_field("name", reason));
    }
    let id = workspace.id.clone();
    let blockers = super::deletion_blockers(state, &id);
    if !blockers.is_empty() && call.body_value("force_delete") != true {
        let blockers = blockers.join(", ");
        let message =
            format!("the workspace still owns {blockers}; set `force_delete` to delete them");
        return Err(ApiError::conflict(message));
    }
    state.workspaces.remove(&id);
    super::remove_workspace(state, &id);
    Ok(ResponseBody::empty_object())
}

fn find_user<'a>(state: &'a State, id: &str, field_path: &str) -> Result<&'a str, ApiError> {
    let user = state.users.accounts.get(id);
    user.map(|user| user.id.as_str())
        .ok_or_else(|| ApiError::invalid_field(field_path, "is not a user of the organisation"))
}

fn list_members(state: &State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find(call.path_param(0), call)?;
    let matching = |member: &&Member| {
        call.matches_filter("role", &member.role)
            && call.matches_filter("email", email(state, member))
    };
    let members: Vec<&Member> = workspace.members.iter().filter(matching).collect();
    Ok(call.page(members, |member| {
        workspace.member_detail_json(state, member)
    }))
}

fn get_member(state: &State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find(call.path_param(0), call)?;
    let mut members = workspace.members.iter();
    let member = members.find(|member| member.user_id == call.path_param(1));
    let member = member.ok_or_else(|| ApiError::not_found("workspace member"))?;
    Ok(ResponseBody::json(
        workspace.member_detail_json(state, member),
    ))
}

/// Adds members; for an existing member, sets the role.
fn add_members(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find(call.path_param(0), call)?.clone();
    let users = call.body_items("users");
    if users.is_empty() {
        return Err(ApiError::invalid_field("users", "is required"));
    }
    for (index, item) in users.iter().enumerate() {
        let id = item["id"].as_str().unwrap_or_default();
        let user = find_user(state, id, &format!("users/{index}/id"))?;
        workspace.add_member(user, item["role"].as_str().unwrap_or("member"), call.now);
    }
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

fn update_member(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find(call.path_param(0), call)?.clone();
    let mut members = workspace.members.iter_mut();
    let member = members.find(|member| member.user_id == call.path_param(1));
    let member = member.ok_or_else(|| ApiError::not_found("workspace member"))?;
    member.role = call.required_str("role")?.to_owned();
    member.last_updated_at = call.timestamp();
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

fn remove_member(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find(call.path_param(0), call)?.clone();
    if !workspace.remove_member(call.path_param(1)) {
        return Err(ApiError::not_found("workspace member"));
    }
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
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
