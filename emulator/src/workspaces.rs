//! Workspaces and their members.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id, new_slug};
use crate::users::User;

pub(crate) const HANDLERS: Handlers = &[
    ("list_workspaces", list),
    ("get_workspace", get),
    ("create_workspace", create),
    ("update_workspace", update),
    ("delete_workspace", delete),
    ("list_workspace_members", list_members),
    ("get_workspace_member", get_member),
    ("add_workspace_members", add_members),
    ("update_workspace_member", update_member),
    ("remove_workspace_member", remove_member),
];

/// What a member may do, by and large; the real list depends on the role.
const MEMBER_SCOPES: [&str; 4] = [
    "workspaces.read",
    "prompts.list",
    "configs.list",
    "virtual_keys.list",
];

/// A workspace.
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

impl Workspace {
    /// The workspace that exists from the start, with the first two users in it.
    pub(crate) fn seed(now: DateTime<Utc>, users: &[User]) -> Self {
        let owner = users.first().map_or("", |user| user.id.as_str());
        let mut workspace = Self::new("Platform", owner, &timestamp(now));
        workspace.is_default = true;
        workspace.members = users
            .iter()
            .zip(["admin", "member"])
            .map(|(user, role)| Member::new(&user.id, role, &timestamp(now)))
            .collect();
        workspace
    }

    fn new(name: &str, created_by: &str, at: &str) -> Self {
        let (icon, name) = split_icon(name);
        Self {
            id: new_id(),
            slug: new_slug("ws", &name),
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

    /// Whether `key` is this workspace's UUID or slug.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.id == key || self.slug == key
    }

    /// Whether a user belongs to it.
    pub(crate) fn has_member(&self, user_id: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user_id)
    }

