//! Users of the organisation, and invitations to it.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id};

pub(crate) const HANDLERS: Handlers = &[
    ("list_users", list),
    ("get_user", get),
    ("update_user", update),
    ("delete_user", delete),
    ("list_user_invites", list_invites),
    ("get_user_invite", get_invite),
    ("create_user_invite", create_invite),
    ("delete_user_invite", delete_invite),
    ("resend_user_invite", resend_invite),
];

/// How long an invitation is open.
const INVITE_DAYS: i64 = 7;

/// A person of the organisation.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) role: String,
    pub(crate) email: String,
    created_at: String,
    last_updated_at: String,
}

/// An invitation; nobody accepts it here.
pub(crate) struct Invite {
    id: String,
    email: String,
    role: String,
    created_at: String,
    expires_at: DateTime<Utc>,
    invited_by: String,
    workspaces: Vec<Value>,
}

impl User {
    /// An owner, an admin and a member.
    pub(crate) fn seeds(now: DateTime<Utc>) -> Vec<Self> {
        let user = |(number, role): (usize, &str)| Self {
            id: new_id(),
            first_name: "User".to_owned(),
            last_name: number.to_string(),
            role: role.to_owned(),
            email: format!("user{number}@example.com"),
            created_at: timestamp(now),
            last_updated_at: timestamp(now),
        };
        [(1, "owner"), (2, "admin"), (3, "member")].map(user).into()
    }

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
    fn status(&self, now: DateTime<Utc>) -> &'static str {
        if self.expires_at > now {
            "pending"
        } else {
            "expired"
        }
    }

    fn json(&self, now: DateTime<Utc>) -> Value {
        json!({
            "object": "invite",
            "id": self.id,
            "email": self.email,
            "role": self.role,
            "created_at": self.created_at,
            "expires_at": timestamp(self.expires_at),
            "accepted_at": null,
            "status": self.status(now),
            "invited_by": self.invited_by,
            "workspaces": self.workspaces,
        })
    }
}

fn position(state: &State, id: &str) -> Result<usize, Refusal> {
    state
        .users
        .iter()
        .position(|user| user.id == id)
        .ok_or_else(|| Refusal::missing("user"))
}

fn list(state: &mut State, call: &Call) -> Answer {
    let wanted =
        |user: &&User| call.admits("role", &user.role) && call.admits("email", &user.email);
    Ok(call.page(
        state
            .users
            .iter()
            .filter(wanted)
            .map(|user| user.json(state))
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let user = &state.users[position(state, call.id(0))?];
    let mut body = user.json(state);
    body["status"] = json!("active");
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call.id(0))?;
    let user = &mut state.users[position];
    let role = call.required("role")?;
    if role == user.role {
        return Err(Refusal::invalid_field(
            "role",
            "is the role that the user already has",
        ));
    }
    user.role = role.to_owned();
    user.last_updated_at = call.timestamp();
    Ok(Reply::done())
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call.id(0))?;
    let user = state.users.remove(position);
    for workspace in &mut state.workspaces {
        workspace.remove_member(&user.id);
    }
    Ok(Reply::done())
}

fn invite_position(state: &State, id: &str) -> Result<usize, Refusal> {
    state
        .invites
        .iter()
        .position(|invite| invite.id == id)
        .ok_or_else(|| Refusal::missing("invite"))
}

fn list_invites(state: &mut State, call: &Call) -> Answer {
    let wanted = |invite: &&Invite| {
        call.admits("role", &invite.role)
            && call.admits("email", &invite.email)
            && call.admits("status", invite.status(call.now))
    };
    Ok(call.page(
        state
            .invites
            .iter()
            .filter(wanted)
            .map(|invite| invite.json(call.now))
            .collect(),
    ))
}

fn get_invite(state: &mut State, call: &Call) -> Answer {
    let invite = &state.invites[invite_position(state, call.id(0))?];
    Ok(Reply::json(invite.json(call.now)))
}

fn create_invite(state: &mut State, call: &Call) -> Answer {
    let invite = Invite {
        id: new_id(),
        email: call.required("email")?.to_owned(),
        role: call.required("role")?.to_owned(),
        created_at: call.timestamp(),
        expires_at: call.now + Duration::days(INVITE_DAYS),
        invited_by: state.owner().to_owned(),
        workspaces: invited_to(state, call)?,
    };
    let body = json!({"id": invite.id, "invite_link": link(call, &invite.id)});
    state.invites.push(invite);
    Ok(Reply::json(body))
}

/// The workspaces of an invitation; what their keys may do is never shown again.
fn invited_to(state: &State, call: &Call) -> Result<Vec<Value>, Refusal> {
    let mut workspaces = Vec::new();
    for (index, given) in call
        .value("workspaces")
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let id = given["id"].as_str().unwrap_or_default();
        if !state.workspaces.iter().any(|workspace| workspace.is(id)) {
            return Err(Refusal::invalid_field(
                &format!("workspaces/{index}/id"),
                "is not a workspace",
            ));
        }
        workspaces.push(json!({"id": id, "role": given["role"]}));
    }
    Ok(workspaces)
}

/// A new link each time: nothing answers there.
fn link(call: &Call, id: &str) -> String {
    format!("{}/invite/{id}/{}", call.origin, new_id())
}

fn delete_invite(state: &mut State, call: &Call) -> Answer {
    let position = invite_position(state, call.id(0))?;
    state.invites.remove(position);
    Ok(Reply::done())
}

fn resend_invite(state: &mut State, call: &Call) -> Answer {
    let position = invite_position(state, call.id(0))?;
    let invite = &mut state.invites[position];
    invite.expires_at = call.now + Duration::days(INVITE_DAYS);
    Ok(Reply::json(json!({"inviteLink": link(call, &invite.id)})))
}
