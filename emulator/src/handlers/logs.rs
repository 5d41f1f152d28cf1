//! Operations on request logs.

mod groups;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::{api_keys, usage_policies, virtual_keys};
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::logs::attributes::LogAttributes;
use crate::state::logs::attributes::{PARENT_SPAN_FIELDS, SPAN_NAME_FIELDS, metadata_str};
use crate::state::logs::format_millis;
use crate::state::logs::log_store::{Log, LogStore};
use crate::state::logs::strings::StringId;
use crate::state::table::Row;

pub(crate) const RESOURCE: Resource = Resource {
    ..Resource::new(&[
        ("get_log", Read(get)),
        ("insert_log", Write(insert)),
        ("get_log_groups", Read(groups::by_dimension)),
        ("get_log_groups_by_metadata", Read(groups::by_metadata)),
        ("list_log_metadata_values", Read(groups::metadata_values)),
    ])
};

/// Inserts the seeded logs: three users request the example model every six hours for a week.
pub(crate) fn seed(state: &mut State, workspace: &str, now: DateTime<Utc>) {
    let key = state.api_keys.table.iter().next();
    let key = key.map_or(String::new(), |key| key.id().to_owned());
    for past in (0..28).rev() {
        let at = now - Duration::hours(1 + 6 * past);
        for user in 1..=3 {
            let prompt = 100 * (1 + (past * 7 + user * 5) % 11);
            let entry = json!({
                "metadata": {"_user": format!("user{user}@example.com")},
                "request": {
                    "method": "POST",
                    "url": "https://api.provider.example/v1/chat/completions",
                    "headers": {"x-portkey-provider": "example-provider"},
                    "body": {"model": "example-model"},
                },
                "response": {
                    "status": if (past + user) % 10 == 0 { 500 } else { 200 },
                    "response_time": 200 + prompt,
                    "body": {"usage": {"prompt_tokens": prompt, "completion_tokens": 50 * user}},
                },
            });
            state
                .logs
                .insert(workspace, at.timestamp_millis(), &key, &entry);
        }
    }
}