    /// Takes a user out; whether there was one.
    pub(crate) fn remove_member(&mut self, user_id: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.user_id != user_id);
        self.members.len() < before
    }

    /// The name as every answer shows it: behind the icon.
    pub(crate) fn shown_name(&self) -> String {
        match &self.icon {
            Some(icon) => format!("{icon} {}", self.name),
            None => self.name.clone(),
        }
    }

    /// Takes over what a create or update request gives; absent members stay as they are.
    fn apply(&mut self, call: &Call) {
        if let Some(name) = call.text("name") {
            let (icon, name) = split_icon(name);
            self.icon = icon.or(self.icon.take());
            self.name = name;
        }
        if let Some(icon) = call.text("icon") {
            self.icon = Some(icon.to_owned()).filter(|icon| !icon.is_empty());
        }
        let slots = [
            ("description", &mut self.description),
            ("usage_limits", &mut self.usage_limits),
            ("rate_limits", &mut self.rate_limits),
        ];
        for (name, slot) in slots {
            if let Some(value) = call.given(name) {
                *slot = value.clone();
            }
        }
        self.apply_defaults(call.given("defaults"));
        self.last_updated_at = call.timestamp();
    }

    /// Defaults are merged by name; an empty metadata map means "keep".
    fn apply_defaults(&mut self, given: Option<&Value>) {
        let mut given = given
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        if given.get("metadata") == Some(&json!({})) {
            given.remove("metadata");
        }
        let mut defaults = self.defaults.as_object().cloned().unwrap_or_default();
        defaults.extend(given);
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
            "name": self.shown_name(),
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

    /// A list item: what a list shows and a single workspace does not.
    fn list_json(&self) -> Value {
        let mut body = self.json();
        body.insert("status".to_owned(), json!("active"));
        body.insert("scim_source_id".to_owned(), Value::Null);
        Value::Object(body)
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.json();
        let extra = json!({
            "organisation_id": state.organisation_id,
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

    /// A member as nested in its workspace.
    fn member_json(&self, state: &State, member: &Member) -> Map<String, Value> {
        let user = state.users.iter().find(|user| user.id == member.user_id);
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

    /// A member as it is listed and read: more than the nested form.
    fn full_member_json(&self, state: &State, member: &Member) -> Value {
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
    state
        .users
        .iter()
        .find(|user| user.id == member.user_id)
        .map_or("", |user| user.email.as_str())
}

/// An emoji typed at the start of a name becomes the icon.
fn split_icon(name: &str) -> (Option<String>, String) {
    let rest = name.trim_start_matches(is_emoji);
    let icon = &name[..name.len() - rest.len()];
    match (icon, rest.trim()) {
        ("", _) | (_, "") => (None, name.to_owned()),
        (icon, rest) => (Some(icon.to_owned()), rest.to_owned()),
    }
}

/// Pictographs, their joiners and their variation selector.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{200D}' | '\u{FE0F}')
}

fn list(state: &mut State, call: &Call) -> Answer {
    let status = call.query_text("status").unwrap_or("active");
    let wanted = |workspace: &&Workspace| {
        let name = workspace.shown_name();
        call.caller.sees(&workspace.id)
            && status.split(',').any(|status| status == "active")
            && call.admits("exact_name", &name)
            && call
                .query_text("name")
                .is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
    };
    Ok(call.page(
        state
            .workspaces
            .iter()
            .filter(wanted)
            .map(Workspace::list_json)
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let workspace = &state.workspaces[state.workspace_position(call.id(0), &call.caller)?];
    Ok(Reply::json(workspace.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let mut workspace = Workspace::new(call.required("name")?, state.owner(), &call.timestamp());
    workspace.apply(call);
    for (index, id) in call
        .value("users")
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let user = known_user(
            state,
            id.as_str().unwrap_or_default(),
            &format!("users/{index}"),
        )?;
        workspace
            .members
            .push(Member::new(&user, "member", &call.timestamp()));
    }
    let body = Value::Object(workspace.json());
    state.workspaces.push(workspace);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let position = state.workspace_position(call.id(0), &call.caller)?;
    state.workspaces[position].apply(call);
    Ok(Reply::done())
}

/// Deleting takes the workspace's name and, while it owns anything that costs, force.
fn delete(state: &mut State, call: &Call) -> Answer {
    let position = state.workspace_position(call.id(0), &call.caller)?;
    let workspace = &state.workspaces[position];
    let name = call.required("name")?;
    if name.contains(is_emoji) {
        return Err(Refusal::invalid_field("name", "is an invalid value"));
    }
    if name != workspace.name && name != workspace.shown_name() {
        return Err(Refusal::invalid_field(
            "name",
            "is not the name of the workspace",
        ));
    }
    let id = workspace.id.clone();
    let force = call.value("force_delete") == true;
    if let (false, Some(dependent)) = (force, dependent(state, &id)) {
        let message =
            format!("the workspace still owns {dependent}; `force_delete` deletes them too");
        return Err(Refusal::conflict(message));
    }
    state.workspaces.remove(position);
    forget(state, &id);
    Ok(Reply::nothing())
}

/// What stands in the way of deleting a workspace.
fn dependent(state: &State, id: &str) -> Option<&'static str> {
    let owns = [
        ("API keys", state.api_keys.any_of(id)),
        (
            "virtual keys",
            state.virtual_keys.iter().any(|key| key.workspace_id == id),
        ),
        (
            "configs",
            state.configs.iter().any(|config| config.workspace_id == id),
        ),
    ];
    owns.into_iter()
        .find(|(_, owns)| *owns)
        .map(|(name, _)| name)
}

fn forget(state: &mut State, id: &str) {
    state.api_keys.forget_workspace(id);
    state.virtual_keys.retain(|key| key.workspace_id != id);
    state.configs.retain(|config| config.workspace_id != id);
    state
        .collections
        .retain(|collection| collection.workspace_id != id);
    state.prompts.retain(|prompt| prompt.workspace_id != id);
}

fn known_user(state: &State, id: &str, place: &str) -> Result<String, Refusal> {
    let user = state.users.iter().find(|user| user.id == id);
    user.map(|user| user.id.clone())
        .ok_or_else(|| Refusal::invalid_field(place, "is not a user of the organisation"))
}

fn member_position(workspace: &Workspace, user_id: &str) -> Result<usize, Refusal> {
    let position = workspace
        .members
        .iter()
        .position(|member| member.user_id == user_id);
    position.ok_or_else(|| Refusal::missing("workspace member"))
}

fn list_members(state: &mut State, call: &Call) -> Answer {
    let workspace = &state.workspaces[state.workspace_position(call.id(0), &call.caller)?];
    let wanted = |member: &&Member| {
        call.admits("role", &member.role) && call.admits("email", email(state, member))
    };
    let members = workspace.members.iter().filter(wanted);
    Ok(call.page(
        members
            .map(|member| workspace.full_member_json(state, member))
            .collect(),
    ))
}

fn get_member(state: &mut State, call: &Call) -> Answer {
    let workspace = &state.workspaces[state.workspace_position(call.id(0), &call.caller)?];
    let member = &workspace.members[member_position(workspace, call.id(1))?];
    Ok(Reply::json(workspace.full_member_json(state, member)))
}

/// Adding somebody who is there already sets the role.
fn add_members(state: &mut State, call: &Call) -> Answer {
    let position = state.workspace_position(call.id(0), &call.caller)?;
    let mut added = Vec::new();
    for (index, given) in call
        .value("users")
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let user = known_user(
            state,
            given["id"].as_str().unwrap_or_default(),
            &format!("users/{index}/id"),
        )?;
        added.push(Member::new(
            &user,
            given["role"].as_str().unwrap_or("member"),
            &call.timestamp(),
        ));
    }
    if added.is_empty() {
        return Err(Refusal::invalid_field("users", "is required"));
    }
    let workspace = &mut state.workspaces[position];
    for member in added {
        workspace.remove_member(&member.user_id);
        workspace.members.push(member);
    }
    Ok(Reply::done())
}

fn update_member(state: &mut State, call: &Call) -> Answer {
    let position = state.workspace_position(call.id(0), &call.caller)?;
    let workspace = &mut state.workspaces[position];
    let position = member_position(workspace, call.id(1))?;
    let member = &mut workspace.members[position];
    member.role = call.required("role")?.to_owned();
    member.last_updated_at = call.timestamp();
    Ok(Reply::done())
}

fn remove_member(state: &mut State, call: &Call) -> Answer {
    let position = state.workspace_position(call.id(0), &call.caller)?;
    match state.workspaces[position].remove_member(call.id(1)) {
        true => Ok(Reply::done()),
        false => Err(Refusal::missing("workspace member")),
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
