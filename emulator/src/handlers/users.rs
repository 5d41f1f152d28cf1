//! Operations on users and invitations.

use chrono::Duration;
use serde_json::{Value, json};

use crate::call::{Call, string_list};
use crate::error::ApiError;
use crate::handlers::api_keys;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::table::Row;
use crate::state::users::{Invite, User, Users};
use crate::state::workspaces::Workspace;

pub(crate) const RESOURCE: Resource = Resource {
    quirks: &[("update_user", reject_same_role)],
    links: &[("invites", show_invite)],
    link_actions: &[("invites", "accept_user_invite", accept_invite)],
    ..Resource::new(&[
        ("list_users", Read(list)),
        ("get_user", Read(get)),
        ("update_user", Write(update)),
        ("delete_user", Write(delete)),
        ("list_user_invites", Read(list_invites)),
        ("get_user_invite", Read(get_invite)),
        ("create_user_invite", Write(create_invite)),
        ("delete_user_invite", Write(delete_invite)),
        ("resend_user_invite", Write(resend_invite)),
        ("list_organisation_members", Read(list_members)),
    ])
};

/// The number of days until an invitation expires.
const INVITE_DAYS: i64 = 7;

impl Users {
    /// Returns the path of the link of an invitation.
    pub(crate) fn invite_path(&self, state: &State, id: &str) -> Option<String> {
        Some(self.invites.get(id)?.path(state))
    }
}

impl User {
    fn json(&self, state: &State) -> Value {
        let workspaces = state
            .workspaces
            .iter()
            .filter(|workspace| workspace.has_member(&self.id));
        let workspace_ids: Vec<&str> = workspaces.map(|workspace| workspace.id.as_str()).collect();
        json!({
            "object": "user",
            "id": self.id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "role": self.role,
            "email": self.email,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "workspace_ids": workspace_ids,
        })
    }
}

impl Invite {
    fn path(&self, state: &State) -> String {
        let organisation = &state.organisation.id;
        let (id, token) = (&self.id, &self.token);
        format!("/emulator/{organisation}/invites/{id}/{token}")
    }

