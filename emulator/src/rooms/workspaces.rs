//! Workspaces and their members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::collections::Collection;
use super::{Room, State, integrations, limits};
use crate::call::{Call, Caller, timestamp};
use crate::ids::Ids;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Gone, Item, Shelf};

pub(crate) const ROOM: Room = Room::of(&[
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

pub(crate) type Workspaces = Shelf<Workspace>;

/// What a member may do, by and large; the real list depends on the role.
const MEMBER_SCOPES: [&str; 4] = [
    "workspaces.read",
    "prompts.list",
    "configs.list",
    "virtual_keys.list",
];

/// A workspace.
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

impl Item for Workspace {
    const NAME: &'static str = "workspace";
    const GONE: Gone = Gone::Forbidden;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn visible_to(&self, caller: &Caller) -> bool {
        caller.sees(&self.id)
    }
}

impl Workspace {
    /// A workspace that exists from the start.
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

    /// Whether it is the organisation's first one.
    pub(crate) fn make_default(&mut self, is_default: bool) {
        self.is_default = is_default;
    }

    /// Whether it is the one that is meant where none is named.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// Makes a user a member, or sets a member's role.
    pub(crate) fn join(&mut self, user_id: &str, role: &str, now: DateTime<Utc>) {
        self.remove_member(user_id);
        self.members
            .push(Member::new(user_id, role, &timestamp(now)));
    }

    /// Whether a user belongs to it.
    pub(crate) fn has_member(&self, user_id: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user_id)
    }

    /// Whether a user may manage it and its keys.
    pub(crate) fn is_managed_by(&self, user_id: &str) -> bool {
        let manages = |member: &Member| matches!(member.role.as_str(), "admin" | "manager");
        let mut members = self.members.iter();
        members.any(|member| member.user_id == user_id && manages(member))
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
    fn apply(&mut self, call: &Call) -> Result<(), Refusal> {
        limits::check_usage(&call.value("usage_limits"), "usage_limits")?;
        limits::check_one(&call.value("rate_limits"), "rate_limits")?;
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
        Ok(())
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

    /// A member as nested in its workspace.
    fn member_json(&self, state: &State, member: &Member) -> Map<String, Value> {
        let user = state.users.people.get(&member.user_id);
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
    let user = state.users.people.get(&member.user_id);
    user.map_or("", |user| user.email.as_str())
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

/// The UUID of a workspace, by UUID or slug; one that is gone or hidden is forbidden.
pub(crate) fn resolve(state: &State, key: &str, caller: &Caller) -> Result<String, Refusal> {
    let workspace = state.workspaces.get(key);
    workspace
        .filter(|workspace| workspace.visible_to(caller))
        .map(|workspace| workspace.id.clone())
        .ok_or_else(|| Workspace::GONE.refusal(Workspace::NAME))
}

/// Takes a user out of every workspace.
pub(crate) fn forget_user(state: &mut State, user_id: &str) {
    let joined = |workspace: &Workspace| workspace.has_member(user_id);
    state.workspaces.edit_all(joined, |workspace| {
        workspace.remove_member(user_id);
    });
}

fn list(state: &State, call: &Call) -> Answer {
    let status = call.query_text("status").unwrap_or("active");
    let active = status.split(',').any(|status| status == "active");
    let wanted = state.workspaces.all().filter(|workspace| {
        let name = workspace.shown_name();
        let part = call.query_text("name").map(str::to_lowercase);
        active
            && workspace.visible_to(&call.caller)
            && call.admits("exact_name", &name)
            && part.is_none_or(|part| name.to_lowercase().contains(&part))
    });
    Ok(call.page(wanted, Workspace::list_json))
}

fn get(state: &State, call: &Call) -> Answer {
    let workspace = state.workspaces.find(call.id(0), call)?;
    Ok(Reply::json(workspace.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let (name, owner) = (call.required("name")?, state.users.acting(call));
    let mut workspace = Workspace::new(name, owner, &call.timestamp(), &call.ids);
    workspace.apply(call)?;
    for (index, id) in call.items("users").iter().enumerate() {
        let place = format!("users/{index}");
        let user = known_user(state, id.as_str().unwrap_or_default(), &place)?;
        workspace.join(user, "member", call.now);
    }
    let body = Value::Object(workspace.json());
    integrations::welcome(state, call, &workspace.id)?;
    let collection = Collection::seed(&workspace.id, call.now, &call.ids);
    state.collections.put(collection);
    state.workspaces.put(workspace);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut workspace = state.workspaces.find(call.id(0), call)?.clone();
    workspace.apply(call)?;
    state.workspaces.put(workspace);
    Ok(Reply::done())
}

/// Deleting takes the workspace's name and, while it owns anything that costs, force.
fn delete(state: &mut State, call: &Call) -> Answer {
    let workspace = state.workspaces.find(call.id(0), call)?;
    let name = call.required("name")?;
    if name.contains(is_emoji) {
        return Err(Refusal::invalid_field("name", "is an invalid value"));
    }
    if name != workspace.name && name != workspace.shown_name() {
        let problem = "is not the name of the workspace";
        return Err(Refusal::invalid_field("name", problem));
    }
    let id = workspace.id.clone();
    let owned = super::owned(state, &id);
    if !owned.is_empty() && call.value("force_delete") != true {
        let owned = owned.join(", ");
        let message = format!("the workspace still owns {owned}; `force_delete` deletes them too");
        return Err(Refusal::conflict(message));
    }
    state.workspaces.remove(&id);
    super::forget_workspace(state, &id);
    Ok(Reply::done())
}

fn known_user<'a>(state: &'a State, id: &str, place: &str) -> Result<&'a str, Refusal> {
    let user = state.users.people.get(id);
    user.map(|user| user.id.as_str())
        .ok_or_else(|| Refusal::invalid_field(place, "is not a user of the organisation"))
}

fn list_members(state: &State, call: &Call) -> Answer {
    let workspace = state.workspaces.find(call.id(0), call)?;
    let wanted = |member: &&Member| {
        call.admits("role", &member.role) && call.admits("email", email(state, member))
    };
    let members: Vec<&Member> = workspace.members.iter().filter(wanted).collect();
    Ok(call.page(members, |member| workspace.full_member_json(state, member)))
}

fn get_member(state: &State, call: &Call) -> Answer {
    let workspace = state.workspaces.find(call.id(0), call)?;
    let mut members = workspace.members.iter();
    let member = members.find(|member| member.user_id == call.id(1));
    let member = member.ok_or_else(|| Refusal::missing("workspace member"))?;
    Ok(Reply::json(workspace.full_member_json(state, member)))
}

/// Adding somebody who is there already sets the role.
fn add_members(state: &mut State, call: &Call) -> Answer {
    let mut workspace = state.workspaces.find(call.id(0), call)?.clone();
    let users = call.items("users");
    if users.is_empty() {
        return Err(Refusal::invalid_field("users", "is required"));
    }
    for (index, given) in users.iter().enumerate() {
        let id = given["id"].as_str().unwrap_or_default();
        let user = known_user(state, id, &format!("users/{index}/id"))?;
        workspace.join(user, given["role"].as_str().unwrap_or("member"), call.now);
    }
    state.workspaces.put(workspace);
    Ok(Reply::done())
}

fn update_member(state: &mut State, call: &Call) -> Answer {
    let mut workspace = state.workspaces.find(call.id(0), call)?.clone();
    let mut members = workspace.members.iter_mut();
    let member = members.find(|member| member.user_id == call.id(1));
    let member = member.ok_or_else(|| Refusal::missing("workspace member"))?;
    member.role = call.required("role")?.to_owned();
    member.last_updated_at = call.timestamp();
    state.workspaces.put(workspace);
    Ok(Reply::done())
}

fn remove_member(state: &mut State, call: &Call) -> Answer {
    let mut workspace = state.workspaces.find(call.id(0), call)?.clone();
    if !workspace.remove_member(call.id(1)) {
        return Err(Refusal::missing("workspace member"));
    }
    state.workspaces.put(workspace);
    Ok(Reply::done())
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
