//! Operations on user access to MCP and agent servers.

use serde_json::json;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::upstreams::servers::{find, put};
use crate::handlers::upstreams::{Operations, PAGE_SIZES};
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::users::User;

/// Lists the users of the server's workspace, and the users with an override.
pub(in crate::handlers) fn list_access<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    let server = find::<P>(state, call)?;
    let workspace = state.workspaces.get(&server.workspace_id);
    let is_listed = |user: &User| {
        let name = format!("{} {} {}", user.first_name, user.last_name, user.email);
        let is_member = workspace.is_some_and(|workspace| workspace.has_member(&user.id));
        (is_member || server.users.overrides.contains_key(&user.id))
            && call.matches_search(&[&name])
    };
    let users = state.users.accounts.all().filter(is_listed);
    let default = if server.users.denied_by_default {
        "deny"
    } else {
        "allow"
    };
    Ok(call
        .page_sized(PAGE_SIZES, users, |user| server.users.json(user))
        .with_field("default_user_access", json!(default)))
}

/// An item is an object with `user_id` and `enabled` or, for agents, the id of a user who gains access.
pub(in crate::handlers) fn update_access<P: Operations>(
    state: &mut State,
    call: &Call,
) -> HandlerResult {
    let mut server = find::<P>(state, call)?.clone();
    if let Some(default) = call.body_str("default_user_access") {
        server.users.denied_by_default = default == "deny";
    }
    for (index, item) in call.body_items("user_access").iter().enumerate() {
        let id = item.as_str().or(item["user_id"].as_str());
        let id = id.unwrap_or_default();
        if state.users.accounts.get(id).is_none() {
            let field_path = format!("user_access/{index}/user_id");
            let reason = "is not a user of the organisation";
            return Err(ApiError::invalid_field(&field_path, reason));
        }
        let enabled = item.is_string() || item["enabled"] == true;
        server.users.overrides.insert(id.to_owned(), enabled);
    }
    put::<P>(state, server);
    respond(json!({"success": true, "object": "user-access"}))
}
