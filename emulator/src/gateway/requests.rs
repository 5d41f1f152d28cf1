//! What several operations of the gateway need: the workspace of a request, its log, and pages.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::logs;
use crate::json;
use crate::response::ResponseBody;
use crate::state::State;
use crate::state::gateway::key::ResourceKey;

impl ResourceKey {
    pub(super) fn new(call: &Call, id: String) -> Result<Self, ApiError> {
        let workspace_id = call.required_workspace()?.to_owned();
        Ok(Self { id, workspace_id })
    }
}

pub(super) fn wants_stream(request: &Value) -> bool {
    request["stream"] == true
}

/// The maximum size of a logged request body; of larger bodies only the model is logged.
const MAX_LOGGED_BODY: usize = 64 * 1024;

/// Logs a call to a model, as the service does, and counts it against the limits of its key and its
/// provider, and for usage-limit policies.
pub(super) fn log_request(
    state: &mut State,
    call: &Call,
    request: &Value,
    response: &Value,
) -> Result<(), ApiError> {
    let workspace = call.required_workspace()?;
    logs::record(state, workspace, &log_entry(call, request, response), call);
    Ok(())
}

/// Returns the log of a call.
pub(super) fn log_entry(call: &Call, request: &Value, response: &Value) -> Value {
    let headers = &call.request.gateway;
    let mut metadata = headers
        .get("x-portkey-metadata")
        .and_then(|text| json::parse(text.as_bytes()).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    for (header, name) in [
        ("x-portkey-trace-id", "trace_id"),
        ("x-portkey-span-id", "span_id"),
    ] {
        if let Some(value) = headers.get(header) {
            metadata[name] = json!(value);
        }
    }
    let body = match request.to_string().len() > MAX_LOGGED_BODY {
        true => json!({"model": request["model"]}),
        false => request.clone(),
    };
    json!({
        "metadata": metadata,
        "request": {
            "method": call.request.method,
            "url": format!("{}{}", call.origin, call.request.uri),
            "headers": headers,
            "body": body,
        },
        "response": {"status": 200, "response_time": 0, "body": response},
    })
}

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (20, 100);

/// Returns a page of a list with cursor paging: `limit`, and the id in `after`.
pub(super) fn cursor_page<'a, T>(
    call: &Call,
    rows: &[&'a T],
    id: impl Fn(&'a T) -> &'a str,
    to_json: impl Fn(&'a T) -> Value,
) -> ResponseBody {
    let limit = call.query.get("limit").and_then(Value::as_u64);
    let limit = limit.unwrap_or(PAGE_SIZES.0).clamp(1, PAGE_SIZES.1);
    let start = call.query_param("after").map_or(0, |after| {
        let position = rows.iter().position(|row| id(row) == after);
        position.map_or(rows.len(), |position| position + 1)
    });
    let rest = rows.get(start..).unwrap_or_default();
    let page = rest.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
    let (page, more) = rest.split_at(page);
    let data: Vec<Value> = page.iter().map(|row| to_json(row)).collect();
    ResponseBody::json(json!({
        "object": "list",
        "data": data,
        "first_id": page.first().map(|row| id(row)),
        "last_id": page.last().map(|row| id(row)),
        "has_more": !more.is_empty(),
    }))
}
