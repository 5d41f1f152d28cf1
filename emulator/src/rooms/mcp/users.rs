//! Who may use an MCP server, and who is signed in to it. Users sign in elsewhere: here a user is
//! connected while there are tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::PAGE;
use super::servers::{McpServer, find};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::State;
use crate::rooms::users::User;

/// What an MCP server knows about users, by UUID.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Users {
    /// Whether users without a setting of their own are kept out.
    denied: bool,
    overrides: BTreeMap<String, bool>,
    tokens: BTreeMap<String, Tokens>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tokens {
    access: String,
    refresh: Value,
    created_at: String,
    last_updated_at: String,
}

impl Users {
    fn admit(&self, user: &str) -> bool {
        self.overrides.get(user).copied().unwrap_or(!self.denied)
    }

    fn json(&self, user: &User) -> Value {
        let connected = self.tokens.contains_key(&user.id);
        json!({
            "user_id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "enabled": self.admit(&user.id),
            "has_override": self.overrides.contains_key(&user.id),
            "connection_status": if connected { "connected" } else { "not_connected" },
            // The service's spelling.
            "object": "user-acces",
        })
    }
}

/// The users of the server's workspace, and those with a setting of their own.
pub(super) fn list_access(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let workspace = state.workspaces.get(&server.workspace_id);
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let listed = |user: &User| {
        let name = format!("{} {} {}", user.first_name, user.last_name, user.email);
        let is_member = workspace.is_some_and(|own| own.has_member(&user.id));
        (is_member || server.users.overrides.contains_key(&user.id))
            && name.to_lowercase().contains(&search)
    };
    let users = state.users.people.all().filter(listed);
    let default = if server.users.denied { "deny" } else { "allow" };
    Ok(call
        .page_sized(PAGE, users, |user| server.users.json(user))
        .with("default_user_access", json!(default)))
}

pub(super) fn update_access(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    if let Some(default) = call.text("default_user_access") {
        server.users.denied = default == "deny";
    }
    for (index, given) in call.items("user_access").iter().enumerate() {
        let id = given["user_id"].as_str().unwrap_or_default();
        if state.users.people.get(id).is_none() {
            let place = format!("user_access/{index}/user_id");
            let problem = "is not a user of the organisation";
            return Err(Refusal::invalid_field(&place, problem));
        }
        let enabled = given["enabled"] == true;
        server.users.overrides.insert(id.to_owned(), enabled);
    }
    state.mcp.servers.put(server);
    Ok(Reply::json(json!({"success": true})))
}

/// A service key has no user, and whoever holds it may use the server.
pub(super) fn check_access(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let user = call.caller.user_id.as_deref();
    let has_access = user.is_none_or(|user| server.users.admit(user));
    Ok(Reply::json(
        json!({"has_access": has_access, "object": "user-access-check"}),
    ))
}

/// A user's key sees its user's connection only, a service key those of all.
pub(super) fn list_connections(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let wanted = call
        .query_text("user_id")
        .or(call.caller.user_id.as_deref());
    let all = server.users.tokens.iter();
    let rows: Vec<(&String, &Tokens)> = all
        .filter(|(user, _)| wanted.is_none_or(|wanted| wanted == *user))
        .collect();
    Ok(call.page_sized(PAGE, rows, |(user, tokens)| {
        json!({
            "user_id": user,
            "connected": true,
            "created_at": tokens.created_at,
            "last_updated_at": tokens.last_updated_at,
        })
    }))
}

pub(super) fn delete_connection(state: &mut State, call: &Call) -> Answer {
    let server = find(state, call)?.clone();
    let user = call
        .query_text("user_id")
        .or(call.caller.user_id.as_deref());
    let user = user.ok_or_else(|| {
        Refusal::invalid("query parameter `user_id` is required with a service key")
    })?;
    forget(state, server, user)
}

fn forget(state: &mut State, mut server: McpServer, user: &str) -> Answer {
    if server.users.tokens.remove(user).is_none() {
        return Err(Refusal::missing("connection"));
    }
    state.mcp.servers.put(server);
    Ok(Reply::done())
}

pub(super) fn get_tokens(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let tokens = server.users.tokens.get(state.users.acting(call));
    Ok(Reply::json(json!({
        "access_token": tokens.map(|own| &own.access),
        "refresh_token": tokens.map(|own| &own.refresh),
        "expires_at": null,
        "object": "tokens",
    })))
}

pub(super) fn update_tokens(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    let user = state.users.acting(call);
    let before = server.users.tokens.get(user);
    let tokens = Tokens {
        access: call.required("access_token")?.to_owned(),
        refresh: match call.given("refresh_token") {
            Some(given) => given.clone(),
            None => before.map_or(Value::Null, |own| own.refresh.clone()),
        },
        created_at: before.map_or_else(|| call.timestamp(), |own| own.created_at.clone()),
        last_updated_at: call.timestamp(),
    };
    server.users.tokens.insert(user.to_owned(), tokens);
    state.mcp.servers.put(server);
    Ok(Reply::done())
}

pub(super) fn delete_tokens(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    server.users.tokens.remove(state.users.acting(call));
    state.mcp.servers.put(server);
    Ok(Reply::done())
}
