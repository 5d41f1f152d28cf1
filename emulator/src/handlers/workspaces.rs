//! Operations on workspaces and their members.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::{integrations, secret_references, upstreams};
use crate::response::{HandlerResult, ResponseBody, merge, respond};
use crate::state::State;
use crate::state::agents::A2a;
use crate::state::collections::Collection;
use crate::state::mcp::Mcp;
use crate::state::table::Row;
use crate::state::workspaces::{Member, Workspace, is_emoji};

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

/// Example scopes of a member; the service's list depends on the role.
const MEMBER_SCOPES: [&str; 4] = [
    "workspaces.read",
    "prompts.list",
    "configs.list",
    "virtual_keys.list",
];

impl Workspace {
    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.json();
        merge(
            &mut body,
            json!({
                "organisation_id": state.organisation.id,
                "created_by": self.created_by,
                "creation_source": "api",
                "last_reset_at": null,
                "data_plane_security_settings": {"blockInlineConfig": false},
                "export_settings": {},
                "settings": {
                    "debug_log": 0, "user_api_key_ttl": 0, "user_key_metadata": 0, "user_api_key_count": 0,
                    "user_api_key_max_ttl": 0, "user_api_key_auto_create": false,
                    "user_key_metadata_override": 0, "user_api_key_rotation_period": null
                },
            }),
        );
        merge(&mut body["settings"], Value::Object(self.settings.clone()));
        let users = self
            .members
            .iter()
            .map(|member| self.member_json(state, member));
        body["users"] = users.collect();
        body
    }

    /// Returns a member as nested in its workspace.
    fn member_json(&self, state: &State, member: &Member) -> Value {
        let user = state.users.accounts.get(&member.user_id);
        json!({
            "id": member.user_id,
            "first_name": user.map(|user| &user.first_name),
            "last_name": user.map(|user| &user.last_name),
            "org_role": user.map(|user| &user.role),
            "role": member.role,
            "status": "active",
            "created_at": member.created_at,
            "last_updated_at": member.last_updated_at,
            "workspace_id": self.id,
        })
    }

    /// Returns a member as a list item or single resource; it has more fields than a nested member.
    fn member_detail_json(&self, state: &State, member: &Member) -> Value {
        let mut body = self.member_json(state, member);
        merge(
            &mut body,
            json!({
                "object": "workspace-user",
                "email": email(state, member),
                "scopes": MEMBER_SCOPES,
                "settings": null,
            }),
        );
        body
    }
}

fn email<'a>(state: &'a State, member: &Member) -> &'a str {
    let user = state.users.accounts.get(&member.user_id);
    user.map_or("", |user| user.email.as_str())
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
    let workspace = state.workspaces.find_by_path(call)?;
    let mut body = workspace.detail_json(state);
    // V058.
    if call.query_param("name_format") == Some("plain") {
        body["name"] = json!(workspace.name);
    }
    respond(body)
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
    let body = workspace.json();
    integrations::add_default_providers(state, call, &workspace.id)?;
    let collection = Collection::seed(&workspace.id, call.now, &call.ids);
    state.collections.put(collection);
    state.workspaces.put(workspace);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find_by_path(call)?.clone();
    workspace.apply(call)?;
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

/// Requires the workspace's name and, while it owns resources that prevent its deletion,
/// `force_delete`.
fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find_by_path(call)?;
    let name = call.required_str("name")?;
    if name.contains(is_emoji) {
        return Err(ApiError::invalid_field("name", "is an invalid value"));
    }
    if name != workspace.name && name != workspace.display_name() {
        let reason = "must be the name of the workspace";
        return Err(ApiError::invalid_field("name", reason));
    }
    let id = workspace.id.clone();
    reject_shared(state, &id)?;
    let blockers = deletion_blockers(state, &id);
    if !blockers.is_empty() && call.body_value("force_delete") != true {
        let blockers = blockers.join(", ");
        let message =
            format!("the workspace still owns {blockers}; set `force_delete` to delete them");
        return Err(ApiError::conflict(message));
    }
    state.workspaces.remove(&id);
    integrations::remove_workspace(state, &id);
    upstreams::remove_workspace::<Mcp>(state, &id);
    upstreams::remove_workspace::<A2a>(state, &id);
    secret_references::remove_workspace(state, &id);
    state.remove_workspace(&id);
    Ok(ResponseBody::empty_object())
}

/// Rejects the deletion of a workspace with shared prompts or partials, also if it is forced (V057).
fn reject_shared(state: &State, workspace: &str) -> Result<(), ApiError> {
    let mut prompts = state.prompts.in_workspace(workspace).iter();
    let mut partials = state.partials.in_workspace(workspace).iter();
    let has_shared = prompts.any(|prompt| prompt.sharing.is_shared())
        || partials.any(|partial| partial.sharing.is_shared());
    match has_shared {
        true => Err(ApiError::conflict(
            "the workspace has shared prompts or partials; end the sharing first",
        )),
        false => Ok(()),
    }
}

/// Returns the names of the resources that prevent the deletion of a workspace.
fn deletion_blockers(state: &State, workspace: &str) -> Vec<&'static str> {
    let owned = [
        (
            "API keys",
            state.api_keys.table.in_workspace(workspace).len(),
        ),
        ("configs", state.configs.in_workspace(workspace).len()),
        (
            "virtual keys",
            state.virtual_keys.in_workspace(workspace).len(),
        ),
    ];
    let owned = owned.into_iter().filter(|(_, count)| *count > 0);
    owned.map(|(name, _)| name).collect()
}

fn find_user<'a>(state: &'a State, id: &str, field_path: &str) -> Result<&'a str, ApiError> {
    let user = state.users.accounts.get(id);
    user.map(|user| user.id.as_str())
        .ok_or_else(|| ApiError::invalid_field(field_path, "is not a user of the organisation"))
}

fn list_members(state: &State, call: &Call) -> HandlerResult {
    let workspace = state.workspaces.find_by_path(call)?;
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
    let workspace = state.workspaces.find_by_path(call)?;
    let mut members = workspace.members.iter();
    let member = members.find(|member| member.user_id == call.path_param(1));
    let member = member.ok_or_else(|| ApiError::not_found("workspace member"))?;
    respond(workspace.member_detail_json(state, member))
}

/// Adds members; for an existing member, sets the role.
fn add_members(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find_by_path(call)?.clone();
    for (index, item) in call.body_items("users").iter().enumerate() {
        let id = item["id"].as_str().unwrap_or_default();
        let user = find_user(state, id, &format!("users/{index}/id"))?;
        workspace.add_member(user, item["role"].as_str().unwrap_or("member"), call.now);
    }
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

fn update_member(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find_by_path(call)?.clone();
    let mut members = workspace.members.iter_mut();
    let member = members.find(|member| member.user_id == call.path_param(1));
    let member = member.ok_or_else(|| ApiError::not_found("workspace member"))?;
    member.role = call.required_str("role")?.to_owned();
    member.last_updated_at = call.timestamp();
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}

fn remove_member(state: &mut State, call: &Call) -> HandlerResult {
    let mut workspace = state.workspaces.find_by_path(call)?.clone();
    if !workspace.remove_member(call.path_param(1)) {
        return Err(ApiError::not_found("workspace member"));
    }
    state.workspaces.put(workspace);
    Ok(ResponseBody::empty_object())
}
