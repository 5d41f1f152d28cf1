//! The registry of MCP servers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::mcp::servers::integration_of;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::access_list::Shared;
use crate::state::mcp::{McpIntegration, McpServer};
use crate::state::workspaces::Workspace;

/// The JSON schema of an entry.
const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/// The page size without the parameter `limit`.
const DEFAULT_LIMIT: u64 = 50;

/// All query parameters. Others are invalid here (V024), but ignored by the control plane.
const PARAMETERS: [&str; 5] = ["limit", "cursor", "search", "updated_since", "workspace_id"];

/// A server that is approved for its workspace.
struct Entry<'a> {
    server: &'a McpServer,
    integration: &'a McpIntegration,
    workspace: &'a Workspace,
}

/// Lists the approved servers, newest first. The cursor contains the position of the last server of
/// the previous page, so that servers that are added or removed in between do not shift the pages.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let mut names = call.query.keys().map(String::as_str);
    if let Some(name) = names.find(|name| !PARAMETERS.contains(name)) {
        let message = format!("query parameter `{name}` is unknown");
        return Err(ApiError::bad_request(message));
    }
    let workspace = workspace_filter(state, call)?;
    let updated_since = updated_since(call)?;
    let mut entries: Vec<Entry> = state
        .mcp
        .servers
        .iter()
        .filter(|server| workspace.is_none_or(|workspace| server.workspace_id == workspace))
        .filter_map(|server| Entry::new(state, server))
        .filter(|entry| call.matches_search(&[&entry.name()]))
        .filter(|entry| updated_since.is_none_or(|since| entry.is_updated_since(since)))
        .collect();
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.position()));
    if let Some(cursor) = call.query_param("cursor") {
        let last = Position::decode(cursor)?;
        entries.retain(|entry| entry.position() < last.as_ref());
    }
    let limit = call.query.get("limit").and_then(Value::as_u64);
    let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let mut metadata = json!({"count": entries.len()});
    if let Some(last) = entries.last().filter(|_| has_more) {
        metadata["nextCursor"] = json!(Position::encode(last.position()));
    }
    let servers: Vec<Value> = entries.iter().map(|entry| entry.json(call)).collect();
    respond(json!({"servers": servers, "metadata": metadata}))
}

/// Returns the UUID of the workspace whose servers are listed; `None` for all. Unlike in the control
/// plane, a workspace that does not exist is a 404 (V024).
fn workspace_filter<'a>(state: &'a State, call: &'a Call) -> Result<Option<&'a str>, ApiError> {
    let own = call.caller.workspace();
    let Some(key) = call.query_param("workspace_id") else {
        return Ok(own);
    };
    let workspace = state.workspaces.get(key);
    let id = &workspace
        .ok_or_else(|| ApiError::not_found("workspace"))?
        .id;
    match own.is_none_or(|own| own == id) {
        true => Ok(Some(id)),
        false => Err(ApiError::forbidden("the key belongs to another workspace")),
    }
}

/// Returns the time of `updated_since`.
fn updated_since(call: &Call) -> Result<Option<DateTime<chrono::FixedOffset>>, ApiError> {
    let since = call.query_param("updated_since");
    let since = since.map(DateTime::parse_from_rfc3339).transpose();
    since.map_err(|_| ApiError::bad_request("query parameter `updated_since` is not a time"))
}

impl<'a> Entry<'a> {
    /// Returns the entry of a server; `None` if its workspace lost the access to the integration.
    fn new(state: &'a State, server: &'a McpServer) -> Option<Self> {
        let integration = integration_of(state, server).ok()?;
        let workspace = state.workspaces.get(&server.workspace_id)?;
        let is_approved = integration.allows_workspace(&workspace.id);
        is_approved.then_some(Self {
            server,
            integration,
            workspace,
        })
    }

    fn name(&self) -> String {
        format!("ai.portkey.{}/{}", self.workspace.slug, self.server.slug)
    }

    fn updated_at(&self) -> &'a str {
        let updated_at = self.server.last_updated_at.as_deref();
        updated_at.unwrap_or(&self.server.created_at)
    }

    fn is_updated_since(&self, since: DateTime<chrono::FixedOffset>) -> bool {
        DateTime::parse_from_rfc3339(self.updated_at()).is_ok_and(|updated| updated > since)
    }

    fn position(&self) -> (&'a str, &'a str) {
        (&self.server.created_at, &self.server.id)
    }

    /// Returns the entry in the format of the MCP registry (V701). What the server reports about
    /// itself takes precedence.
    fn json(&self, call: &Call) -> Value {
        let metadata = match self.server.settings.metadata.is_synced() {
            true => &self.server.settings.metadata,
            false => &self.integration.settings.metadata,
        };
        let reported = |name: &str| metadata.values.get(name).filter(|value| !value.is_null());
        let description = || Some(&self.server.description).filter(|value| value.is_string());
        let mut server = json!({
            "$schema": SCHEMA,
            "name": self.name(),
            "title": reported("title").unwrap_or(&json!(self.server.name)),
            "version": reported("server_version").unwrap_or(&json!("0.0.0")),
            "remotes": [{
                "type": "streamable-http",
                "url": format!("{}/mcp/{}/mcp", call.origin, self.server.slug),
            }],
        });
        for (name, value) in [
            ("description", reported("description").or_else(description)),
            ("websiteUrl", reported("website_url")),
            ("icons", reported("icons")),
        ] {
            if let Some(value) = value {
                server[name] = value.clone();
            }
        }
        json!({
            "server": server,
            "_meta": {"io.portkey.ai/registry": {
                "publishedAt": self.server.created_at,
                "updatedAt": self.updated_at(),
                "isLatest": true,
            }},
        })
    }
}

/// The position of a server in the list: its time of creation and its id.
struct Position {
    created_at: String,
    id: String,
}

impl Position {
    fn encode((created_at, id): (&str, &str)) -> String {
        URL_SAFE_NO_PAD.encode(format!("{created_at}|{id}"))
    }

    fn decode(cursor: &str) -> Result<Self, ApiError> {
        let unknown = || ApiError::bad_request("query parameter `cursor` is unknown");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unknown())?;
        let text = String::from_utf8(bytes).map_err(|_| unknown())?;
        let (created_at, id) = text.split_once('|').ok_or_else(unknown)?;
        DateTime::parse_from_rfc3339(created_at).map_err(|_| unknown())?;
        Ok(Self {
            created_at: created_at.to_owned(),
            id: id.to_owned(),
        })
    }

    fn as_ref(&self) -> (&str, &str) {
        (&self.created_at, &self.id)
    }
}
