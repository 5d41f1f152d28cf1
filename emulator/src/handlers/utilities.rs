//! Checks and catalogues that need no state.

use serde_json::{Value, json};

use crate::call::Call;
use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::{State, catalogue};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("test_auth", Read(test_auth)),
    ("check_health", Read(check_health)),
    ("get_resource_schema", Read(get_schema)),
    ("list_ai_providers", Read(list_ai_providers)),
    // An integration is the connection to an AI provider.
    ("list_integration_providers", Read(list_ai_providers)),
    ("list_plugin_providers", Read(list_plugin_providers)),
]);

/// The dispatcher has accepted the key.
fn test_auth(state: &State, call: &Call) -> HandlerResult {
    respond(json!({
        "success": true,
        "organisation_id": state.organisation.id,
        "workspace_id": call.caller.workspace_id,
    }))
}

fn check_health(_: &State, _: &Call) -> HandlerResult {
    respond(json!({"status": "ok"}))
}

/// Only the schemas of guardrail checks are known; other resources have none.
fn get_schema(_: &State, call: &Call) -> HandlerResult {
    let resource = call.query_param("resource").unwrap_or("guardrails");
    let evals = match resource {
        "guardrails" => catalogue::check_schemas(),
        _ => Vec::new(),
    };
    respond(json!({"object": resource, "evals": evals}))
}

fn list_ai_providers(_: &State, _: &Call) -> HandlerResult {
    list(catalogue::ai_providers())
}

fn list_plugin_providers(_: &State, _: &Call) -> HandlerResult {
    list(catalogue::plugin_providers())
}

fn list(entries: Vec<Value>) -> HandlerResult {
    respond(json!({"success": true, "data": entries}))
}