    fn link(&self, state: &State, call: &Call) -> String {
        format!("{}{}", call.origin, self.path(state))
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let accounts = state.users.accounts.all();
    let matching = accounts.filter(|user| {
        call.matches_filter("role", &user.role) && call.matches_filter("email", &user.email)
    });
    Ok(call.page(matching, |user| user.json(state)))
}

/// Returns the users of the organisation in the path, as [`list`] does.
fn list_members(state: &State, call: &Call) -> HandlerResult {
    state.organisation.require_id(call.path_param(0))?;
    Ok(call.page(state.users.accounts.all(), |user| user.json(state)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let mut body = state.users.accounts.find_by_path(call)?.json(state);
    body["status"] = json!("active");
    respond(body)
}

fn reject_same_role(state: &State, call: &Call) -> Result<(), ApiError> {
    let user = state.users.accounts.find_by_path(call)?;
    match call.body_str("role") == Some(&user.role) {
        true => Err(ApiError::invalid_field(
            "role",
            "is the role that the user already has",
        )),
        false => Ok(()),
    }
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut user = state.users.accounts.find_by_path(call)?.clone();
    user.role = call.required_str("role")?.to_owned();
    user.last_updated_at = call.timestamp();
    state.users.accounts.put(user);
    Ok(ResponseBody::empty_object())
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.users.accounts.find_by_path(call)?.id.clone();
    state.users.accounts.remove(&id);
    super::workspaces::remove_user(state, &id);
    api_keys::remove_user_keys(state, &id);
    Ok(ResponseBody::empty_object())
}

fn list_invites(state: &State, call: &Call) -> HandlerResult {
    let matching = state.users.invites.all().filter(|invite| {
        call.matches_filter("role", &invite.role)
            && call.matches_filter("email", &invite.email)
            && call.matches_filter("status", invite.status(call.now))
    });
    Ok(call.page(matching, |invite| invite.json(call.now)))
}

fn get_invite(state: &State, call: &Call) -> HandlerResult {
    let invite = state.users.invites.find_by_path(call)?;
    respond(invite.json(call.now))
}

fn create_invite(state: &mut State, call: &Call) -> HandlerResult {
    let invite = Invite {
        id: call.ids.uuid(),
        email: call.required_str("email")?.to_owned(),
        role: call.required_str("role")?.to_owned(),
        created_at: call.timestamp(),
        expires_at: call.now + Duration::days(INVITE_DAYS),
        invited_by: state.users.acting_user(call).to_owned(),
        workspaces: invited_workspaces(state, call)?,
        key_scopes: key_scopes(call),
        accepted_at: None,
        token: call.ids.uuid(),
    };
    let body = json!({"id": invite.id, "invite_link": invite.link(state, call)});
    state.users.invites.put(invite);
    respond(body)
}

/// Returns the workspaces of an invitation. Responses do not contain the scopes of its keys.
fn invited_workspaces(state: &State, call: &Call) -> Result<Vec<Value>, ApiError> {
    let mut workspaces = Vec::new();
    for (index, item) in call.body_items("workspaces").iter().enumerate() {
        let id = item["id"].as_str().unwrap_or_default();
        if state.workspaces.get(id).is_none() {
            let field_path = format!("workspaces/{index}/id");
            return Err(ApiError::invalid_field(
                &field_path,
                "is not the id or slug of a workspace",
            ));
        }
        workspaces.push(json!({"id": id, "role": item["role"]}));
    }
    Ok(workspaces)
}

/// Returns the scopes of the keys that the invited user gets; `None` for no keys.
fn key_scopes(call: &Call) -> Option<Vec<String>> {
    let scopes = call.body_value("workspace_api_key_details");
    let scopes = string_list(&scopes["scopes"]);
    Some(scopes).filter(|scopes| !scopes.is_empty())
}

/// Returns the invitation of a link if it can still be accepted.
fn find_pending<'a>(state: &'a State, call: &Call) -> Result<&'a Invite, ApiError> {
    let is_pending = |invite: &&Invite| {
        invite.token == call.path_param(1) && invite.status(call.now) == "pending"
    };
    let invite = state.users.invites.get(call.path_param(0));
    invite
        .filter(is_pending)
        .ok_or_else(|| ApiError::not_found(Invite::NAME))
}

/// Returns the page of a link, which names the invited address. Does not accept the invitation.
fn show_invite(state: &State, call: &Call) -> HandlerResult {
    let invite = find_pending(state, call)?;
    let page = format!(
        "{} is invited to {}. Send a POST request to this link to accept.\n",
        invite.email, state.organisation.name
    );
    Ok(ResponseBody::bytes(
        "text/plain; charset=utf-8",
        page.into_bytes(),
    ))
}

/// Creates the invited user with the caller's user id and the role of the invitation, and adds it
/// to those workspaces of the invitation that still exist, with a key in each if requested.
fn accept_invite(state: &mut State, call: &Call) -> HandlerResult {
    let mut invite = find_pending(state, call)?.clone();
    let has_invited_email = |user: &User| user.email.eq_ignore_ascii_case(&invite.email);
    if state.users.accounts.iter().any(has_invited_email) {
        return Err(ApiError::conflict(
            "a user with the email address of the invite already exists",
        ));
    }
    let mut user = User::seed(&invite.email, &invite.role, call.now, &call.ids);
    if let Some(id) = &call.caller.user_id {
        user.id.clone_from(id);
    }
    for invited in &invite.workspaces {
        let name = invited["id"].as_str().unwrap_or_default();
        let role = invited["role"].as_str().unwrap_or("member");
        let add_member = |workspace: &mut Workspace| workspace.add_member(&user.id, role, call.now);
        let was_added = state.workspaces.update(name, add_member).is_some();
        if let Some(scopes) = invite.key_scopes.as_ref().filter(|_| was_added) {
            api_keys::create_for_user(state, &user, name, scopes, call);
        }
    }
    let body = user.json(state);
    state.users.accounts.put(user);
    invite.accepted_at = Some(call.now);
    state.users.invites.put(invite);
    respond(body)
}

fn delete_invite(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.users.invites.find_by_path(call)?.id.clone();
    state.users.invites.remove(&id);
    Ok(ResponseBody::empty_object())
}

fn resend_invite(state: &mut State, call: &Call) -> HandlerResult {
    let mut invite = state.users.invites.find_by_path(call)?.clone();
    if invite.accepted_at.is_some() {
        return Err(ApiError::bad_request(
            "path parameter `inviteId`: the invite has already been accepted",
        ));
    }
    invite.expires_at = call.now + Duration::days(INVITE_DAYS);
    invite.token = call.ids.uuid();
    let body = json!({"inviteLink": invite.link(state, call)});
    state.users.invites.put(invite);
    respond(body)
}
