//! Operations on user connections to MCP servers, and the access check of their users. The emulator has
//! no sign-in: a user with stored tokens is connected.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::api_keys;
use crate::handlers::mcp::servers::{find, put};
use crate::handlers::upstreams::PAGE_SIZES;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::mcp::{Mcp, McpServer};
use crate::state::upstreams::users::Tokens;

/// A service key has no user and always has access.
pub(super) fn check_access(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    let user = call.caller.user_id.as_deref();
    let has_access = user.is_none_or(|user| server.users.is_allowed(user));
    respond(json!({"has_access": has_access, "object": "user-access-check"}))
}

/// By default, a user's key lists the connections of its user, and a service key those of all
/// users.
pub(super) fn list_connections(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    let user_filter = connection_user(state, call)?;
    let all = server.users.tokens.iter();
    let rows: Vec<(&String, &Tokens)> = all
        .filter(|(user, _)| user_filter.is_none_or(|id| id == *user))
        .collect();
    Ok(call.page_sized(PAGE_SIZES, rows, |(user, tokens)| {
        json!({
            "user_id": user,
            "connected": true,
            "created_at": tokens.created_at,
            "last_updated_at": tokens.last_updated_at,
        })
    }))
}

/// Returns the user whose connections a request is about. Only administrators and managers can name
/// another user (V181).
fn connection_user<'a>(state: &State, call: &'a Call) -> Result<Option<&'a str>, ApiError> {
    let own = call.caller.user_id.as_deref();
    match call.query_param("user_id") {
        Some(user) if own != Some(user) && !api_keys::manages_workspace(state, call) => {
            let message = "the user of the key can only access their own connections";
            Err(ApiError::forbidden(message))
        }
        requested => Ok(requested.or(own)),
    }
}

pub(super) fn delete_connection(state: &mut State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?.clone();
    let user = connection_user(state, call)?.ok_or_else(|| {
        ApiError::bad_request("query parameter `user_id` is required with a service key")
    })?;
    disconnect(state, server, user)
}

fn disconnect(state: &mut State, mut server: McpServer, user: &str) -> HandlerResult {
    if server.users.tokens.remove(user).is_none() {
        return Err(ApiError::not_found("connection"));
    }
    put(state, server);
    Ok(ResponseBody::empty_object())
}

pub(super) fn get_tokens(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    let tokens = server.users.tokens.get(state.users.acting_user(call));
    respond(json!({
        "access_token": tokens.map(|tokens| &tokens.access),
        "refresh_token": tokens.map(|tokens| &tokens.refresh),
        "expires_at": null,
        "object": "tokens",
    }))
}

pub(super) fn update_tokens(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<Mcp>(state, call)?.clone();
    let user = state.users.acting_user(call);
    let existing = server.users.tokens.get(user);
    let tokens = Tokens {
        access: call.required_str("access_token")?.to_owned(),
        refresh: match call.body_field("refresh_token") {
            Some(token) => token.clone(),
            None => existing.map_or(Value::Null, |tokens| tokens.refresh.clone()),
        },
        created_at: existing.map_or_else(|| call.timestamp(), |tokens| tokens.created_at.clone()),
        last_updated_at: call.timestamp(),
    };
    server.users.tokens.insert(user.to_owned(), tokens);
    put(state, server);
    Ok(ResponseBody::empty_object())
}

pub(super) fn delete_tokens(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<Mcp>(state, call)?.clone();
    server.users.tokens.remove(state.users.acting_user(call));
    put(state, server);
    Ok(ResponseBody::empty_object())
}