fn insert(state: &mut State, call: &Call) -> HandlerResult {
    let workspace = call.required_workspace()?;
    let entries = match &call.body {
        Value::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    for entry in entries {
        record(state, workspace, entry, call);
    }
    // As recorded from the service (V161).
    respond(json!("ok"))
}

/// Stores a log and counts it against the limits of its key and its provider, and for usage-limit
/// policies.
pub(crate) fn record(state: &mut State, workspace: &str, entry: &Value, call: &Call) {
    let (at, key) = (call.now.timestamp_millis(), &call.caller.key_id);
    let attributes = state.logs.insert(workspace, at, key, entry);
    usage_policies::record_usage(state, workspace, &attributes, call);
    api_keys::record_usage(state, &attributes, call);
    virtual_keys::record_usage(state, workspace, &attributes, call);
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let (logs, id) = (&state.logs, call.path_param(0));
    let found = match call.workspace() {
        Some(workspace) => logs.get(workspace, id).map(|log| (workspace, log)),
        None => logs
            .workspaces()
            .find_map(|workspace| Some((workspace, logs.get(workspace, id)?))),
    };
    let (workspace, log) = found.ok_or_else(|| ApiError::not_found("log"))?;
    respond(detail_json(state, workspace, log))
}

fn detail_json(state: &State, workspace: &str, log: &Log) -> Value {
    let entry = log.entry();
    let (request, response) = (&entry["request"], &entry["response"]);
    json!({
        "_id": log.id(),
        "created_at": format_millis(log.at),
        "organisation_id": state.organisation.id,
        "request": {
            "method": method(request),
            "url": request["url"],
            "headers": object_or_empty(&request["headers"]),
            "portkeyHeaders": portkey_headers(&request["headers"]),
            "body": request["body"],
        },
        "response": {
            "status": log.attributes.status,
            "responseTime": log.attributes.duration_ms,
            "lastUsedOptionJsonPath": "$",
            "headers": object_or_empty(&response["headers"]),
            "body": response["body"],
        },
        "metrics": metrics(state, workspace, log, &entry),
    })
}

fn method(request: &Value) -> String {
    request["method"].as_str().unwrap_or("POST").to_uppercase()
}

fn object_or_empty(value: &Value) -> Value {
    json!(value.as_object().cloned().unwrap_or_default())
}

fn portkey_headers(headers: &Value) -> Value {
    let all = headers.as_object().into_iter().flatten();
    let portkey = all.filter(|(name, _)| name.to_lowercase().starts_with("x-portkey-"));
    let portkey: Map<String, Value> = portkey
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(portkey)
}

/// Returns the metrics of a log; unknown metrics are omitted.
fn metrics(state: &State, workspace: &str, log: &Log, entry: &Value) -> Value {
    let (logs, attributes) = (&state.logs, &log.attributes);
    let string = |id: StringId| logs.strings.resolve(id);
    let workspace = state.workspaces.get(workspace);
    let (keys, values): (Vec<&str>, Vec<&str>) = attributes
        .metadata
        .iter()
        .map(|(key, value)| (string(*key), string(*value)))
        .unzip();
    let mut metrics = json!({
        "id": log.id(),
        "created_at": format_millis(log.at),
        "organisation_id": state.organisation.id,
        "organisation_name": state.organisation.name,
        "workspace_slug": workspace.map(|workspace| &workspace.slug),
        "api_key_id": string(attributes.api_key),
        "request_method": method(&entry["request"]),
        "request_url": entry["request"]["url"],
        "response_status_code": attributes.status,
        "response_time": attributes.duration_ms,
        "is_success": u8::from(attributes.is_success()),
        "req_units": attributes.input_tokens,
        "res_units": attributes.output_tokens,
        "total_units": attributes.total_tokens,
        "cost": attributes.cost,
        "cost_currency": "USD",
        "retry_success_count": attributes.retries,
        "trace_id": logs.trace_id(log),
        "metadata.key": keys,
        "metadata.value": values,
    });
    for (name, value) in optional_metrics(logs, attributes, entry) {
        if let Some(value) = value {
            metrics[name] = json!(value);
        }
    }
    metrics
}

/// Returns the metrics that not every log has.
fn optional_metrics<'a>(
    logs: &'a LogStore,
    attributes: &LogAttributes,
    entry: &'a Value,
) -> [(&'static str, Option<&'a str>); 9] {
    let string = |id: StringId| logs.strings.resolve(id);
    [
        ("ai_org", attributes.provider.map(string)),
        ("ai_model", attributes.model.map(string)),
        ("config", attributes.config.map(string)),
        ("prompt_slug", attributes.prompt.map(string)),
        ("virtual_key", attributes.virtual_key.map(string)),
        ("cache_status", attributes.cache_status.map(string)),
        ("span_id", attributes.span.map(string)),
        ("span_name", metadata_str(entry, &SPAN_NAME_FIELDS)),
        ("parent_span_id", metadata_str(entry, &PARENT_SPAN_FIELDS)),
    ]
}

/// Returns a field of a log for an export.
pub(crate) fn field(logs: &LogStore, log: &Log, entry: &Value, name: &str) -> Value {
    let attributes = &log.attributes;
    let string = |id: Option<StringId>| json!(id.map(|id| logs.strings.resolve(id)));
    match name {
        "id" => json!(log.id()),
        "trace_id" => json!(logs.trace_id(log)),
        "created_at" => json!(format_millis(log.at)),
        "request" | "response" => entry[name].clone(),
        "is_success" => json!(attributes.is_success()),
        "ai_org" => string(attributes.provider),
        "ai_model" => string(attributes.model),
        "req_units" => json!(attributes.input_tokens),
        "res_units" => json!(attributes.output_tokens),
        "total_units" => json!(attributes.total_tokens),
        "request_url" => entry["request"]["url"].clone(),
        "cost" => json!(attributes.cost),
        "cost_currency" => json!("USD"),
        "response_time" => json!(attributes.duration_ms),
        "response_status_code" => json!(attributes.status),
        "config" => string(attributes.config),
        "prompt_slug" => string(attributes.prompt),
        "metadata" => object_or_empty(&entry["metadata"]),
        _ => Value::Null,
    }
}
